// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math"
	"regexp/syntax"

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
// cost and in bytes, never in time, so that a replay on any machine stops an
// expression where the server stopped it. TestHostileExpressions measures them.
const (
	// MaxExpressionCost is what one expression may cost in one decision; one
	// that costs more fails.
	MaxExpressionCost = 10_000
	// MaxCost is what all expressions of a policy may cost in one decision. A
	// policy whose expressions could cost more is not loaded.
	MaxCost = 200_000
	// MaxValueBytes bounds a text that an expression makes.
	MaxValueBytes = 16 << 10
	// MaxPatternSize bounds the instructions of a regular expression.
	MaxPatternSize = 1000
	// MaxExpression bounds the bytes of one expression.
	MaxExpression = 4 << 10
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

// add counts one more expression.
func (c *Cost) add(units uint64) {
	c.Units += units
	c.Bytes += bytesPerExpression + units*bytesPerUnit
}

// patternSize is about how many instructions a regular expression compiles to.
// It does not compile the expression: x{1000} is a short text and a large program.
func patternSize(pattern string) (float64, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	return instructionCount(re), nil
}

func instructionCount(re *syntax.Regexp) float64 {
	n := 1.0
	if re.Op == syntax.OpLiteral {
		n = float64(len(re.Rune))
	}
	if re.Op == syntax.OpCharClass {
		n = 1 + float64(len(re.Rune))/4
	}
	for _, sub := range re.Sub {
		n += instructionCount(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= float64(max(re.Max, re.Min, 1))
	}
	return n
}

// matchCost is the cost of searching n bytes for a pattern: CEL's formula, with
// the size of the compiled pattern in place of the length of its text.
func matchCost(n uint64, pattern float64) uint64 {
	text := math.Ceil((1 + float64(n)) * common.StringTraversalCostFactor)
	return uint64(text * math.Ceil(pattern*common.RegexStringLengthCostFactor))
}

// costEstimator counts the cost of one expression: it implements CEL's
// estimators for the static and for the actual cost.
type costEstimator struct {
	patterns map[string]float64 // sizes of the expression's regular expressions
}

// CallCost implements interpreter.ActualCostEstimator.
func (m *costEstimator) CallCost(_, overload string, args []ref.Val, _ ref.Val) *uint64 {
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

// EstimateSize implements checker.CostEstimator: a text is the value of a field
// or the result of an expression, and both are bounded.
func (*costEstimator) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	if n.Type().Kind() != types.StringKind {
		return nil
	}
	if len(n.Path()) > 0 {
		return &checker.SizeEstimate{Max: assay.MaxTextBytes}
	}
	return &checker.SizeEstimate{Max: MaxValueBytes}
}

// EstimateCallCost implements checker.CostEstimator.
func (m *costEstimator) EstimateCallCost(_, overload string, target *checker.AstNode,
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

// boundTexts makes a call whose text is longer than MaxValueBytes an error.
func boundTexts(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && call.OverloadID() == overloads.AddString {
		return boundedTextCall{call}, nil
	}
	return i, nil
}

type boundedTextCall struct{ interpreter.InterpretableCall }

// Eval implements interpreter.Interpretable.
func (b boundedTextCall) Eval(a interpreter.Activation) ref.Val {
	v := b.InterpretableCall.Eval(a)
	if s, ok := v.(types.String); ok && len(s) > MaxValueBytes {
		return types.NewErr("a text of more than %d bytes", MaxValueBytes)
	}
	return v
}

// checkValueShapes allows only values whose size the cost counts: scalars, and
// lists and maps of scalars that are written out, or that a macro makes from
// such a list element by element. Lists of lists and sums of lists grow without
// costing anything, and the order of a map differs from run to run.
func (m *costEstimator) checkValueShapes(a *ast.AST, e ast.Expr) error {
	var failed error
	refuse := func(format string, args ...any) {
		if failed == nil {
			failed = fmt.Errorf(format, args...)
		}
	}
	own := macroSums(e)
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ListKind:
			for _, x := range e.AsList().Elements() {
				if !isScalar(a.GetType(x.ID())) {
					refuse("a list holds numbers, texts, bools or times, not a %s", a.GetType(x.ID()))
				}
			}
		case ast.MapKind:
			for _, x := range e.AsMap().Entries() {
				if v := a.GetType(x.AsMapEntry().Value().ID()); !isScalar(v) {
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

// checkCall refuses calls that cost more than CEL counts for them.
func (m *costEstimator) checkCall(a *ast.AST, e ast.Expr, own map[int64]bool) error {
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

// isScalar reports whether a value of the type has a bounded size. A value of
// type dyn came from a list of scalars.
func isScalar(t *types.Type) bool {
	switch t.Kind() {
	case types.ListKind, types.MapKind, types.StructKind, types.OpaqueKind, types.AnyKind:
		return false
	}
	return true
}

// macroSums are the list additions that the macros map and filter expand to:
// they add one element at a time.
func macroSums(e ast.Expr) map[int64]bool {
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
