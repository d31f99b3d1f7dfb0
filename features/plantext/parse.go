// SPDX-License-Identifier: Apache-2.0

package plantext

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/yamltext"
)

// Names is a list that may be written as one name: `of: amount`.
type Names []string

// UnmarshalYAML reads a name or a list of names.
func (n *Names) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*n = Names{one}
		return nil
	}
	var many []string
	if err := unmarshal(&many); err != nil {
		return err
	}
	*n = many
	return nil
}

// SpecError says what is wrong with a plan, where, and what to do about it. It
// matches assay.ErrInvalid.
type SpecError struct {
	Line, Column int    // 1-based; 0 if the spec did not come from YAML
	Path         string // as in $.features[3].of[0]
	Problem      string
	Hint         string
}

// Error implements error.
func (e *SpecError) Error() string {
	var b strings.Builder
	b.WriteString("plan")
	if e.Line > 0 {
		fmt.Fprintf(&b, ": line %d, column %d", e.Line, e.Column)
	}
	if e.Path != "" {
		fmt.Fprintf(&b, " (%s)", strings.TrimPrefix(e.Path, "$."))
	}
	b.WriteString(": " + e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Is reports that a SpecError is an assay.ErrInvalid.
func (e *SpecError) Is(target error) bool { return target == assay.ErrInvalid }

// positions finds the line and column of a path in a parsed document.
type positions struct{ file *ast.File }

func (p *positions) at(path string) (line, column int) {
	for p != nil && path != "" {
		if yp, err := yaml.PathString(path); err == nil {
			if node, err := yp.FilterFile(p.file); err == nil && node != nil && node.GetToken() != nil {
				pos := node.GetToken().Position
				if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
					pos = m.Values[0].Key.GetToken().Position
				}
				return pos.Line, pos.Column
			}
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 1 {
			break
		}
		path = path[:cut] // the parent of a node that is not there
	}
	return 0, 0
}

// Decode reads a plan's YAML without checking its rules: package plancheck does
// that. An unknown key, a wrong type, an anchor, alias, merge key or tag, and a
// text beyond the limits of yamltext.Plan are a *SpecError, with line and column
// where they are known.
func Decode(b []byte) (*Spec, error) {
	file, err := yamltext.Parse(b, yamltext.Plan)
	if err != nil {
		return nil, yamlError(err)
	}
	switch {
	case len(file.Docs) > 1:
		return nil, &SpecError{Problem: fmt.Sprintf("%d YAML documents, want one", len(file.Docs))}
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return nil, &SpecError{Problem: "the text is empty", Hint: "docs/plan.md shows a plan"}
	}
	if err := refuseReferences(file.Docs[0].Body); err != nil {
		return nil, err
	}
	s := new(Spec)
	if err := yamltext.Decode(b, s, yamltext.Plan); err != nil {
		return nil, yamlError(err)
	}
	s.pos = &positions{file}
	if err := s.moveEvents(); err != nil {
		return nil, err
	}
	return s, nil
}

// ErrorAt makes a *SpecError for the node at a path, such as $.features[3].of[0].
// Its line and column are those of the node in the YAML, or of the nearest node
// above it that exists; they are 0 if the spec was not read from YAML.
func (s *Spec) ErrorAt(path, hint, problem string, args ...any) error {
	e := &SpecError{Path: path, Problem: fmt.Sprintf(problem, args...), Hint: hint}
	e.Line, e.Column = s.pos.at(path)
	return e
}

// moveEvents moves the kinds of event from the key events to the key on.
func (s *Spec) moveEvents() error {
	take := func(on, events *[]string, at string) error {
		if len(*events) == 0 {
			return nil
		}
		if len(*on) > 0 {
			return s.ErrorAt(at+".events", "write one of them", "on and events are two names for the same")
		}
		*on, *events = *events, nil
		return nil
	}
	for i := range s.Fields {
		if err := take(&s.Fields[i].On, &s.Fields[i].Events, fmt.Sprintf("$.fields[%d]", i)); err != nil {
			return err
		}
	}
	for i := range s.Windows {
		if err := take(&s.Windows[i].On, &s.Windows[i].Events, fmt.Sprintf("$.windows[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// refuseReferences refuses anchors, aliases, merges and tags: a plan reads the same
// to people as to machines, and no alias can expand without bound.
func refuseReferences(body ast.Node) error {
	var bad ast.Node
	ast.Walk(visitor(func(n ast.Node) bool {
		switch n.(type) {
		case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
			bad = n
		}
		return bad == nil
	}), body)
	if bad == nil {
		return nil
	}
	p := bad.GetToken().Position
	return &SpecError{Line: p.Line, Column: p.Column, Problem: "anchors, aliases, merge keys and tags are not allowed",
		Hint: "write the value out"}
}

type visitor func(ast.Node) bool

// Visit implements ast.Visitor.
func (v visitor) Visit(n ast.Node) ast.Visitor {
	if !v(n) {
		return nil
	}
	return v
}

// maxMessage bounds what an error repeats of a plan.
const maxMessage = 300

var lineColumn = regexp.MustCompile(`^\[(\d+):(\d+)\] `)

// yamlError turns an error of the YAML library into a SpecError.
func yamlError(err error) error {
	out := &SpecError{Problem: err.Error()}
	var ye yaml.Error
	if errors.As(err, &ye) {
		if m := ye.GetMessage(); len(m) < maxMessage {
			out.Problem = m
		}
		if tk := ye.GetToken(); tk != nil && tk.Position != nil {
			out.Line, out.Column = tk.Position.Line, tk.Position.Column
		}
	} else if m := lineColumn.FindStringSubmatch(out.Problem); m != nil {
		out.Line, _ = strconv.Atoi(m[1])
		out.Column, _ = strconv.Atoi(m[2])
		out.Problem = out.Problem[len(m[0]):]
	}
	if first, _, ok := strings.Cut(out.Problem, "\n"); ok {
		out.Problem = first
	}
	var short *yamltext.Error
	if errors.As(err, &short) && !strings.HasSuffix(out.Problem, short.Suggestion()) {
		out.Problem += short.Suggestion()
	}
	if strings.Contains(out.Problem, "unknown field") {
		out.Hint = "docs/plan.md lists the keys"
	}
	return out
}

// header is the first line of every plan that is written.
const header = "# A feature plan: fields, features and reason groups. docs/plan.md explains each key; edit freely.\n"

// YAML writes the spec, ready to be edited and read again by ParseSpec.
func (s *Spec) YAML() []byte {
	b, err := yaml.MarshalWithOptions(s, yaml.IndentSequence(true))
	if err != nil {
		panic(err) // a Spec is made of plain values; TestSpecYAML writes every field
	}
	return append([]byte(header), b...)
}

// Shorten cuts a text to 40 characters, for a message.
func Shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return s
}
