// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// TestAsGoodExcludesALoss: a wide interval is not a finding of equality.
func TestAsGoodExcludesALoss(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		value, low, high float64
		light            document.Light
		says             string
		simpler          bool
	}{
		{0.045, -0.006, 0.096, document.CannotTell, "not shown to be better", false},
		{0.001, -0.004, 0.006, document.Look, "as good", true},
		{0.001, -0.004, 0.011, document.CannotTell, "not shown to be better", false},
		{0.005, 0.001, 0.009, document.Look, "as good", true},
		{0.009, 0.003, 0.015, document.Look, "by less than 0.010", false},
		{0.050, 0.030, 0.070, document.Pass, "better than a tree", false},
		{-0.05, -0.08, -0.02, document.Fail, "ranks better", true},
		{0.050, none, none, document.CannotTell, "no interval", false},
	} {
		l, f, simpler := againstSimple("a tree",
			eval.Difference{Estimate: eval.Estimate{Value: numfmt.Number(c.value), Low: numfmt.Number(c.low),
				High: numfmt.Number(c.high)}})
		if l != c.light || simpler != c.simpler || !strings.Contains(f, c.says) {
			t.Errorf("%v from %v to %v: %s, %q, simpler %v; want %s, %q, %v", c.value, c.low, c.high, l, f, simpler,
				c.light, c.says, c.simpler)
		}
	}
}

// TestOneModelIsPreferred: of two simple models that serve, the better one.
func TestOneModelIsPreferred(t *testing.T) {
	in := full(900, 4)
	twin := Challenger{Name: "twin", Simple: true, Score: in.Margin}
	second := Challenger{Name: "second twin", Simple: true, Score: in.PD}
	in.Challenger = []Challenger{twin, second}
	r, _, _ := render(t, in)
	n := 0
	for _, h := range r.Headline {
		if strings.Contains(h, "Prefer it") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d models are preferred, want 1: %q", n, r.Headline)
	}
}
