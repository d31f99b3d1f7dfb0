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
// each variable and each result; the forms below are evaluated without it. When
// one meets a value that CEL treats specially (NaN, a value of another kind), it
// reports false and CEL evaluates the expression. All other forms are left to
// CEL from the start. FuzzFastPath compares the two.

// A bool, a number or a text of one evaluation; ok is false when CEL has to
// evaluate the expression.
type (
	truthFunc  func(*activation) (v, ok bool)
	numberFunc func(*activation) (v float64, ok bool)
	textFunc   func(*activation) (v string, ok bool)
)

// fastCompiler turns parts of a checked expression into functions. It returns
// nil for a form that it does not know.
type fastCompiler struct {
	ast     *ast.AST
	sources map[string]source
}

// sourceOf returns where the variable that e names gets its value, if it has
// that type.
func (p *fastCompiler) sourceOf(e ast.Expr, kind types.Kind) (source, bool) {
	ref := p.ast.ReferenceMap()[e.ID()]
	if ref == nil || ref.Name == "" || ref.Value != nil || p.ast.GetType(e.ID()).Kind() != kind {
		return source{}, false
	}
	s, ok := p.sources[ref.Name]
	return s, ok
}

func (p *fastCompiler) truth(e ast.Expr) truthFunc {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		return p.flagVariable(e)
	case ast.CallKind:
	default:
		return nil
	}
	c := e.AsCall()
	args := c.Args()
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		return negate(p.truth(args[0]))
	case operators.LogicalAnd:
		return shortCircuit(p.truth(args[0]), p.truth(args[1]), false)
	case operators.LogicalOr:
		return shortCircuit(p.truth(args[0]), p.truth(args[1]), true)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return compareNumbers(name, p.number(args[0], true), p.number(args[1], true))
	case operators.Equals, operators.NotEquals:
		same := compareEqual(p.number(args[0], true), p.number(args[1], true))
		if same == nil {
			same = compareEqual(p.text(args[0]), p.text(args[1]))
		}
		if name == operators.NotEquals {
			return negate(same)
		}
		return same
	case operators.In:
		return p.textInList(args[0], args[1])
	}
	return nil
}

// flagVariable reads a variable of type bool.
func (p *fastCompiler) flagVariable(e ast.Expr) truthFunc {
	s, ok := p.sourceOf(e, types.BoolKind)
	if !ok {
		return nil
	}
	switch s.kind {
	case sourceFieldMissing, sourceFeatureMissing:
		return func(a *activation) (bool, bool) { return a.absent(&s), true }
	case sourceField:
		return func(a *activation) (bool, bool) {
			v, _ := a.in.Event.Field(s.name)
			return v.Flag(), v.Kind == assay.Flag
		}
	}
	return nil
}

func negate(x truthFunc) truthFunc {
	if x == nil {
		return nil
	}
	return func(a *activation) (bool, bool) {
		v, ok := x(a)
		return !v, ok
	}
}

// shortCircuit is x && y with stopOn false, and x || y with stopOn true: a value
// of stopOn ends the evaluation.
func shortCircuit(x, y truthFunc, stopOn bool) truthFunc {
	if x == nil || y == nil {
		return nil
	}
	return func(a *activation) (bool, bool) {
		if v, ok := x(a); !ok || v == stopOn {
			return v, ok
		}
		return y(a)
	}
}

// number evaluates e as a number. With whole, literals of type int count as
// well if a double holds them: CEL compares ints with doubles, but does not
// calculate with both.
func (p *fastCompiler) number(e ast.Expr, whole bool) numberFunc {
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
		return p.numberVariable(e)
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

// numberVariable reads a variable of type double.
func (p *fastCompiler) numberVariable(e ast.Expr) numberFunc {
	s, ok := p.sourceOf(e, types.DoubleKind)
	if !ok {
		return nil
	}
	switch s.kind {
	case sourcePD:
		return func(a *activation) (float64, bool) { return a.in.Score.PD, true }
	case sourceMargin:
		return func(a *activation) (float64, bool) { return a.in.Score.Margin, true }
	case sourcePoints:
		return func(a *activation) (float64, bool) { return a.in.Score.Points, true }
	case sourceFeature:
		return func(a *activation) (float64, bool) { return a.in.Vector[s.index], true }
	case sourceField:
		return func(a *activation) (float64, bool) {
			v, _ := a.in.Event.Field(s.name)
			return v.Number(), v.Kind == assay.Number
		}
	}
	return nil
}

// compareNumbers orders two numbers; NaN is left to CEL, which does not order it.
func compareNumbers(operator string, x, y numberFunc) truthFunc {
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

// compareEqual reports whether two numbers or two texts are equal.
func compareEqual[T comparable, F ~func(*activation) (T, bool)](x, y F) truthFunc {
	if x == nil || y == nil {
		return nil
	}
	return func(a *activation) (bool, bool) {
		v, ok := x(a)
		w, also := y(a)
		return v == w, ok && also && v == v && w == w
	}
}

// text evaluates e as a text.
func (p *fastCompiler) text(e ast.Expr) textFunc {
	if e.Kind() == ast.LiteralKind {
		v, ok := e.AsLiteral().(types.String)
		if !ok {
			return nil
		}
		return func(*activation) (string, bool) { return string(v), true }
	}
	s, ok := p.sourceOf(e, types.StringKind)
	if !ok {
		return nil
	}
	switch s.kind {
	case sourceGrade:
		return func(a *activation) (string, bool) { return a.in.Score.Grade, true }
	case sourceEventKind:
		return func(a *activation) (string, bool) { return a.in.Event.Kind, true }
	case sourceEntity:
		return func(a *activation) (string, bool) { return a.in.Event.Entity(s.name), true }
	case sourceField:
		return func(a *activation) (string, bool) {
			v, _ := a.in.Event.Field(s.name)
			return v.Text(), v.Kind == assay.Text
		}
	}
	return nil
}

// textInList looks for a text in a list of literal texts.
func (p *fastCompiler) textInList(e, list ast.Expr) truthFunc {
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
