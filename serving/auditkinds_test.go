// SPDX-License-Identifier: Apache-2.0

package serving

import (
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

// TestAuditKinds: records of every kind are checked, and a record that says
// something else than it must is found.
func TestAuditKinds(t *testing.T) {
	t.Parallel()
	dir, cfg := t.TempDir(), challenged(t)
	challenger, err := cfg.Load(t.Context(), "challenger")
	if err != nil {
		t.Fatal(err)
	}
	first := bundle(t, planYAML, "first", 0)
	cfg.Bundle = first
	recordEveryKind(t, dir, cfg)

	j := reopen(t, dir)
	auditor := func(bundles ...*models.Bundle) *audit.Auditor {
		a, err := audit.New(bundles)
		if err != nil {
			t.Fatal(err)
		}
		a.Lookup = j.Get
		return a
	}
	rep, err := auditor(first, challenger).Run(t.Context(), j, 0, audit.All, nil)
	if err != nil || !rep.OK() || rep.Same != 2 {
		t.Fatalf("%+v, %v", rep, err)
	}
	got := map[string]audit.Kind{}
	for _, k := range rep.Kinds {
		got[k.Kind] = k
	}
	for _, k := range []ledger.Kind{ledger.Decision, ledger.Activation, ledger.Policy, ledger.Report, ledger.Shadow,
		ledger.KeyRotation, ledger.Failed, ledger.Tick} {
		if c := got[k.String()]; c.Records == 0 || c.Checked != c.Records || c.Unreadable != 0 {
			t.Errorf("%s: %+v, want all checked", k, c)
		}
	}
	if rep, err = auditor(first).Run(t.Context(), j, 0, audit.All, nil); err != nil || !rep.OK() || rep.Unknown != 1 ||
		kindOf(rep, ledger.Shadow).Checked != 0 {
		t.Errorf("without the challenger: %+v, %v", rep, err)
	}

	changed := 0
	if err := j.Scan(0, audit.All, func(seq uint64, r *journal.Record, _ error) error {
		forged, want, err := forgeRecord(r)
		if err != nil || want == "" {
			return err
		}
		changed++
		var rep audit.Report
		if err := auditor(first, challenger).CheckRecord(&rep, seq, forged, nil, true, nil); err != nil {
			return err
		}
		if rep.Different != 1 || !strings.HasPrefix(rep.Differences[0].Differs, want) {
			t.Errorf("%s: %+v, want a difference %q", r.Kind, rep, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if changed < 7 {
		t.Errorf("%d records were forged, want 7", changed)
	}
}

// TestAuditTick: a tick that retires what was not due, or what comes after it, or
// which lay ahead, is found.
func TestAuditTick(t *testing.T) {
	t.Parallel()
	dir, first := t.TempDir(), bundle(t, planYAML, "first", 0)
	n := start(t, dir, Config{Bundle: first})
	d, err := n.client.Score(t.Context(), "a", application("a", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	j := reopen(t, dir)
	for _, c := range []struct {
		change engine.Change
		want   string // "" for none
	}{
		{engine.Change{Until: d.Micros, Below: d.Sequence + 1}, ""},
		{engine.Change{Until: d.Micros - 1, Below: d.Sequence + 1}, "tick: it retires record 1, which was not due"},
		{engine.Change{Until: d.Micros, Below: d.Sequence + 2}, "tick: it retires the records below 3"},
		{engine.Change{Until: d.Micros}, "tick: it retires the records below 0"},
		{engine.Change{Until: d.Micros + 2, Below: d.Sequence}, "tick: it says that something was due that lay ahead"},
	} {
		c.change.Due = engine.DueRetirement
		raw, err := assay.MarshalCBOR(&engine.TickNote{Version: 1, Changes: []engine.Change{c.change}})
		if err != nil {
			t.Fatal(err)
		}
		a, err := audit.New([]*models.Bundle{first})
		if err != nil {
			t.Fatal(err)
		}
		a.Lookup = j.Get
		var rep audit.Report
		tick := &journal.Record{Kind: ledger.Tick, Micros: d.Micros + 1, Decision: raw}
		if err := a.CheckRecord(&rep, d.Sequence+1, tick, nil, true, nil); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(rep.Differences) == 1 {
			got = rep.Differences[0].Differs
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.change, got, c.want)
		}
	}
}

// recordEveryKind runs a server that makes a record of every kind but an erasure.
func recordEveryKind(t *testing.T, dir string, cfg Config) {
	t.Helper()
	n := start(t, dir, cfg)
	adm := pb.NewAdminClient(n.client.Conn())
	if _, err := adm.SetShadow(t.Context(),
		&pb.SetShadowRequest{RequestId: "s", Bundles: []string{"challenger"}}); err != nil {
		t.Fatal(err)
	}
	d, err := n.client.Score(t.Context(), "a", application("a", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	n.shadowed(d.Sequence)
	if _, err := adm.SetPolicy(t.Context(),
		&pb.SetPolicyRequest{RequestId: "p",
			Yaml: []byte("name: stricter\ncutoffs: {review_from: 0.1, decline_from: 0.2}\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.ActivateModel(t.Context(), &pb.ActivateModelRequest{RequestId: "m", Bundle: "challenger"}); err !=
		nil {
		t.Fatal(err)
	}
	if _, err := n.client.Score(t.Context(), "b", application("b", 20, 600)); err != nil {
		t.Fatal(err)
	}
	digest := assay.Sum("report")
	if _, err := adm.RecordReport(t.Context(), &pb.RecordReportRequest{RequestId: "r", ReportDigest: digest[:],
		Rows: 1}); err != nil {
		t.Fatal(err)
	}
	// A request that fails before there is an event leaves a record without one.
	if _, err := n.journal.Append(t.Context(), n.journal.Take(),
		&journal.Record{Kind: ledger.Failed, Micros: 1}); err != nil {
		t.Fatal(err)
	}
	if err := n.journal.RotateMaster(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.RetireBelow(t.Context(), n.journal, begun, "ada"); err != nil {
		t.Fatal(err)
	}
	n.stop()
}

// forgeRecord changes what a record says, and returns the difference that an audit
// must find, "" for kinds that it leaves alone.
func forgeRecord(r *journal.Record) (forged *journal.Record, want string, err error) {
	x := *r
	switch r.Kind {
	case ledger.Policy:
		var act engine.Act
		if err := assay.UnmarshalCBOR(r.Decision, &act); err != nil {
			return nil, "", err
		}
		act.Policy = append(act.Policy, ' ')
		x.Decision, err = assay.MarshalCBOR(&act)
		return &x, "policy:", err
	case ledger.Shadow:
		var note engine.ShadowNote
		if err := assay.UnmarshalCBOR(r.Decision, &note); err != nil {
			return nil, "", err
		}
		note.Scores[0].Margin += 1e-12
		x.Decision, err = assay.MarshalCBOR(&note)
		return &x, "shadow score", err
	case ledger.Report:
		x.Decision, err = assay.MarshalCBOR(&journal.ReportNote{Version: 1})
		return &x, "report without", err
	case ledger.Tick:
		x.Decision, err = assay.MarshalCBOR(&engine.TickNote{Version: 1})
		return &x, "tick that does not say", err
	case ledger.KeyRotation:
		x.Decision = nil
		return &x, "key rotation", nil
	case ledger.Decision:
		x.Private = nil
		return &x, "decision without", nil
	}
	return nil, "", nil
}
