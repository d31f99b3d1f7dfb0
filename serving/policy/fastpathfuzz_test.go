// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
)

// grammar makes expressions that pass CEL's type check from a fuzzer's bytes;
// mutated text hardly ever passes it.
type grammar struct {
	choices []byte
	depth   int
}

// pick chooses one of n; 0 when the bytes are used up.
func (g *grammar) pick(n int) int {
	if len(g.choices) == 0 {
		return 0
	}
	c := g.choices[0]
	g.choices = g.choices[1:]
	return int(c) % n
}

func (g *grammar) one(of ...string) string { return of[g.pick(len(of))] }

// deeper reports whether an expression may hold others.
func (g *grammar) deeper() bool { return g.depth < 6 && len(g.choices) > 0 }

func (g *grammar) truth() string {
	g.depth++
	defer func() { g.depth-- }()
	if !g.deeper() {
		return g.one("event.insured", "missing.event.country", "missing.feature.buyer_open_90d",
			"missing.event.collateral", "true", "false")
	}
	switch g.pick(9) {
	case 0:
		return "!(" + g.truth() + ")"
	case 1:
		return "(" + g.truth() + " && " + g.truth() + ")"
	case 2:
		return "(" + g.truth() + " || " + g.truth() + ")"
	case 3:
		return g.text() + g.one(" == ", " != ", " < ", " >= ") + g.text()
	case 4:
		return g.text() + " in [" + g.text() + ", " + g.text() + "]"
	case 5:
		return g.whole() + g.one(" < ", " <= ", " == ", " != ") + g.number()
	case 6:
		return "(" + g.truth() + " ? " + g.truth() + " : " + g.truth() + ")"
	case 7:
		return "event.due_date < timestamp('2020-01-01T00:00:00Z')"
	}
	return g.number() + g.one(" < ", " <= ", " > ", " >= ", " == ", " != ") + g.one(g.number(), g.whole())
}

func (g *grammar) number() string {
	g.depth++
	defer func() { g.depth-- }()
	if !g.deeper() || g.pick(2) == 0 {
		return g.one("pd", "margin", "points", "event.amount", "event.collateral", "feature.amount",
			"feature.buyer_open_90d",
			"0.0", "-0.0", "1.5", "1e308", "-1e-320", "9007199254740993.0", "double('NaN')")
	}
	if g.pick(5) == 0 {
		return "-(" + g.number() + ")"
	}
	return "(" + g.number() + g.one(" + ", " - ", " * ", " / ") + g.number() + ")"
}

// whole is an int or a uint, which CEL compares with doubles exactly.
func (g *grammar) whole() string {
	return g.one("0", "1", "-1", "9007199254740992", "-9007199254740993", "9007199254740993", "9223372036854775807",
		"-9223372036854775808",
		"1u", "18446744073709551615u", "(1 + 2)", "(7 / 0)", "(9223372036854775807 + 1)")
}

func (g *grammar) text() string {
	return g.one("grade", "kind", "entity.buyer", "event.country", "''", "'DE'", "'\\u00e9'", "'a' + 'b'", "string(pd)",
		"b'x' == b'x' ? 'x' : 'y'")
}

// grammarInputs are the inputs that a generated expression is evaluated on: values
// of every sort, and an event whose fields are missing or of another kind.
func grammarInputs() (out []*Input) {
	odd := []float64{0, math.Copysign(0, -1), 1, 1.5, math.NaN(), math.Inf(1), math.Inf(-1), 9007199254740992,
		-9007199254740994, math.MaxFloat64, 5e-324}
	for i, x := range odd {
		y, z := odd[(i+3)%len(odd)], odd[(i+5)%len(odd)]
		text := []string{"", "DE", "é", "a\xffb", "ab"}[i%5]
		ev := event(x, text, assay.Field{Name: "collateral", Value: assay.NumberValue(y)})
		ev.Entities = []assay.Entity{{Role: "buyer", ID: text}}
		ev.Fields[1].Value = assay.FlagValue(i%2 == 0)
		out = append(out,
			&Input{Event: ev, Vector: []float64{y, z}, Score: assay.Score{PD: z, Margin: x, Points: y, Grade: text}})
	}
	none := &assay.Event{ID: "e", Kind: "application", Time: time.Unix(1, 0)}
	other := &assay.Event{ID: "e", Kind: "application", Time: time.Unix(1, 0), Fields: []assay.Field{
		{Name: "amount", Value: assay.TextValue("1")}, {Name: "collateral"},
		{Name: "country", Value: assay.NumberValue(1)}, {Name: "insured", Value: assay.NumberValue(1)},
		{Name: "due date"}}}
	for _, ev := range []*assay.Event{none, other} {
		out = append(out, &Input{Event: ev, Vector: []float64{1, math.NaN()}, Score: assay.Score{PD: 0.5, Grade: "A"}})
	}
	return out
}

// FuzzFastPathGrammar: on every input a generated expression has the value that
// CEL gives, and an error where CEL has one.
func FuzzFastPathGrammar(f *testing.F) {
	for _, s := range []string{"\x03\x00\x01\x02", "\x01\x08\x01\x00\x04\x05\x00\x01", "\x05\x0b\x02\x01\x09",
		"\x08\x01\x01\x03\x00\x05\x00\x02\x04\x0c", "\x02\x04\x03\x05\x03\x07\x01", "\x00\x01\x08\x00\x00\x01\x06"} {
		f.Add([]byte(s))
		f.Add([]byte(strings.Repeat(s, 5)))
	}
	c := testCompiler(f)
	inputs := grammarInputs()
	f.Fuzz(func(t *testing.T, choices []byte) {
		g := &grammar{choices: choices}
		src := g.truth()
		if x, err := c.compile(src, wantBool); err == nil {
			for i, in := range inputs {
				act := &activation{sources: c.sources, in: in}
				got, gerr := x.truth(act)
				want, werr := x.truthByCEL(act)
				if got != want || fmt.Sprint(gerr) != fmt.Sprint(werr) {
					t.Errorf("%s is %v, %v on input %d; CEL gives %v, %v", src, got, gerr, i, want, werr)
				}
			}
		}
		src = g.one(g.number(), g.whole())
		if x, err := c.compile(src, wantNumber); err == nil {
			for i, in := range inputs {
				act := &activation{sources: c.sources, in: in}
				got, gerr := x.number(act)
				want, werr := x.numberByCEL(act)
				if math.Float64bits(got) != math.Float64bits(want) && (got == got || want == want) ||
					fmt.Sprint(gerr) != fmt.Sprint(werr) {
					t.Errorf("%s is %v, %v on input %d; CEL gives %v, %v", src, got, gerr, i, want, werr)
				}
			}
		}
	})
}
