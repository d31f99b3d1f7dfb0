// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/audit"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/policy"
)

// sums was a policy before sums of lists were refused.
const sums = `name: sums
cutoffs: {review_from: 0.9999, decline_from: 0.99999}
rules:
  - {name: sum, when: '([1.0] + [2.0]).size() == 3', outcome: decline}
`

// TestPolicyAcceptedBefore: a policy that the log left in force, set or
// configured, and that this version would refuse, does not keep the server from
// starting: its rule has failed, the log says so, and another can be set. A new
// one of the same text is refused by every way.
func TestPolicyAcceptedBefore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	for name, act := range map[string]engine.Act{"set": {Kind: engine.ActPolicy, By: "ann"},
		"configured": {Kind: engine.ActConfigure, By: "configuration"}} {
		t.Run(name, func(t *testing.T) {
			dir, first := t.TempDir(), bundle(t, planYAML, "first", 0)
			cfg := Config{Bundle: first}
			run(t, dir, "before", cfg)
			appendPolicyAct(t, dir, first, act)
			var log lockedBuffer
			again := cfg
			again.Logger = slog.New(slog.NewTextHandler(&log, nil))
			if name == "configured" {
				cfg.Policy, again.Policy = []byte(sums), []byte(sums)
			}
			n := start(t, dir, again)
			d, err := n.client.Score(t.Context(), "r", application("r", 10, 600))
			if err != nil || d.Outcome != assay.Review || !slices.Contains(d.Decision.Rules, "sum.error") ||
				d.Decision.Policy != policy.DigestOf([]byte(sums)) {
				t.Fatalf("%+v, %v, want a review by sum.error", d, err)
			}
			if !strings.Contains(log.String(), "exceed the bounds of this version") ||
				!strings.Contains(log.String(), "lists cannot be added") {
				t.Errorf("the log does not say which rule fails:\n%s", log.String())
			}
			adm := pb.NewAdminClient(n.client.Conn())
			if _, err := adm.SetPolicy(t.Context(),
				&pb.SetPolicyRequest{RequestId: "same", Yaml: []byte(sums)}); status.Code(
				err) != codes.InvalidArgument {
				t.Errorf("the same text, set anew: %v", err)
			}
			if _, err := adm.SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p", Yaml: []byte(strict)}); err !=
				nil {
				t.Error(err)
			}
			n.stop()
			if d := run(t, dir, "after", cfg); d.Outcome != assay.Decline {
				t.Errorf("after the act: %s", d.Outcome)
			}
			a, err := audit.New([]*models.Bundle{first})
			if err != nil {
				t.Fatal(err)
			}
			if rep, err := a.Run(t.Context(), reopen(t, dir), 0, audit.All, nil); err != nil || !rep.OK() ||
				rep.Same != 3 || rep.Unknown != 0 {
				t.Errorf("%+v, %v, want three decisions, all the same", rep, err)
			}
		})
	}
	n := start(t, t.TempDir(), Config{})
	cfg := n.server.cfg
	cfg.Policy = []byte(sums)
	if _, err := New(cfg); !has(err, `rule "sum"`) || !has(err, "lists cannot be added") {
		t.Errorf("configured anew: %v", err)
	}
}

// appendPolicyAct makes the act of an older server that put sums in force.
func appendPolicyAct(t *testing.T, dir string, b *models.Bundle, act engine.Act) {
	t.Helper()
	act.Version, act.Digest, act.Policy = 1, policy.DigestOf([]byte(sums)), []byte(sums)
	kind := ledger.Policy
	if act.Kind == engine.ActConfigure {
		act.Digest, kind = b.Digest, ledger.Activation
	}
	raw, err := assay.MarshalCBOR(&act)
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.With(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)},
		func(j *journal.Journal) error {
			_, err := j.Append(t.Context(), j.Take(), &journal.Record{Kind: kind, Micros: 1, Caller: act.By,
				Model: b.Digest, Plan: b.Manifest.Plan, Policy: policy.DigestOf([]byte(sums)), Decision: raw})
			return err
		}); err != nil {
		t.Fatal(err)
	}
}
