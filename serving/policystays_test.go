// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"log/slog"
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

// lenient approves everything, reviews reviews everything.
const (
	lenient = "name: lenient\ncutoffs: {review_from: 0.9999, decline_from: 0.99999}\n"
	reviews = "name: reviews\ncutoffs: {review_from: 0, decline_from: 0.9999}\n"
)

// TestPolicyStays: the policy in force stays through a swap of the model and a
// restart, whoever put it there, until an act replaces it. An activation that
// brings its bundle's policy says so, in its record, too. The audit makes every
// decision again.
func TestPolicyStays(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	for _, c := range []struct{ name, configured, set string }{
		{"set by an admin", "", strict}, {"configured", strict, ""}, {"set over the configured", lenient, strict},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, first, second := t.TempDir(), bundle(t, planYAML, "first", 0), bundle(t, planYAML, "second", 0.5)
			second.Policy = []byte(reviews)
			cfg := Config{Bundle: first, Load: func(context.Context, string) (*models.Bundle, error) {
				return second, nil
			}}
			if c.configured != "" {
				cfg.Policy = []byte(c.configured)
			}
			decided := 0
			decides := func(n *node, when string, by *models.Bundle, yaml string, outcome assay.Outcome) {
				t.Helper()
				d, err := n.client.Score(t.Context(), when, application(when, 10, 600))
				if err != nil {
					t.Fatal(err)
				}
				if decided++; d.Score.Model != by.Digest || d.Decision.Policy != policy.DigestOf([]byte(yaml)) ||
					d.Outcome != outcome {
					t.Errorf("%s: model %s by policy %s decided %s", when, d.Score.Model.Short(),
						d.Decision.Policy.Short(), d.Outcome)
				}
			}
			n := start(t, dir, cfg)
			adm := pb.NewAdminClient(n.client.Conn())
			if c.set != "" {
				if _, err := adm.SetPolicy(t.Context(),
					&pb.SetPolicyRequest{RequestId: "p", Yaml: []byte(c.set)}); err != nil {
					t.Fatal(err)
				}
			}
			decides(n, "before", first, strict, assay.Decline)
			activate := func(n *node, id string, own bool) {
				t.Helper()
				if _, err := pb.NewAdminClient(n.client.Conn()).ActivateModel(t.Context(),
					&pb.ActivateModelRequest{RequestId: id, Bundle: "second", WithPolicy: own}); err != nil {
					t.Fatal(err)
				}
			}
			activate(n, "a", false)
			decides(n, "activated", second, strict, assay.Decline)
			n.stop()
			n = start(t, dir, cfg)
			decides(n, "restarted", second, strict, assay.Decline)
			activate(n, "b", true)
			decides(n, "with its policy", second, reviews, assay.Review)
			n.stop()
			n = start(t, dir, cfg)
			decides(n, "restarted again", second, reviews, assay.Review)
			n.stop()
			a, err := audit.New([]*models.Bundle{first, second})
			if err != nil {
				t.Fatal(err)
			}
			rep, err := a.Run(t.Context(), reopen(t, dir), 0, audit.All, nil)
			if err != nil || !rep.OK() || rep.Same != decided || rep.Unknown != 0 {
				t.Errorf("%+v, %v, want %d decisions, all the same", rep, err, decided)
			}
		})
	}
}

// TestPolicyDoesNotFit: a policy that names what the new plan does not know keeps
// the model from being activated, and the one before decides on.
func TestPolicyDoesNotFit(t *testing.T) {
	t.Parallel()
	other := bundle(t, strings.Replace(planYAML, "{name: insured, kind: flag}", "{name: secured, kind: flag}", 1),
		"other", 0)
	n := start(t, t.TempDir(), Config{Load: func(context.Context, string) (*models.Bundle, error) {
		return other, nil
	}})
	adm := pb.NewAdminClient(n.client.Conn())
	yaml := []byte("name: insured\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nrules:\n  - {name: insured, when: " +
		"'event.insured', outcome: review, on_missing: skip}\n")
	if _, err := adm.SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p", Yaml: yaml}); err != nil {
		t.Fatal(err)
	}
	_, err := adm.ActivateModel(t.Context(), &pb.ActivateModelRequest{RequestId: "a", Bundle: "other"})
	if status.Code(err) != codes.FailedPrecondition || !has(err, "the policy in force does not fit") ||
		!has(err, "with_policy") {
		t.Errorf("%v", err)
	}
	if _, err := adm.ActivateModel(t.Context(),
		&pb.ActivateModelRequest{RequestId: "b", Bundle: "other", WithPolicy: true}); err != nil {
		t.Error(err)
	}
	_, err = adm.ActivateModel(t.Context(),
		&pb.ActivateModelRequest{RequestId: "c", Bundle: "other", WithPolicy: true, LoadOnly: true})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("loaded without activation, with its policy: %v", err)
	}
}

// TestPolicyOfOldActivation: the activation of an older server brought its
// bundle's policy without saying so; what it left in force stays.
func TestPolicyOfOldActivation(t *testing.T) {
	t.Parallel()
	dir, first, second := t.TempDir(), bundle(t, planYAML, "first", 0), bundle(t, planYAML, "second", 0.5)
	second.Policy = []byte(reviews)
	cfg := Config{Bundle: first, Policy: []byte(strict), Load: func(context.Context, string) (*models.Bundle, error) {
		return second, nil
	}}
	run(t, dir, "first", cfg)
	if err := journal.With(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)},
		func(j *journal.Journal) error {
			raw, err := assay.MarshalCBOR(&engine.Act{Version: 1, Kind: engine.ActActivate, By: "ann",
				Bundles: []string{"second"}, Digest: second.Digest})
			if err != nil {
				return err
			}
			_, err = j.Append(t.Context(), j.Take(),
				&journal.Record{Kind: ledger.Activation, Micros: 1, Caller: "ann", RequestID: "a",
					Model: second.Digest, Plan: second.Manifest.Plan, Policy: policy.DigestOf([]byte(reviews)),
					Decision: raw})
			return err
		}); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if d := run(t, dir, "second", cfg); d.Score.Model != second.Digest || d.Outcome != assay.Review {
		t.Errorf("model %s decided %s", d.Score.Model.Short(), d.Outcome)
	}
	if !strings.Contains(log.String(), "the configured policy is not in force") {
		t.Error("the log does not say that the configured policy is not in force")
	}
}

// TestAuditPolicyStays: an activation after which another policy is in force
// without its text is named.
func TestAuditPolicyStays(t *testing.T) {
	t.Parallel()
	first := bundle(t, planYAML, "first", 0)
	now, other := policy.DigestOf([]byte(strict)), policy.DigestOf([]byte(reviews))
	for name, c := range map[string]struct {
		act    engine.Act
		policy assay.Digest
		ok     bool
	}{
		"kept":          {engine.Act{Version: engine.ActKeepsPolicy}, now, true},
		"changed":       {engine.Act{Version: engine.ActKeepsPolicy}, other, false},
		"brought":       {engine.Act{Version: engine.ActKeepsPolicy, Policy: []byte(reviews)}, other, true},
		"another text":  {engine.Act{Version: engine.ActKeepsPolicy, Policy: []byte(strict)}, other, false},
		"older servers": {engine.Act{Version: 1}, other, true},
	} {
		a, err := audit.New([]*models.Bundle{first})
		if err != nil {
			t.Fatal(err)
		}
		c.act.Kind, c.act.Digest = engine.ActActivate, first.Digest
		for i, x := range []struct {
			act    engine.Act
			policy assay.Digest
			ok     bool
		}{{engine.Act{Version: 1, Kind: engine.ActConfigure, Digest: first.Digest, Policy: []byte(strict)}, now, true},
			{c.act, c.policy, c.ok}} {
			raw, err := assay.MarshalCBOR(&x.act)
			if err != nil {
				t.Fatal(err)
			}
			rep := new(audit.Report)
			if err := a.CheckRecord(rep, uint64(i),
				&journal.Record{Kind: ledger.Activation, Model: first.Digest, Policy: x.policy, Decision: raw}, nil,
				true, nil); err != nil || rep.OK() != x.ok {
				t.Errorf("%s: %+v, %v", name, rep, err)
			}
		}
	}
}
