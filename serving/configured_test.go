// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/audit"
	"github.com/assayrisk/assay/serving/engine"
)

const strict = "name: strict\ncutoffs: {review_from: 0, decline_from: 0}\n"

// decider is what a record names as deciding.
type decider struct{ model, plan, policy assay.Digest }

// acts are the records of kinds activation and policy in a directory that no
// server runs on, in order.
func acts(t *testing.T, dir string) (out []engine.Act, by []decider) {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Scan(0, math.MaxUint64, func(_ uint64, r *journal.Record, err error) error {
		if err != nil || r.Kind != ledger.Activation && r.Kind != ledger.Policy {
			return err
		}
		var a engine.Act
		out, by = append(out, a), append(by, decider{r.Model, r.Plan, r.Policy})
		return assay.UnmarshalCBOR(r.Decision, &out[len(out)-1])
	}); err != nil {
		t.Fatal(err)
	}
	return out, by
}

// run starts a server, has it decide once, stops it, and returns the decision.
func run(t *testing.T, dir, id string, cfg Config) assay.Decision {
	t.Helper()
	n := start(t, dir, cfg)
	d, err := n.client.Score(t.Context(), id, application(id, 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	return d.Decision
}

// TestConfiguredStart: what a server is configured with is in the log before
// its first decision, once, and again when it changes.
func TestConfiguredStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	dir, first, second := t.TempDir(), bundle(t, planYAML, "first", 0), bundle(t, planYAML, "second", 0.5)
	for i, c := range []struct {
		cfg  Config
		want int // acts in the log afterwards
	}{
		{Config{Bundle: first, StartedBy: "ops"}, 1},
		{Config{Bundle: first, StartedBy: "somebody else"}, 1},
		{Config{Bundle: first, Policy: []byte(strict)}, 2},
		{Config{Bundle: first, Policy: []byte(strict)}, 2},
		{Config{Bundle: second, Policy: []byte(strict)}, 3},
		{Config{Bundle: second}, 4},
		{Config{Bundle: second, FourEyes: true}, 5},
		{Config{Bundle: second, FourEyes: true}, 5},
		{Config{Bundle: second}, 6}, // turned off: not silently
	} {
		d := run(t, dir, string(rune('a'+i)), c.cfg)
		as, by := acts(t, dir)
		if len(as) != c.want {
			t.Fatalf("start %d: %d acts, want %d", i, len(as), c.want)
		}
		a, b := as[len(as)-1], by[len(by)-1]
		if b != (decider{d.Score.Model, d.Plan, d.Policy}) || a.Kind != engine.ActConfigure ||
			a.Digest != d.Score.Model || a.FourEyes != c.cfg.FourEyes {
			t.Errorf("start %d: the record says %+v by %v, the decision was by %s, %s, %s", i, a, b,
				d.Score.Model.Short(), d.Plan.Short(), d.Policy.Short())
		}
		if i == 0 && a.By != "configuration, started by ops" {
			t.Errorf("by %q", a.By)
		}
		if c.cfg.Policy != nil && !bytes.Equal(a.Policy, c.cfg.Policy) {
			t.Errorf("start %d: the record has the policy %q", i, a.Policy)
		}
	}
	// All is there to make every decision again, the configured policy's too.
	a, err := audit.New([]*models.Bundle{first, second})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := a.Run(t.Context(), reopen(t, dir), 0, audit.All, nil)
	if err != nil || !rep.OK() || rep.Same != 9 || rep.Unknown != 0 {
		t.Errorf("%+v, %v, want 9 decisions, all the same", rep, err)
	}
	if k := kindOf(rep, ledger.Activation); k.Records != 6 || k.Checked != 6 {
		t.Errorf("activations: %+v", k)
	}
}

// TestConfiguredStartLeavesActs: an admin's act wins over the configuration, and a
// start that changes nothing appends nothing.
func TestConfiguredStartLeavesActs(t *testing.T) {
	t.Parallel()
	dir, first, second := t.TempDir(), bundle(t, planYAML, "first", 0), bundle(t, planYAML, "second", 0.5)
	cfg := Config{Bundle: first, Policy: []byte(strict), Load: func(context.Context, string) (*models.Bundle, error) {
		return second, nil
	}}
	n := start(t, dir, cfg)
	if _, err := pb.NewAdminClient(n.client.Conn()).ActivateModel(t.Context(),
		&pb.ActivateModelRequest{RequestId: "a", Bundle: "second"}); err != nil {
		t.Fatal(err)
	}
	n.stop()
	for id, configured := range map[string]*models.Bundle{"as before": first,
		"another": bundle(t, planYAML, "third", 1), "the activated": second} {
		cfg.Bundle = configured
		d := run(t, dir, id, cfg)
		if d.Score.Model != second.Digest || d.Outcome != assay.Decline {
			t.Errorf("%s: model %s decided %s, want the activated one by the policy that was configured", id,
				d.Score.Model.Short(), d.Outcome)
		}
	}
	if as, _ := acts(t, dir); len(as) != 2 {
		t.Errorf("%d acts, want the first start and the activation: %+v", len(as), as)
	}
}

// TestConfiguredStartFourEyes: the configuration cannot do alone what takes two
// admins, and what two admins did is no reason to refuse a start.
func TestConfiguredStartFourEyes(t *testing.T) {
	t.Parallel()
	dir, first, second := t.TempDir(), bundle(t, planYAML, "first", 0), bundle(t, planYAML, "second", 0.5)
	load := func(context.Context, string) (*models.Bundle, error) { return second, nil }
	cfg := Config{Bundle: first, FourEyes: true, Auth: keys("ann:admin,score", "bob:admin,score"), Load: load}
	start(t, dir, cfg).stop()
	refused := func(cfg Config) {
		t.Helper()
		j, err := journal.Open(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- j.Run(ctx) }()
		cfg.Journal = j
		taken := j.Stats().Taken
		_, err = New(cfg)
		if !errors.Is(err, assay.ErrPrecondition) || !has(err, "two admins") {
			t.Errorf("got %v, want a refusal that names two admins", err)
		}
		if now := j.Stats().Taken; now != taken {
			t.Errorf("%d numbers were taken by a start that was refused", now-taken)
		}
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Error(err)
		}
	}
	other := cfg
	other.Bundle = second
	refused(other)
	other = cfg
	other.Policy = []byte(strict)
	refused(other)

	n := start(t, dir, cfg)
	for _, who := range []string{"ann", "bob"} {
		if _, err := n.as(who).ActivateModel(t.Context(),
			&pb.ActivateModelRequest{RequestId: who, Bundle: "second"}); err != nil {
			t.Fatal(err)
		}
	}
	n.stop()
	start(t, dir, cfg).stop()
	as, _ := acts(t, dir)
	if last := as[len(as)-1]; len(as) != 3 || last.Kind != engine.ActActivate || last.Second != "ann" {
		t.Errorf("acts %+v, want the start, ann's proposal and the activation", as)
	}
}

// TestConfiguredStartOldJournal: the journal of a server that did not record
// its starts is read, and what is missing is added once.
func TestConfiguredStartOldJournal(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	for _, fourEyes := range []bool{false, true} {
		dir, b := t.TempDir(), bundle(t, planYAML, "first", 0)
		old := run(t, dir, "a", Config{Bundle: b}) // the decision of the old server
		fresh := t.TempDir()
		if err := journal.With(t.Context(), fresh, journal.Config{Logger: slog.New(slog.DiscardHandler)},
			func(j *journal.Journal) error {
				raw := old.AppendBinary(nil)
				_, err := j.Append(t.Context(), j.Take(),
					&journal.Record{Kind: ledger.Decision, Micros: old.Micros, Subject: "buyer:B-1", RequestID: "old",
						Model: old.Score.Model, Plan: old.Plan, Policy: old.Policy, Decision: raw})
				return err
			}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"b", "c"} {
			run(t, fresh, id, Config{Bundle: b, FourEyes: fourEyes})
		}
		if as, by := acts(t, fresh); len(as) != 1 || by[0] != (decider{old.Score.Model, old.Plan, old.Policy}) {
			t.Errorf("four eyes %t: acts %+v by %v, want one start", fourEyes, as, by)
		}
	}
}

// TestAuditInForce: a decision by a model or policy that no record put in force is a
// difference, even if it can be made again.
func TestAuditInForce(t *testing.T) {
	t.Parallel()
	dir, b := t.TempDir(), bundle(t, planYAML, "first", 0)
	d := run(t, dir, "a", Config{Bundle: b})
	other := bundle(t, planYAML, "other", 0.5)
	j := reopen(t, dir)
	rec, err := j.Get(d.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		model, policy assay.Digest
		what          string
	}{
		"unchanged":      {rec.Model, rec.Policy, ""},
		"another model":  {other.Digest, rec.Policy, "model or policy"},
		"another policy": {rec.Model, assay.Sum("x"), "model or policy"},
	} {
		a, err := audit.New([]*models.Bundle{b, other})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Run(t.Context(), j, 0, d.Sequence, nil); err != nil {
			t.Fatal(err)
		}
		forged := *rec
		forged.Model, forged.Policy = c.model, c.policy
		var rep audit.Report
		if err := a.CheckRecord(&rep, d.Sequence, &forged, nil, true, nil); err != nil {
			t.Fatal(err)
		}
		if c.what == "" != rep.OK() || c.what != "" && !strings.HasPrefix(rep.Differences[0].Differs, c.what) {
			t.Errorf("%s: %+v", name, rep)
		}
	}
}
