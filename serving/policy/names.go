// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/assayrisk/assay"
)

// A plan may name a field in any script. An expression reads it as
// event["name"], and where the name is an identifier also as event.name. For any
// other name, event.NAME with an underscore for each character that CEL does not
// allow works as long as no other name is written in the same way.

// celTypes are the types of fields in expressions.
var celTypes = map[assay.ValueKind]*cel.Type{
	assay.Number: cel.DoubleType, assay.Text: cel.StringType, assay.Flag: cel.BoolType,
	assay.Instant: cel.TimestampType,
}

// bracketVariable is CEL's variable for scope["name"]. No expression can name it
// itself, since no identifier has an "@".
func bracketVariable(scope, name string) string { return "@" + bracketForm(scope, name) }

// bracketForm is how an expression reads a name of any spelling.
func bracketForm(scope, name string) string { return scope + "[" + strconv.Quote(name) + "]" }

// declarations collects the variables that expressions may read.
type declarations struct {
	variables map[string]source
	optional  map[string]bool
	ambiguous map[string][]string // for each form with dots the names that it may mean
	types     map[string]*cel.Type
	order     []string
}

func (d *declarations) add(variable string, t *cel.Type, s source, optional bool) {
	d.variables[variable], d.optional[variable], d.types[variable] = s, optional, t
	d.order = append(d.order, variable)
}

// declareNamed declares scope["name"], and scope.name unless that may mean two
// names.
func (d *declarations) declareNamed(scope, name string, t *cel.Type, s source, optional bool) {
	d.add(bracketVariable(scope, name), t, s, optional)
	dotted := scope + "." + asIdentifier(name)
	exact := asIdentifier(name) == name
	d.ambiguous[dotted] = append(d.ambiguous[dotted], name)
	if before, dup := d.variables[dotted]; dup {
		// A name that is an identifier wins over one that was rewritten.
		if exact {
			d.variables[dotted], d.optional[dotted], d.types[dotted] = s, optional, t
		} else if before.underscored {
			d.types[dotted] = nil
		}
		return
	}
	s.underscored = !exact
	d.add(dotted, t, s, optional)
}

// newDeclarations collects what expressions may read of a plan.
func newDeclarations(s Schema) (*declarations, error) {
	d := &declarations{variables: map[string]source{}, optional: map[string]bool{}, ambiguous: map[string][]string{},
		types: map[string]*cel.Type{}}
	d.add("pd", cel.DoubleType, source{kind: sourcePD}, false)
	d.add("margin", cel.DoubleType, source{kind: sourceMargin}, false)
	d.add("points", cel.DoubleType, source{kind: sourcePoints}, false)
	d.add("grade", cel.StringType, source{kind: sourceGrade}, false)
	d.add("kind", cel.StringType, source{kind: sourceEventKind}, false)
	for _, f := range s.Fields {
		t := celTypes[f.Kind]
		if t == nil {
			return nil, fmt.Errorf("field %q has the kind %s, which expressions cannot read", f.Name, f.Kind)
		}
		d.declareNamed("event", f.Name, t, source{kind: sourceField, name: f.Name}, f.Optional)
		d.declareNamed("missing.event", f.Name, cel.BoolType, source{kind: sourceFieldMissing, name: f.Name}, false)
	}
	for _, r := range s.Roles {
		d.declareNamed("entity", r, cel.StringType, source{kind: sourceEntity, name: r}, true)
	}
	for i, f := range s.Features {
		d.declareNamed("feature", f.Name, cel.DoubleType, source{kind: sourceFeature, index: i}, f.Optional)
		d.declareNamed("missing.feature", f.Name, cel.BoolType, source{kind: sourceFeatureMissing, index: i}, false)
	}
	return d, nil
}

// options declares the variables to CEL.
func (d *declarations) options() []cel.EnvOption {
	var opts []cel.EnvOption
	for _, name := range d.order {
		if t := d.types[name]; t != nil {
			opts = append(opts, cel.Variable(name, t))
		} else {
			delete(d.variables, name)
		}
	}
	return opts
}

// asIdentifier puts an underscore for each character that CEL does not allow in
// an identifier.
func asIdentifier(name string) string {
	b := []byte(name)
	for i, c := range b {
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			b[i] = '_'
		}
	}
	return string(b)
}

// resolveBrackets replaces each scope["name"] of a parsed expression by its
// variable. Its error names the first one that the plan does not have.
func (d *declarations) resolveBrackets(e ast.Expr) error {
	var failed error
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if failed != nil {
			return
		}
		if e.Kind() == ast.SelectKind {
			failed = d.ambiguityError(e)
			return
		}
		scope, name, ok := splitBracket(e)
		if !ok {
			return
		}
		variable := bracketVariable(scope, name)
		if _, known := d.variables[variable]; !known {
			failed = fmt.Errorf("%s: the plan has no such name", bracketForm(scope, name))
			return
		}
		e.SetKindCase(factory.NewIdent(e.ID(), variable))
	}))
	return failed
}

// ambiguityError says which names scope.name may mean; nil when it is not
// ambiguous.
func (d *declarations) ambiguityError(e ast.Expr) error {
	dotted, ok := dottedPath(e)
	names := d.ambiguous[dotted]
	if _, declared := d.variables[dotted]; !ok || declared || len(names) == 0 {
		return nil
	}
	scope := dotted[:strings.LastIndexByte(dotted, '.')]
	return fmt.Errorf("%s may mean %s or %s: write one of them", dotted, bracketForm(scope, names[0]),
		bracketForm(scope, names[1]))
}

// dottedPath is the text of an expression of identifiers with dots between them.
func dottedPath(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), true
	case ast.SelectKind:
		s := e.AsSelect()
		of, ok := dottedPath(s.Operand())
		return of + "." + s.FieldName(), ok && !s.IsTestOnly()
	}
	return "", false
}

// splitBracket returns the scope and the name of scope["name"].
func splitBracket(e ast.Expr) (scope, name string, ok bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Index {
		return "", "", false
	}
	args := e.AsCall().Args()
	if len(args) != 2 || args[1].Kind() != ast.LiteralKind {
		return "", "", false
	}
	text, ok := args[1].AsLiteral().(types.String)
	if !ok {
		return "", "", false
	}
	switch scope, ok = dottedPath(args[0]); scope {
	case "event", "entity", "feature", "missing.event", "missing.feature":
		return scope, string(text), ok
	}
	return "", "", false
}
