// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
)

// TestParseAccepted: an expression that Parse refuses for its size or cost fails
// in a policy that was accepted before, and RefusedExpressions names it; whatever
// else is wrong, both refuse.
func TestParseAccepted(t *testing.T) {
	t.Parallel()
	in := &Input{Event: &assay.Event{}, Vector: make([]float64, len(schema.Features)), Score: assay.Score{PD: 0.01}}
	for _, h := range hostile {
		if h.refusal == "" {
			continue
		}
		p, err := ParseAccepted([]byte(when(h.expression)), schema)
		if err != nil {
			t.Errorf("%s: %v", h.name, err)
			continue
		}
		if r := p.RefusedExpressions(); r == nil || !strings.Contains(r.Error(), h.refusal) ||
			!strings.Contains(r.Error(), `rule "r"`) {
			t.Errorf("%s: refused for %v, want %q", h.name, r, h.refusal)
		}
		// nothing is missing
		if !strings.Contains(h.expression, "event.") && !strings.Contains(h.expression, "entity.") {
			if got := decide(p, in); got.Outcome != assay.Review || !slices.Equal(got.Rules, []string{"r.error"}) {
				t.Errorf("%s: %s by %q", h.name, got.Outcome, got.Rules)
			}
		}
	}
	loop := nested(5, thirty+".all(v%d, %s)", "true")
	long := "false" + strings.Repeat(" ", 4000)
	for name, src := range map[string]string{
		"cost": rules(MaxCost/MaxExpressionCost+2, loop), "bytes": rules(MaxExpressions/4000+2, long),
		"limits": head + "limits: [{name: l, exposure: '([1.0]+[2.0])[0]', max: 5, outcome: decline}]\n",
		"loss": head + "loss: {lgd: 0.4, exposure: '([1.0]+[2.0])[0]', collateral: '([1.0]+[2.0])[1]', " +
			"decline_from: 1}\n",
	} {
		if _, err := Parse([]byte(src), schema); err == nil {
			t.Errorf("%s: taken as new", name)
		}
		p, err := ParseAccepted([]byte(src), schema)
		if err != nil || p.RefusedExpressions() == nil || p.Cost().Units > MaxCost {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := decide(p, in); got.Outcome != assay.Review || len(got.Rules) == 0 ||
			!strings.HasSuffix(got.Rules[0], ".error") {
			t.Errorf("%s: %s by %q", name, got.Outcome, got.Rules)
		}
	}
	for _, src := range []string{when("event.nosuch > 1.0"), when("1 +"), head + "rule: []\n", when("1.0")} {
		if _, err := ParseAccepted([]byte(src), schema); err == nil {
			t.Errorf("taken: %s", src)
		}
	}
	if p, err := ParseAccepted([]byte(when("pd > 0.5")), schema); err != nil || p.RefusedExpressions() != nil {
		t.Errorf("an ordinary policy: %v, %v", err, p.RefusedExpressions())
	}
}

func decide(p *Policy, in *Input) (res Result) {
	p.Decide(&res, in)
	return res
}
