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
	kind    slotKind
	name    string // field or role
	index   int    // feature
	inexact bool   // the variable is the name with underscores in it
}

type wanted uint8

const (
	wantBool wanted = iota
	wantNumber
)

type compiler struct {
	env      *cel.Env
	slots    map[string]slot // every variable that some expression reads
	declared *declarations
	cost     Cost // of the expressions so far
	bytes    int  // of the expressions so far
	accepted bool // an expression that exceeds a bound stays, and fails
}

func newCompiler(s Schema, used map[string]slot) (*compiler, error) {
	d, err := declare(s)
	if err != nil {
		return nil, err
	}
	c := &compiler{slots: used, declared: d}
	if c.env, err = cel.NewEnv(append(d.options(), cel.CrossTypeNumericComparisons(true))...); err != nil {
		return nil, fmt.Errorf("expressions: %w", err)
	}
	return c, nil
}

// expression is a compiled CEL expression and what it reads that may be missing.
type expression struct {
	program  cel.Program
	truthOf  plainTruth  // what CEL need not evaluate; nil if there is none
	numberOf plainNumber // likewise
	optional []slot
	names    []string
	refused  error // why it is never evaluated; nil for one that is
}

func (c *compiler) compile(src string, want wanted) (expression, error) {
	if src == "" {
		return expression{}, errors.New("the expression is empty")
	}
	if len(src) > MaxExpression {
		return expression{}, fmt.Errorf("an expression of %d bytes, at most %d are allowed", len(src), MaxExpression)
	}
	if c.bytes += len(src); c.bytes > MaxExpressions {
		return c.exceeds(expression{},
			fmt.Errorf("the policy's expressions have more than %d bytes in all: shorten them", MaxExpressions))
	}
	ast, err := c.check(src)
	if err != nil {
		return expression{}, err
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
		sl, ok := c.declared.variables[ref.Name]
		if !ok {
			continue // a type name or an enum of CEL's own
		}
		c.slots[ref.Name] = sl
		if c.declared.optional[ref.Name] {
			x.names = append(x.names, ref.Name)
		}
	}
	sort.Strings(x.names)
	for _, n := range x.names {
		x.optional = append(x.optional, c.declared.variables[n])
	}
	most := uint64(0)
	if x.program, most, err = c.program(ast); err != nil {
		return c.exceeds(x, err)
	}
	if units := c.cost.Units + most; units > MaxCost {
		return c.exceeds(x,
			fmt.Errorf("the expressions up to this one may cost %d units a decision, at most %d are allowed: "+
				"write fewer loops, or shorter lists", units, MaxCost))
	}
	c.cost.add(most)
	p := plain{ast.NativeRep(), c.declared.variables}
	if want == wantBool {
		x.truthOf = p.truth(p.ast.Expr())
	} else {
		x.numberOf = p.number(p.ast.Expr(), true)
	}
	return x, nil
}

// exceeds ends the compiling of an expression that a bound does not allow.
func (c *compiler) exceeds(x expression, err error) (expression, error) {
	if !c.accepted {
		return expression{}, err
	}
	x.refused = err
	return x, nil
}

// check parses and type-checks an expression.
func (c *compiler) check(src string) (*cel.Ast, error) {
	parsed, iss := c.env.Parse(src)
	if iss.Err() == nil {
		if err := c.declared.resolve(parsed.NativeRep().Expr()); err != nil {
			return nil, err
		}
		var checked *cel.Ast
		if checked, iss = c.env.Check(parsed); iss.Err() == nil {
			return checked, nil
		}
	}
	return nil, fmt.Errorf("%w (names that can be read: pd, margin, points, grade, kind, event.FIELD, entity.ROLE, "+
		"feature.NAME, "+
		"missing.event.FIELD, missing.feature.NAME; a name that is no identifier as event[\"...\"])", iss.Err())
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
	if x.refused != nil {
		return false, x.refused
	}
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
	if x.refused != nil {
		return 0, x.refused
	}
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
