// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/policy"
)

// TestDefaultFollowsTheBaseRate: whatever the base rate, a PD equal to it is
// reviewed, a third of it approved and twice of it declined; for a rate outside 0
// to 1 the policy is the one for an unknown rate.
func TestDefaultFollowsTheBaseRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.0001, 0.003, 0.0123, 0.05, 0.279, 1.0 / 3} {
		yaml := policy.DefaultFor(rate)
		p, err := policy.Parse(yaml, policy.Schema{})
		if err != nil {
			t.Fatalf("%g: %v\n%s", rate, err, yaml)
		}
		for pd, want := range map[float64]assay.Outcome{rate / 3: assay.Approve, rate: assay.Review,
			2 * rate: assay.Decline} {
			var r policy.Result
			p.Decide(&r,
				&policy.Input{Event: &assay.Event{}, Score: assay.Score{PD: pd, Margin: math.Log(pd / (1 - pd))}})
			if r.Outcome != want {
				t.Errorf("base rate %g, PD %g: %v, want %v", rate, pd, r.Outcome, want)
			}
		}
	}
	for _, rate := range []float64{0, 1, -1, math.NaN()} {
		if !bytes.Equal(policy.DefaultFor(rate), policy.Default()) {
			t.Errorf("rate %g has a policy of its own", rate)
		}
	}
	for _, rate := range []float64{0.9, 0.99} { // most are bad: still in order
		if _, err := policy.Parse(policy.DefaultFor(rate), policy.Schema{}); err != nil {
			t.Error(err)
		}
	}
}
