// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"sort"

	"github.com/google/cel-go/cel"
)

type resultType uint8

const (
	wantBool resultType = iota
	wantNumber
)

type compiler struct {
	env      *cel.Env
	sources  map[string]source // of every variable that some expression reads
	declared *declarations
	cost     Cost // of the expressions so far
	bytes    int  // of the expressions so far
	accepted bool // an expression that exceeds a bound is kept, and fails when it is evaluated
}

func newCompiler(s Schema, used map[string]source) (*compiler, error) {
	d, err := newDeclarations(s)
	if err != nil {
		return nil, err
	}
	c := &compiler{sources: used, declared: d}
	if c.env, err = cel.NewEnv(append(d.options(), cel.CrossTypeNumericComparisons(true))...); err != nil {
		return nil, fmt.Errorf("expressions: %w", err)
	}
	return c, nil
}

func (c *compiler) compile(src string, want resultType) (expression, error) {
	if src == "" {
		return expression{}, errors.New("the expression is empty")
	}
	if len(src) > MaxExpression {
		return expression{}, fmt.Errorf("an expression of %d bytes, at most %d are allowed", len(src), MaxExpression)
	}
	if c.bytes += len(src); c.bytes > MaxExpressions {
		return c.refuse(expression{},
			fmt.Errorf("the policy's expressions have more than %d bytes in all: shorten them", MaxExpressions))
	}
	ast, err := c.parseAndCheck(src)
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
		c.sources[ref.Name] = sl
		if c.declared.optional[ref.Name] {
			x.optionalNames = append(x.optionalNames, ref.Name)
		}
	}
	sort.Strings(x.optionalNames)
	for _, n := range x.optionalNames {
		x.optional = append(x.optional, c.declared.variables[n])
	}
	most := uint64(0)
	if x.program, most, err = c.program(ast); err != nil {
		return c.refuse(x, err)
	}
	if units := c.cost.Units + most; units > MaxCost {
		return c.refuse(x,
			fmt.Errorf("the expressions up to this one may cost %d units a decision, at most %d are allowed: "+
				"write fewer loops, or shorter lists", units, MaxCost))
	}
	c.cost.add(most)
	p := fastCompiler{ast.NativeRep(), c.declared.variables}
	if want == wantBool {
		x.fastTruth = p.truth(p.ast.Expr())
	} else {
		x.fastNumber = p.number(p.ast.Expr(), true)
	}
	return x, nil
}

// refuse answers for an expression that exceeds a bound: an error, or for a
// policy that was accepted before an expression that is never evaluated.
func (c *compiler) refuse(x expression, err error) (expression, error) {
	if !c.accepted {
		return expression{}, err
	}
	x.refused = err
	return x, nil
}

// parseAndCheck parses an expression and checks its types.
func (c *compiler) parseAndCheck(src string) (*cel.Ast, error) {
	parsed, iss := c.env.Parse(src)
	if iss.Err() == nil {
		if err := c.declared.resolveBrackets(parsed.NativeRep().Expr()); err != nil {
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

// program compiles a checked expression with its bounds, and returns the most
// that it can cost.
func (c *compiler) program(a *cel.Ast) (cel.Program, uint64, error) {
	m := &costEstimator{patterns: map[string]float64{}}
	if err := m.checkValueShapes(a.NativeRep(), a.NativeRep().Expr()); err != nil {
		return nil, 0, err
	}
	most := uint64(MaxExpressionCost)
	if est, err := c.env.EstimateCost(a, m); err == nil {
		most = min(most, est.Max)
	}
	p, err := c.env.Program(a, cel.EvalOptions(cel.OptOptimize), cel.CostTracking(m), cel.CostLimit(MaxExpressionCost),
		cel.CustomDecorator(boundTexts))
	return p, most, err
}
