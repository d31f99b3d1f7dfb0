// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/assayrisk/assay"
)

// Most rules compare numbers and texts. CEL's interpreter allocates a value for
// each variable and each result; the expressions below are evaluated without,
// and say so when they meet what CEL treats apart (NaN, a value of another
// kind): CEL then decides. What is not of these forms is CEL's from the start.
// FuzzPlain holds them to CEL.

// A truth, a number or a text of an evaluation; ok is false where CEL has to
// evaluate the expression.
type (
	plainTruth  func(*activation) (v, ok bool)
	plainNumber func(*activation) (v float64, ok bool)
	plainText   func(*activation) (v string, ok bool)
)

// plain turns parts of a checked expression into functions. A nil function
// stands for what it does not know.
type plain struct {
	ast   *ast.AST
	slots map[string]slot
}

// slotOf returns where the variable that e names has its value, if it is of
// that type.
func (p *plain) slotOf(e ast.Expr, kind types.Kind) (slot, bool) {
	ref := p.ast.ReferenceMap()[e.ID()]
	if ref == nil || ref.Name == "" || ref.Value != nil || p.ast.GetType(e.ID()).Kind() != kind {
		return slot{}, false
	}
	s, ok := p.slots[ref.Name]
	return s, ok
}

func (p *plain) truth(e ast.Expr) plainTruth {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		return p.flag(e)
	case ast.CallKind:
	default:
		return nil
	}
	c := e.AsCall()
	args := c.Args()
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		return not(p.truth(args[0]))
	case operators.LogicalAnd:
		return join(p.truth(args[0]), p.truth(args[1]), false)
	case operators.LogicalOr:
		return join(p.truth(args[0]), p.truth(args[1]), true)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return compare(name, p.number(args[0], true), p.number(args[1], true))
	case operators.Equals, operators.NotEquals:
		same := equal(p.number(args[0], true), p.number(args[1], true))
		if same == nil {
			same = equal(p.text(args[0]), p.text(args[1]))
		}
		if name == operators.NotEquals {
			return not(same)
		}
		return same
	case operators.In:
		return p.in(args[0], args[1])
	}
	return nil
}

// flag reads a variable that is a bool.
func (p *plain) flag(e ast.Expr) plainTruth {
	s, ok := p.slotOf(e, types.BoolKind)
	if !ok {
		return nil
	}
	switch s.kind {
	case slotFieldMissing, slotFeatureMissing:
		return func(a *activation) (bool, bool) { return a.absent(&s), true }
	case slotField:
		return func(a *activation) (bool, bool) {
			v, _ := a.in.Event.Field(s.name)
			return v.Flag(), v.Kind == assay.Flag
		}
	}
	return nil
}

func not(x plainTruth) plainTruth {
	if x == nil {
		return nil
	}
	return func(a *activation) (bool, bool) {
		v, ok := x(a)
		return !v, ok
	}
}

// join is x && y, or with either x || y: the first of them that is either
// settles it.
func join(x, y plainTruth, either bool) plainTruth {
	if x == nil || y == nil {
		return nil
	}
	return func(a *activation) (bool, bool) {
		if v, ok := x(a); !ok || v == either {
			return v, ok
		}
		return y(a)
	}
}

// number makes a number of e. With whole, whole numbers that a double holds
// count, too: CEL compares them with doubles, and does not calculate with both.
func (p *plain) number(e ast.Expr, whole bool) plainNumber {
	switch e.Kind() {
	case ast.LiteralKind:
		var x float64
		switch v := e.AsLiteral().(type) {
		case types.Double:
			x = float64(v)
		case types.Int:
			if x = float64(v); !whole || math.Abs(x) > 1<<53 {
				return nil
			}
		default:
			return nil
		}
		return func(*activation) (float64, bool) { return x, true }
	case ast.IdentKind, ast.SelectKind:
		return p.value(e)
	case ast.CallKind:
	default:
		return nil
	}
	c := e.AsCall()
	args := c.Args()
	if c.FunctionName() == operators.Negate {
		x := p.number(args[0], false)
		if x == nil {
			return nil
		}
		return func(a *activation) (float64, bool) {
			v, ok := x(a)
			return -v, ok
		}
	}
	if len(args) != 2 {
		return nil
	}
	var of func(x, y float64) float64
	switch c.FunctionName() {
	case operators.Add:
		of = func(x, y float64) float64 { return x + y }
	case operators.Subtract:
		of = func(x, y float64) float64 { return x - y }
	case operators.Multiply:
		of = func(x, y float64) float64 { return x * y }
	case operators.Divide:
		of = func(x, y float64) float64 { return x / y }
	default:
		return nil
	}
	x, y := p.number(args[0], false), p.number(args[1], false)
	if x == nil || y == nil {
		return nil
	}
	return func(a *activation) (float64, bool) {
		v, ok := x(a)
		w, also := y(a)
		return of(v, w), ok && also
	}
}

// value reads a variable that is a double.
func (p *plain) value(e ast.Expr) plainNumber {
	s, ok := p.slotOf(e, types.DoubleKind)
	if !ok {
		return nil
	}
	switch s.kind {
	case slotPD:
		return func(a *activation) (float64, bool) { return a.in.Score.PD, true }
	case slotMargin:
		return func(a *activation) (float64, bool) { return a.in.Score.Margin, true }
	case slotPoints:
		return func(a *activation) (float64, bool) { return a.in.Score.Points, true }
	case slotFeature:
		return func(a *activation) (float64, bool) { return a.in.Vector[s.index], true }
	case slotField:
		return func(a *activation) (float64, bool) {
			v, _ := a.in.Event.Field(s.name)
			return v.Number(), v.Kind == assay.Number
		}
	}
	return nil
}

// compare orders two numbers; CEL has no order of NaN.
func compare(operator string, x, y plainNumber) plainTruth {
	if x == nil || y == nil {
		return nil
	}
	var of func(x, y float64) bool
	switch operator {
	case operators.Less:
		of = func(x, y float64) bool { return x < y }
	case operators.LessEquals:
		of = func(x, y float64) bool { return x <= y }
	case operators.Greater:
		of = func(x, y float64) bool { return x > y }
	default:
		of = func(x, y float64) bool { return x >= y }
	}
	return func(a *activation) (bool, bool) {
		v, ok := x(a)
		w, also := y(a)
		return of(v, w), ok && also && v == v && w == w
	}
}

// equal compares two numbers or two texts.
func equal[T comparable, F ~func(*activation) (T, bool)](x, y F) plainTruth {
	if x == nil || y == nil {
		return nil
	}
	return func(a *activation) (bool, bool) {
		v, ok := x(a)
		w, also := y(a)
		return v == w, ok && also && v == v && w == w
	}
}

// text makes a text of e.
func (p *plain) text(e ast.Expr) plainText {
	if e.Kind() == ast.LiteralKind {
		v, ok := e.AsLiteral().(types.String)
		if !ok {
			return nil
		}
		return func(*activation) (string, bool) { return string(v), true }
	}
	s, ok := p.slotOf(e, types.StringKind)
	if !ok {
		return nil
	}
	switch s.kind {
	case slotGrade:
		return func(a *activation) (string, bool) { return a.in.Score.Grade, true }
	case slotEventKind:
		return func(a *activation) (string, bool) { return a.in.Event.Kind, true }
	case slotEntity:
		return func(a *activation) (string, bool) { return a.in.Event.Entity(s.name), true }
	case slotField:
		return func(a *activation) (string, bool) {
			v, _ := a.in.Event.Field(s.name)
			return v.Text(), v.Kind == assay.Text
		}
	}
	return nil
}

// in looks for a text in a list of texts that stand in the expression.
func (p *plain) in(e, list ast.Expr) plainTruth {
	x := p.text(e)
	if x == nil || list.Kind() != ast.ListKind {
		return nil
	}
	var texts []string
	for _, e := range list.AsList().Elements() {
		if e.Kind() != ast.LiteralKind {
			return nil
		}
		v, ok := e.AsLiteral().(types.String)
		if !ok {
			return nil
		}
		texts = append(texts, string(v))
	}
	return func(a *activation) (bool, bool) {
		v, ok := x(a)
		return slices.Contains(texts, v), ok
	}
}
