// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/assayrisk/assay"
)

// Schema is what expressions may read: the plan's fields, entity roles and
// features, in plan order.
type Schema struct {
	Fields   []Variable
	Roles    []string
	Features []Variable // Kind is ignored: features are numbers
}

// Variable is one field or feature. Optional says that it may be missing.
type Variable struct {
	Name     string
	Kind     assay.ValueKind
	Optional bool
}

type slotKind uint8

const (
	slotPD slotKind = iota
	slotMargin
	slotPoints
	slotGrade
	slotEventKind
	slotEntity
	slotField
	slotFieldMissing
	slotFeature
	slotFeatureMissing
)

// slot says where a variable's value comes from.
type slot struct {
	kind  slotKind
	name  string // field or role
	index int    // feature
}

type wanted uint8

const (
	wantBool wanted = iota
	wantNumber
)

type compiler struct {
	env      *cel.Env
	slots    map[string]slot // every variable that some expression reads
	declared map[string]slot
	optional map[string]bool
}

func newCompiler(s Schema, used map[string]slot) (*compiler, error) {
	c := &compiler{slots: used, declared: map[string]slot{}, optional: map[string]bool{}}
	opts := []cel.EnvOption{cel.CrossTypeNumericComparisons(true)}
	declare := func(name string, t *cel.Type, sl slot, optional bool) error {
		if _, dup := c.declared[name]; dup {
			return fmt.Errorf("the plan has two names that expressions would both write as %s: rename one", name)
		}
		c.declared[name], c.optional[name] = sl, optional
		opts = append(opts, cel.Variable(name, t))
		return nil
	}
	for _, v := range []struct {
		name string
		t    *cel.Type
		kind slotKind
	}{{"pd", cel.DoubleType, slotPD}, {"margin", cel.DoubleType, slotMargin}, {"points", cel.DoubleType, slotPoints},
		{"grade", cel.StringType, slotGrade}, {"kind", cel.StringType, slotEventKind}} {
		if err := declare(v.name, v.t, slot{kind: v.kind}, false); err != nil {
			return nil, err
		}
	}
	for _, f := range s.Fields {
		t := map[assay.ValueKind]*cel.Type{assay.Number: cel.DoubleType, assay.Text: cel.StringType, assay.Flag: cel.BoolType, assay.Instant: cel.TimestampType}[f.Kind]
		if t == nil {
			return nil, fmt.Errorf("field %q has the kind %s, which expressions cannot read", f.Name, f.Kind)
		}
		id := identifier(f.Name)
		if err := declare("event."+id, t, slot{kind: slotField, name: f.Name}, f.Optional); err != nil {
			return nil, err
		}
		if err := declare("missing.event."+id, cel.BoolType, slot{kind: slotFieldMissing, name: f.Name}, false); err != nil {
			return nil, err
		}
	}
	for _, r := range s.Roles {
		if err := declare("entity."+identifier(r), cel.StringType, slot{kind: slotEntity, name: r}, true); err != nil {
			return nil, err
		}
	}
	for i, f := range s.Features {
		id := identifier(f.Name)
		if err := declare("feature."+id, cel.DoubleType, slot{kind: slotFeature, index: i}, f.Optional); err != nil {
			return nil, err
		}
		if err := declare("missing.feature."+id, cel.BoolType, slot{kind: slotFeatureMissing, index: i}, false); err != nil {
			return nil, err
		}
	}
	var err error
	if c.env, err = cel.NewEnv(opts...); err != nil {
		return nil, fmt.Errorf("expressions: %w", err)
	}
	return c, nil
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

// expression is a compiled CEL expression and what it reads that may be missing.
type expression struct {
	program  cel.Program
	truthOf  plainTruth  // what CEL need not evaluate; nil if there is none
	numberOf plainNumber // likewise
	optional []slot
	names    []string
}

func (c *compiler) compile(src string, want wanted) (expression, error) {
	if src == "" {
		return expression{}, errors.New("the expression is empty")
	}
	if len(src) > MaxExpression {
		return expression{}, fmt.Errorf("an expression of %d bytes, at most %d are allowed", len(src), MaxExpression)
	}
	ast, iss := c.env.Compile(src)
	if iss.Err() != nil {
		return expression{}, fmt.Errorf("%w (names that can be read: pd, margin, points, grade, kind, event.FIELD, entity.ROLE, feature.NAME, missing.event.FIELD, missing.feature.NAME)", iss.Err())
	}
	switch t := ast.OutputType(); {
	case want == wantBool && !t.IsExactType(cel.BoolType):
		return expression{}, fmt.Errorf("the expression is a %s, want a bool", t)
	case want == wantNumber && !t.IsExactType(cel.DoubleType) && !t.IsExactType(cel.IntType):
		return expression{}, fmt.Errorf("the expression is a %s, want a number", t)
	}
	var x expression
	for _, ref := range ast.NativeRep().ReferenceMap() {
		if ref.Name == "" {
			continue
		}
		sl, ok := c.declared[ref.Name]
		if !ok {
			continue // a type name or an enum of CEL's own
		}
		c.slots[ref.Name] = sl
		if c.optional[ref.Name] {
			x.names = append(x.names, ref.Name)
		}
	}
	sort.Strings(x.names)
	for _, n := range x.names {
		x.optional = append(x.optional, c.declared[n])
	}
	var err error
	if x.program, err = c.env.Program(ast, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return expression{}, err
	}
	p := plain{ast.NativeRep(), c.declared}
	if want == wantBool {
		x.truthOf = p.truth(p.ast.Expr())
	} else {
		x.numberOf = p.number(p.ast.Expr(), true)
	}
	return x, nil
}

// missing reports whether something that x reads has no value.
func (x *expression) missing(act *activation) bool {
	for i := range x.optional {
		if act.absent(&x.optional[i]) {
			return true
		}
	}
	return false
}

func (x *expression) truth(act *activation) (bool, error) {
	if x.truthOf != nil {
		if v, ok := x.truthOf(act); ok {
			return v, nil
		}
	}
	return x.celTruth(act)
}

func (x *expression) celTruth(act *activation) (bool, error) {
	v, _, err := x.program.Eval(act)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the expression gave a %s, want a bool", v.Type())
	}
	return bool(b), nil
}

func (x *expression) number(act *activation) (float64, error) {
	if x.numberOf != nil {
		if v, ok := x.numberOf(act); ok {
			return v, nil
		}
	}
	return x.celNumber(act)
}

func (x *expression) celNumber(act *activation) (float64, error) {
	v, _, err := x.program.Eval(act)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case types.Double:
		return float64(v), nil
	case types.Int:
		return float64(v), nil
	}
	return 0, fmt.Errorf("the expression gave a %s, want a number", v.Type())
}

// activation resolves the variables of one evaluation; it implements
// interpreter.Activation.
type activation struct {
	policy *Policy
	in     *Input
}

// Parent implements interpreter.Activation.
func (*activation) Parent() cel.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	s, ok := a.policy.slots[name]
	if !ok {
		return nil, false
	}
	switch s.kind {
	case slotPD:
		return types.Double(a.in.Score.PD), true
	case slotMargin:
		return types.Double(a.in.Score.Margin), true
	case slotPoints:
		return types.Double(a.in.Score.Points), true
	case slotGrade:
		return types.String(a.in.Score.Grade), true
	case slotEventKind:
		return types.String(a.in.Event.Kind), true
	case slotEntity:
		return types.String(a.in.Event.Entity(s.name)), true
	case slotFieldMissing, slotFeatureMissing:
		return types.Bool(a.absent(&s)), true
	case slotFeature:
		return types.Double(a.in.Vector[s.index]), true
	}
	v, _ := a.in.Event.Field(s.name)
	switch v.Kind {
	case assay.Number:
		return types.Double(v.Number()), true
	case assay.Text:
		return types.String(v.Text()), true
	case assay.Flag:
		return types.Bool(v.Flag()), true
	case assay.Instant:
		return types.Timestamp{Time: v.Instant()}, true
	}
	return types.NullValue, true
}

func (a *activation) absent(s *slot) bool {
	switch s.kind {
	case slotField, slotFieldMissing:
		v, _ := a.in.Event.Field(s.name)
		return v.Kind == assay.Missing || v.Kind == assay.Number && math.IsNaN(v.Number())
	case slotFeature, slotFeatureMissing:
		return math.IsNaN(a.in.Vector[s.index])
	case slotEntity:
		return a.in.Event.Entity(s.name) == ""
	}
	return false
}
