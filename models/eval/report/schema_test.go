// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval/report/document"
)

var update = flag.Bool("update", false, "write docs/formats/report.schema.json again")

const schemaPath = "../../../docs/formats/report.schema.json"

// schemaMaker turns the types of a report into a JSON Schema; what a key is
// comes from the comments of the fields.
type schemaMaker struct {
	comments map[string]string // of "Type" and "Type.Field"
	defs     map[string]any
	closed   bool // refuse keys that are not listed
}

func readComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("document/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../estimate.go", "../metrics.go", "../../../internal/chart/chart.go")
	out := map[string]string{}
	put := func(name string, groups ...*ast.CommentGroup) {
		for _, g := range groups {
			if s := strings.Join(strings.Fields(g.Text()), " "); s != "" && out[name] == "" {
				out[name] = s
			}
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				s := spec.(*ast.TypeSpec)
				put(s.Name.Name, s.Doc, g.Doc)
				if fields, ok := s.Type.(*ast.StructType); ok {
					for _, field := range fields.Fields.List {
						for _, name := range field.Names {
							put(s.Name.Name+"."+name.Name, field.Comment, field.Doc)
						}
					}
				}
			}
		}
	}
	return out
}

func (m *schemaMaker) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[numfmt.Number]():
		return map[string]any{"type": []string{"number", "null"}}
	case reflect.TypeFor[document.Cell]():
		return map[string]any{"type": []string{"string", "number", "null"}}
	case reflect.TypeFor[document.Light]():
		return map[string]any{"enum": []document.Light{document.Pass, document.Look,
			document.CannotTell, document.Fail}}
	case reflect.TypeFor[chart.Mark]():
		return map[string]any{"enum": []chart.Mark{chart.Line, chart.Dots, chart.Bars, chart.HBars, chart.Reference}}
	case reflect.TypeFor[numfmt.Format]():
		return map[string]any{"enum": []numfmt.Format{numfmt.Plain, numfmt.Fixed1, numfmt.Fixed2, numfmt.Fixed3,
			numfmt.Fixed4, numfmt.Percent, numfmt.Count, numfmt.PValue, numfmt.Signed3}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.of(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": m.of(t.Elem())}
	case reflect.Int:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Struct:
		if m.defs[t.Name()] == nil {
			m.defs[t.Name()] = true // a type may hold itself
			m.defs[t.Name()] = m.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	panic("no schema for " + t.String())
}

func (m *schemaMaker) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for f := range t.Fields() {
		if f.Anonymous {
			inner := m.object(f.Type)
			maps.Copy(properties, inner["properties"].(map[string]any))
			required = append(required, inner["required"].([]string)...)
			continue
		}
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		p := m.of(f.Type)
		if c := m.comments[t.Name()+"."+f.Name]; c != "" {
			p["description"] = c
		}
		if properties[name] = p; options != "omitempty" {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "required": required}
	if c := m.comments[t.Name()]; c != "" {
		out["description"] = c
	}
	if m.closed {
		out["additionalProperties"] = false
	}
	return out
}

// reportSchema is the schema of report.json. The published one lets keys be
// added, as the layout does; the closed one refuses them.
func reportSchema(t *testing.T, closed bool) []byte {
	t.Helper()
	m := &schemaMaker{comments: readComments(t), defs: map[string]any{}, closed: closed}
	root := m.object(reflect.TypeFor[document.Report]())
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": document.Schema,
		"description": "names the layout"}
	block := m.defs["Block"].(map[string]any)
	block["minProperties"] = 1
	if closed {
		block["maxProperties"] = 1
	}
	root["$schema"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema",
		document.Schema, m.defs
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compiled(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestReportSchema holds the published schema to the types.
func TestReportSchema(t *testing.T) {
	want := reportSchema(t, false)
	if *update {
		if err := os.WriteFile(schemaPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaPath); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v): run go test ./models/eval/report -run TestReportSchema -update",
			schemaPath, err)
	}
}

// TestReportsFollowTheSchema holds reports to it: one of everything, one of labels
// and PDs alone, one of which nothing can be told. All four words occur.
func TestReportsFollowTheSchema(t *testing.T) {
	published, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	open, closed := compiled(t, published), compiled(t, reportSchema(t, true))
	label, pd := labelled(400, 3)
	words := map[document.Light]bool{}
	for name, in := range map[string]Input{"everything": full(900, 4), "labels and PDs": {Label: label, PD: pd},
		"one class": few(50, 0), "one row": {Label: []float64{0}, PD: []float64{0.2}}} {
		r, _, js := render(t, in)
		for _, v := range r.Verdicts {
			words[v.Light] = true
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(js))
		if err != nil {
			t.Fatal(err)
		}
		if err := open.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := closed.Validate(doc); err != nil {
			t.Errorf("%s, no other keys: %v", name, err)
		}
	}
	for _, l := range []document.Light{document.Pass, document.Look, document.CannotTell, document.Fail} {
		if !words[l] {
			t.Errorf("no report says %q", l)
		}
	}
}

// TestSchemaRefuses holds that the schema can fail.
func TestSchemaRefuses(t *testing.T) {
	published, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	schema := compiled(t, published)
	_, _, js := render(t, full(300, 4))
	for name, spoil := range map[string]func(doc map[string]any){
		"another layout":       func(doc map[string]any) { doc["schema"] = "assay/report/v1" },
		"no AUC":               func(doc map[string]any) { delete(doc, "auc") },
		"a number in words":    func(doc map[string]any) { doc["ks"] = "0.5" },
		"a colour for a light": func(doc map[string]any) { first(doc, "verdicts")["light"] = "green" },
		"no grounds":           func(doc map[string]any) { delete(first(doc, "verdicts"), "grounds") },
		"half a row":           func(doc map[string]any) { doc["n"] = 1.5 },
		"no section":           func(doc map[string]any) { doc["sections"] = nil },
		"an empty block":       func(doc map[string]any) { first(doc, "sections")["blocks"] = []any{map[string]any{}} },
		"a cell of a list":     func(doc map[string]any) { spoilCell(doc) },
	} {
		var doc map[string]any
		if err := json.Unmarshal([]byte(js), &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Fatalf("before: %v", err)
		}
		if spoil(doc); schema.Validate(doc) == nil {
			t.Errorf("%s follows the schema", name)
		}
	}
}

func first(doc map[string]any, key string) map[string]any {
	return doc[key].([]any)[0].(map[string]any)
}

func spoilCell(doc map[string]any) {
	for _, s := range doc["sections"].([]any) {
		blocks, _ := s.(map[string]any)["blocks"].([]any)
		for _, b := range blocks {
			if table, ok := b.(map[string]any)["table"].(map[string]any); ok {
				table["rows"].([]any)[0].([]any)[0] = []any{}
				return
			}
		}
	}
}
