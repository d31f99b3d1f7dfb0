// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/testbound"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/audit"
)

// poisoned is a policy whose rule, for amounts over 5,000, is a loop of 30^12
// rounds: it passes every check of its text.
func poisoned() string {
	loop, list := "true", "["+strings.Repeat("0,", 29)+"0]"
	for i := range 12 {
		loop = fmt.Sprintf("%s.all(v%d, %s)", list, i, loop)
	}
	return "name: poisoned\ncutoffs: {review_from: 0.5, decline_from: 0.9}\nrules:\n" +
		"  - {name: loop, outcome: decline, when: 'event.amount > 5000.0 && " + loop + "'}\n"
}

// TestPolicyWithoutEnd: a rule that would never end costs its request a review
// and nobody anything else: others are scored, the policy can be set again, the
// server drains, starts from the journal, and an audit makes the same decisions.
func TestPolicyWithoutEnd(t *testing.T) {
	testbound.Watch(t, "a server with a rule without end", testbound.Limits{Time: 45 * time.Second})
	dir := t.TempDir()
	b := bundle(t, planYAML, "first", 0)
	cfg := Config{Bundle: b}
	n := start(t, dir, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	adm := pb.NewAdminClient(n.client.Conn())
	if _, err := adm.SetPolicy(ctx, &pb.SetPolicyRequest{RequestId: "p1", Yaml: []byte(poisoned())}); err != nil {
		t.Fatal(err)
	}
	score := func(id string, amount float64, rules ...string) {
		t.Helper()
		d, err := n.client.Score(ctx, id, application(id, amount, 600))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.Rules, rules) {
			t.Errorf("%s: %s by %q, want %q", id, d.Outcome, d.Rules, rules)
		}
		if want := map[bool]assay.Outcome{true: assay.Review, false: assay.Approve}[len(rules) > 0]; d.Outcome != want {
			t.Errorf("%s: %s, want %s", id, d.Outcome, want)
		}
	}
	score("small", 100)
	score("large", 6000, "loop.error")
	score("small again", 100)
	n.stop()
	n = start(t, dir, cfg) // by the policy that was set
	score("after a restart", 6000, "loop.error")
	if _, err := pb.NewAdminClient(n.client.Conn()).SetPolicy(ctx, &pb.SetPolicyRequest{RequestId: "p2",
		Yaml: []byte("name: calm\ncutoffs: {review_from: 0.5, decline_from: 0.9}\n")}); err != nil {
		t.Fatal(err)
	}
	score("calm", 6000)
	n.stop()
	if rep := audited(t, reopen(t, dir), b, 0, audit.All); rep.Decisions != 5 || rep.Same != 5 || !rep.OK() {
		t.Errorf("report %+v, want 5 decisions, all the same", rep)
	}
}

// TestPolicyAboveItsBound: the caller reads which bound a policy passes.
func TestPolicyAboveItsBound(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rules := ""
	loop := "[" + strings.Repeat("0,", 29) + "0]"
	loop = loop + ".all(a, " + loop + ".all(b, " + loop + ".all(c, a + b + c == 0)))"
	for i := range 30 {
		rules += fmt.Sprintf("  - {name: r%d, outcome: review, when: '%s'}\n", i, loop)
	}
	_, err := pb.NewAdminClient(n.client.Conn()).SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p",
		Yaml: []byte("name: heavy\ncutoffs: {review_from: 0.5, decline_from: 0.9}\nrules:\n" + rules)})
	if status.Code(err) != codes.InvalidArgument || !has(err, "units a decision") {
		t.Errorf("got %v", err)
	}
}
