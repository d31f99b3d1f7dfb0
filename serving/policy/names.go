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
// event["name"], and where the name is an identifier as event.name, too. For a
// name that is none, event.NAME with each other character as an underscore
// works as long as no other name is written in the same way.

// celTypes are the types of fields in expressions.
var celTypes = map[assay.ValueKind]*cel.Type{
	assay.Number: cel.DoubleType, assay.Text: cel.StringType, assay.Flag: cel.BoolType,
	assay.Instant: cel.TimestampType,
}

// bracketed is the variable that stands for scope["name"]. No expression can
// write it, for no identifier has an "@".
func bracketed(scope, name string) string { return "@" + written(scope, name) }

// written is how an expression reads a name of any kind.
func written(scope, name string) string { return scope + "[" + strconv.Quote(name) + "]" }

// declarations collects the variables that expressions may read.
type declarations struct {
	variables map[string]slot
	optional  map[string]bool
	ambiguous map[string][]string // written with dots: the names that it may mean
	types     map[string]*cel.Type
	order     []string
}

func (d *declarations) add(variable string, t *cel.Type, s slot, optional bool) {
	d.variables[variable], d.optional[variable], d.types[variable] = s, optional, t
	d.order = append(d.order, variable)
}

// named declares scope["name"] and, when only this name is written so,
// scope.name.
func (d *declarations) named(scope, name string, t *cel.Type, s slot, optional bool) {
	d.add(bracketed(scope, name), t, s, optional)
	dotted := scope + "." + identifier(name)
	exact := identifier(name) == name
	d.ambiguous[dotted] = append(d.ambiguous[dotted], name)
	if before, dup := d.variables[dotted]; dup {
		// An exact name goes before one that was rewritten.
		if exact {
			d.variables[dotted], d.optional[dotted], d.types[dotted] = s, optional, t
		} else if before.inexact {
			d.types[dotted] = nil
		}
		return
	}
	s.inexact = !exact
	d.add(dotted, t, s, optional)
}

// declare lists what expressions may read of a plan.
func declare(s Schema) (*declarations, error) {
	d := &declarations{variables: map[string]slot{}, optional: map[string]bool{}, ambiguous: map[string][]string{},
		types: map[string]*cel.Type{}}
	d.add("pd", cel.DoubleType, slot{kind: slotPD}, false)
	d.add("margin", cel.DoubleType, slot{kind: slotMargin}, false)
	d.add("points", cel.DoubleType, slot{kind: slotPoints}, false)
	d.add("grade", cel.StringType, slot{kind: slotGrade}, false)
	d.add("kind", cel.StringType, slot{kind: slotEventKind}, false)
	for _, f := range s.Fields {
		t := celTypes[f.Kind]
		if t == nil {
			return nil, fmt.Errorf("field %q has the kind %s, which expressions cannot read", f.Name, f.Kind)
		}
		d.named("event", f.Name, t, slot{kind: slotField, name: f.Name}, f.Optional)
		d.named("missing.event", f.Name, cel.BoolType, slot{kind: slotFieldMissing, name: f.Name}, false)
	}
	for _, r := range s.Roles {
		d.named("entity", r, cel.StringType, slot{kind: slotEntity, name: r}, true)
	}
	for i, f := range s.Features {
		d.named("feature", f.Name, cel.DoubleType, slot{kind: slotFeature, index: i}, f.Optional)
		d.named("missing.feature", f.Name, cel.BoolType, slot{kind: slotFeatureMissing, index: i}, false)
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

// identifier writes name as CEL can name it.
func identifier(name string) string {
	b := []byte(name)
	for i, c := range b {
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			b[i] = '_'
		}
	}
	return string(b)
}

// resolve puts the variable in place of each scope["name"] of a parsed
// expression. Its error names the first one that the plan does not have.
func (d *declarations) resolve(e ast.Expr) error {
	var failed error
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if failed != nil {
			return
		}
		if e.Kind() == ast.SelectKind {
			failed = d.unclear(e)
			return
		}
		scope, name, ok := bracket(e)
		if !ok {
			return
		}
		variable := bracketed(scope, name)
		if _, known := d.variables[variable]; !known {
			failed = fmt.Errorf("%s: the plan has no such name", written(scope, name))
			return
		}
		e.SetKindCase(factory.NewIdent(e.ID(), variable))
	}))
	return failed
}

// unclear says which names scope.name may mean when it may mean several.
func (d *declarations) unclear(e ast.Expr) error {
	dotted, ok := path(e)
	names := d.ambiguous[dotted]
	if _, declared := d.variables[dotted]; !ok || declared || len(names) == 0 {
		return nil
	}
	scope := dotted[:strings.LastIndexByte(dotted, '.')]
	return fmt.Errorf("%s may mean %s or %s: write one of them", dotted, written(scope, names[0]),
		written(scope, names[1]))
}

// path writes an expression that is identifiers with dots.
func path(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), true
	case ast.SelectKind:
		s := e.AsSelect()
		of, ok := path(s.Operand())
		return of + "." + s.FieldName(), ok && !s.IsTestOnly()
	}
	return "", false
}

// bracket takes scope["name"] apart.
func bracket(e ast.Expr) (scope, name string, ok bool) {
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
	switch scope, ok = path(args[0]); scope {
	case "event", "entity", "feature", "missing.event", "missing.feature":
		return scope, string(text), ok
	}
	return "", "", false
}
