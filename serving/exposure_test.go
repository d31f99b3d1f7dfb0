// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// exposurePlan has what a buyer and a seller have open as windows.
const exposurePlan = `
version: 1
name: exposure
time: at
entities: [buyer, seller]
fields:
  - {name: amount, required: true, min: 0}
  - {name: collateral}
windows:
  - {name: buyer_open, key: [buyer], on: [application], value: amount, length: 30d}
  - {name: seller_open, key: [seller], on: [application], value: amount, length: 30d}
features:
  - {name: amount}
  - {name: buyer_open, kernel: window_sum, window: buyer_open}
  - {name: seller_open, kernel: window_sum, window: seller_open}
`

const exposurePolicy = `
name: exposure
cutoffs: {review_from: 0.9, decline_from: 0.95}
loss: {lgd: 0.5, exposure: event.amount, collateral: event.collateral, decline_from: 1e6, on_missing: skip}
limits:
  - {name: buyer-limit, exposure: feature.buyer_open + event.amount, max: 250, outcome: decline, on_missing: skip}
  - {name: seller-limit, exposure: feature.seller_open + event.amount, max: 400, outcome: review, on_missing: skip}
prices: {PRICED: 0.03}
`

// TestExposureLimits: limits per buyer and per seller are held to what the
// windows hold, over restarts, and the reply names the rule, the loss and the
// price.
func TestExposureLimits(t *testing.T) {
	t.Parallel()
	b, dir := bundle(t, exposurePlan, "exposure", 0), t.TempDir()
	b.Model.Trees = b.Model.Trees[:1] // margin -3: the second asks for a feature of another plan
	grade := b.Score(-3).Grade
	yaml := strings.Replace(exposurePolicy, "PRICED", grade, 1)
	n := start(t, dir, Config{Bundle: b, Policy: []byte(yaml)})
	for i, c := range []struct {
		buyer, seller string
		amount        float64
		collateral    float64 // -1: not stated
		outcome       assay.Outcome
		rules         []string
	}{
		{"B-1", "S-1", 100, 0, assay.Approve, nil},
		{"B-1", "S-1", 100, 40, assay.Approve, nil},
		{"B-1", "S-1", 100, -1, assay.Decline, []string{"buyer-limit"}}, // 200 open and 100: over 250
		{"B-2", "S-1", 100, -1, assay.Approve, nil},                     // the seller: 300 and 100
		{"B-3", "S-1", 1, -1, assay.Review, []string{"seller-limit"}},   // 400 and 1
		// another seller, a buyer with 1 open
		{"B-3", "S-2", 200, -1, assay.Approve, nil},
		{"B-1", "S-1", 100, -1, assay.Decline, []string{"buyer-limit", "seller-limit"}}, // both, the worse decides
		{"B-3", "S-2", 100, -1, assay.Decline, []string{"buyer-limit"}},                 // over a restart
	} {
		if i == 7 {
			n.stop()
			n = start(t, dir, Config{Bundle: b, Policy: []byte(yaml)})
		}
		id := fmt.Sprint("x", i)
		e := &assay.Event{ID: id, Kind: "application", Time: start2026,
			Entities: []assay.Entity{{Role: "buyer", ID: c.buyer}, {Role: "seller", ID: c.seller}},
			Fields:   []assay.Field{{Name: "amount", Value: assay.NumberValue(c.amount)}}}
		if c.collateral >= 0 {
			e.Fields = append(e.Fields, assay.Field{Name: "collateral", Value: assay.NumberValue(c.collateral)})
		}
		d, err := n.client.Score(t.Context(), id, e)
		if err != nil {
			t.Fatal(err)
		}
		if d.Outcome != c.outcome || !slices.Equal(d.Rules, c.rules) {
			t.Errorf("row %d: %s by %q, want %s by %q", i, d.Outcome, d.Rules, c.outcome, c.rules)
		}
		if price := d.Response.GetPrice(); price != 0.03 {
			t.Errorf("row %d: price %v, want 0.03", i, price)
		}
		el := d.Response.ExpectedLoss
		if stated := c.collateral >= 0; stated != (el != nil) ||
			stated && math.Abs(*el-d.Score.PD*0.5*(c.amount-c.collateral)) > 1e-12 {
			t.Errorf("row %d: expected loss %v with collateral %v", i, el, c.collateral)
		}
	}
}

// TestPolicyErrorsAreReadable: who sends a policy that does not fit the plan
// reads which rule is wrong, where, and what there is instead.
func TestPolicyErrorsAreReadable(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	adm := pb.NewAdminClient(n.client.Conn())
	for rule, want := range map[string][]string{
		"when: event.amont > 1.0, outcome: review": {`rule "r"`, "amont", "1:",
			"names that can be read", "event.FIELD"},
		"when: event.sector > 1.0, on_missing: skip, outcome: review": {`rule "r"`,
			"no matching overload", "string"},
		"when: feature.income + 1.0, on_missing: skip, outcome: review": {`rule "r"`, "double", "want a bool"},
		"when: feature.income > 1.0, outcome: review": {`rule "r"`,
			"feature.income may be missing", "skip, review or decline"},
		"when: event.amount > 1.0, outcome: approve":                       {`rule "r"`, "want review or decline"},
		"when: entity.seler == 'x', on_missing: skip, outcome: review":     {`rule "r"`, "seler"},
		"wen: event.amount > 1.0, outcome: review":                         {"wen", "[4:"},
		"when: 'event.amount > (', outcome: review, on_missing: 'skip'":    {`rule "r"`, "Syntax error"},
		"when: 'timestamp(1) < event.amount', outcome: review, name: \"\"": {"name"},
	} {
		yaml := "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nrules:\n  - {name: r, " + rule + "}\n"
		_, err := adm.SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p", Yaml: []byte(yaml)})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", rule, err)
		}
		for _, w := range want {
			if !has(err, w) {
				t.Errorf("%s: the error %v does not say %q", rule, err, w)
			}
		}
	}
	if taken := n.journal.Stats().Taken; taken != begun {
		t.Errorf("%d records: a policy that is refused must leave none", taken-begun)
	}
}
