// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math"
	"regexp/syntax"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/assayrisk/assay"
)

// Bounds on what one decision may cost. They are counted in CEL's own units of
// cost and in bytes, never in time, so that a replay on any machine ends where
// the server ended. TestHostileExpressions measures them.
const (
	// MaxExpressionCost is what one expression may cost in one decision; one
	// that would cost more has failed.
	MaxExpressionCost = 10_000
	// MaxCost is what all expressions of a policy may cost in one decision. A
	// policy whose expressions could cost more is not loaded.
	MaxCost = 200_000
	// MaxValueBytes bounds a text that an expression makes.
	MaxValueBytes = 16 << 10
	// MaxPatternSize bounds the instructions of a regular expression.
	MaxPatternSize = 1000
	// MaxExpressions bounds the bytes of a policy's expressions: compiling takes
	// about 1,600 times their size.
	MaxExpressions = 32 << 10
	// What a decision may allocate for each expression and for each unit of cost.
	bytesPerExpression, bytesPerUnit = 4 << 10, 64
)

// Cost is the most that one decision by a policy can cost.
type Cost struct {
	Units uint64 // of CEL's cost
	Bytes uint64 // allocated, and mostly free again before the decision ends
}

// Cost returns the bound of this policy.
func (p *Policy) Cost() Cost { return p.cost }

// add counts one more expression.
func (c *Cost) add(units uint64) {
	c.Units += units
	c.Bytes += bytesPerExpression + units*bytesPerUnit
}

// patternSize is how many instructions a regular expression compiles to, about,
// found without compiling it: x{1000} is small to write and large to hold.
func patternSize(pattern string) (float64, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	return instructions(re), nil
}

func instructions(re *syntax.Regexp) float64 {
	n := 1.0
	if re.Op == syntax.OpLiteral {
		n = float64(len(re.Rune))
	}
	if re.Op == syntax.OpCharClass {
		n = 1 + float64(len(re.Rune))/4
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= float64(max(re.Max, re.Min, 1))
	}
	return n
}

// matchCost is what it costs to search n bytes for a pattern: CEL's own figure,
// but by the size of what the pattern compiles to.
func matchCost(n uint64, pattern float64) uint64 {
	text := math.Ceil((1 + float64(n)) * common.StringTraversalCostFactor)
	return uint64(text * math.Ceil(pattern*common.RegexStringLengthCostFactor))
}

// meter counts one expression: it implements CEL's estimators for the static
// and the actual cost.
type meter struct {
	patterns map[string]float64 // sizes of the patterns that the expression has
}

// CallCost implements interpreter.ActualCostEstimator.
func (m *meter) CallCost(_, overload string, args []ref.Val, _ ref.Val) *uint64 {
	if overload != overloads.MatchesString && overload != overloads.Matches || len(args) != 2 {
		return nil
	}
	text, ok := args[0].(types.String)
	pattern, ok2 := args[1].(types.String)
	if !ok || !ok2 {
		return nil
	}
	c := matchCost(uint64(len(text)), m.patterns[string(pattern)])
	return &c
}

// EstimateSize implements checker.CostEstimator: a text is a field's, which is
// bounded, or made by an expression.
func (*meter) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	if n.Type().Kind() != types.StringKind {
		return nil
	}
	if len(n.Path()) > 0 {
		return &checker.SizeEstimate{Max: assay.MaxTextBytes}
	}
	return &checker.SizeEstimate{Max: MaxValueBytes}
}

// EstimateCallCost implements checker.CostEstimator.
func (m *meter) EstimateCallCost(_, overload string, target *checker.AstNode,
	args []checker.AstNode) *checker.CallEstimate {
	if overload != overloads.MatchesString && overload != overloads.Matches {
		return nil
	}
	largest := 0.0
	for _, n := range m.patterns {
		largest = max(largest, n)
	}
	return &checker.CallEstimate{CostEstimate: checker.CostEstimate{Max: matchCost(MaxValueBytes, largest)}}
}

// program compiles a checked expression with its bounds, and returns the most
// that it can cost.
func (c *compiler) program(a *cel.Ast) (cel.Program, uint64, error) {
	m := &meter{patterns: map[string]float64{}}
	if err := m.checkShape(a.NativeRep(), a.NativeRep().Expr()); err != nil {
		return nil, 0, err
	}
	most := uint64(MaxExpressionCost)
	if est, err := c.env.EstimateCost(a, m); err == nil {
		most = min(most, est.Max)
	}
	p, err := c.env.Program(a, cel.EvalOptions(cel.OptOptimize), cel.CostTracking(m), cel.CostLimit(MaxExpressionCost),
		cel.CustomDecorator(boundValues))
	return p, most, err
}

// boundValues makes a call whose text is longer than MaxValueBytes an error.
func boundValues(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && call.OverloadID() == overloads.AddString {
		return boundedCall{call}, nil
	}
	return i, nil
}

type boundedCall struct{ interpreter.InterpretableCall }

// Eval implements interpreter.Interpretable.
func (b boundedCall) Eval(a interpreter.Activation) ref.Val {
	v := b.InterpretableCall.Eval(a)
	if s, ok := v.(types.String); ok && len(s) > MaxValueBytes {
		return types.NewErr("a text of more than %d bytes", MaxValueBytes)
	}
	return v
}

// checkShape holds an expression to values whose size the cost counts: scalars,
// lists and maps of scalars that are written out or made of such a list one by
// one. Lists in lists and sums of lists grow without costing anything, and a
// map's order is another in each run.
func (m *meter) checkShape(a *ast.AST, e ast.Expr) error {
	var failed error
	refuse := func(format string, args ...any) {
		if failed == nil {
			failed = fmt.Errorf(format, args...)
		}
	}
	own := ownSums(e)
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ListKind:
			for _, x := range e.AsList().Elements() {
				if !scalar(a.GetType(x.ID())) {
					refuse("a list holds numbers, texts, bools or times, not a %s", a.GetType(x.ID()))
				}
			}
		case ast.MapKind:
			for _, x := range e.AsMap().Entries() {
				if v := a.GetType(x.AsMapEntry().Value().ID()); !scalar(v) {
					refuse("a map holds numbers, texts, bools or times, not a %s", v)
				}
			}
		case ast.StructKind:
			refuse("a message cannot be made in an expression")
		case ast.ComprehensionKind:
			if t := a.GetType(e.AsComprehension().IterRange().ID()); t.Kind() != types.ListKind {
				refuse("all, exists, exists_one, filter and map go through a list, not a %s", t)
			}
		case ast.CallKind:
			if err := m.checkCall(a, e, own); err != nil {
				refuse("%w", err)
			}
		}
	}))
	return failed
}

// checkCall refuses the calls whose cost is not theirs.
func (m *meter) checkCall(a *ast.AST, e ast.Expr, own map[int64]bool) error {
	call := e.AsCall()
	for _, id := range a.GetOverloadIDs(e.ID()) {
		switch id {
		case overloads.AddList:
			if !own[e.ID()] {
				return fmt.Errorf("lists cannot be added")
			}
		case overloads.ToDyn:
			return fmt.Errorf("dyn is not available: write values of one type")
		case overloads.AddBytes, overloads.StringToBytes:
			return fmt.Errorf("bytes cannot be made: compare texts")
		case overloads.MatchesString, overloads.Matches:
			pattern := call.Args()[len(call.Args())-1]
			text, ok := literalText(pattern)
			if !ok {
				return fmt.Errorf("matches: write the pattern out as a text")
			}
			n, err := patternSize(text)
			if err != nil {
				return fmt.Errorf("matches: %w", err)
			}
			if n > MaxPatternSize {
				return fmt.Errorf("matches: the pattern takes about %.0f steps, at most %d are allowed: repeat less", n,
					MaxPatternSize)
			}
			m.patterns[text] = n
		}
	}
	return nil
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// scalar reports whether a value of the type has a bounded size. What is dyn was
// read from a list of scalars.
func scalar(t *types.Type) bool {
	switch t.Kind() {
	case types.ListKind, types.MapKind, types.StructKind, types.OpaqueKind, types.AnyKind:
		return false
	}
	return true
}

// ownSums are the additions of one element that map and filter are made of.
func ownSums(e ast.Expr) map[int64]bool {
	own := map[int64]bool{}
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ComprehensionKind {
			return
		}
		c := e.AsComprehension()
		step := c.LoopStep()
		if step.Kind() == ast.CallKind && step.AsCall().FunctionName() == "_?_:_" {
			step = step.AsCall().Args()[1]
		}
		if step.Kind() == ast.CallKind && step.AsCall().FunctionName() == "_+_" {
			args := step.AsCall().Args()
			toAccu := args[0].Kind() == ast.IdentKind && args[0].AsIdent() == c.AccuVar()
			if toAccu && args[1].Kind() == ast.ListKind && args[1].AsList().Size() == 1 {
				own[step.ID()] = true
			}
		}
	}))
	return own
}
