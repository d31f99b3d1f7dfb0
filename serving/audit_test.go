// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/audit"
	"github.com/assayrisk/assay/serving/engine"
)

// TestAudit replays a journal of two runs of a server with windows, and makes every
// decision again.
func TestAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := bundle(t, windowPlan, "windows", 0)
	n := start(t, dir, Config{Bundle: b})
	decide := func(n *node, i int) uint64 {
		t.Helper()
		if _, err := n.client.Record(t.Context(), fmt.Sprintf("p%d", i),
			payment(fmt.Sprintf("p%d", i), 7)); err != nil {
			t.Fatal(err)
		}
		d, err := n.client.Score(t.Context(), fmt.Sprintf("a%d", i), plain(fmt.Sprintf("a%d", i), 300*float64(i)))
		if err != nil {
			t.Fatal(err)
		}
		return d.Sequence
	}
	for i := range 6 {
		decide(n, i)
	}
	n.stop()
	n = start(t, dir, Config{Bundle: b})
	for i := range 6 {
		decide(n, 6+i)
	}
	n.stop()

	j := reopen(t, dir)
	rep := audited(t, j, b, 0, audit.All)
	if rep.Decisions != 12 || rep.Same != 12 || !rep.OK() {
		t.Errorf("report %+v, want 12 decisions, all the same", rep)
	}
	if rep := audited(t, j, b, 10, 20); rep.Decisions != 5 || rep.Same != 5 {
		t.Errorf("a range: %+v, want 5 decisions", rep)
	}
	other := bundle(t, windowPlan, "windows", 0.25)
	if rep := audited(t, j, other, 0, audit.All); rep.Unknown != 12 || rep.Same != 0 {
		t.Errorf("another model: %+v, want 12 unknown", rep)
	}
	// A bundle that names itself as the one that decided and is not.
	other.Digest = b.Digest
	if rep := audited(t, j, other, 0, audit.All); rep.Different != 12 || rep.Differences[0].Differs != "margin" {
		t.Errorf("a forged model: %+v, want 12 different margins", rep)
	}
}

// TestAuditFindsEveryPart changes one part of a record at a time.
func TestAuditFindsEveryPart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := bundle(t, planYAML, "first", 0)
	n := start(t, dir, Config{Bundle: b})
	d, err := n.client.Score(t.Context(), "a", application("a", 2000, 100))
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	j := reopen(t, dir)
	good, err := j.Get(d.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*assay.Decision){
		"margin":                         func(d *assay.Decision) { d.Score.Margin += 1e-12 },
		"score":                          func(d *assay.Decision) { d.Score.Grade = "A" },
		"outcome: decline, then approve": func(d *assay.Decision) { d.Outcome = assay.Approve },
		"rules":                          func(d *assay.Decision) { d.Rules = append(d.Rules, "extra") },
		"reasons":                        func(d *assay.Decision) { d.Reasons = nil },
		"feature hash":                   func(d *assay.Decision) { d.Vector[0] ^= 1 },
		"decision":                       func(d *assay.Decision) { d.EventID = "other" },
		"":                               func(*assay.Decision) {},
	} {
		then, err := assay.ParseDecision(good.Decision)
		if err != nil {
			t.Fatal(err)
		}
		change(&then)
		r := *good
		if r.Decision, err = then.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
		a, err := audit.New([]*models.Bundle{b})
		if err != nil {
			t.Fatal(err)
		}
		rep := new(audit.Report)
		if err := a.CheckRecord(rep, d.Sequence, &r, nil, true, nil); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			if rep.Same != 1 {
				t.Errorf("the unchanged decision: %+v", rep)
			}
			continue
		}
		if rep.Different != 1 || rep.Differences[0].Differs != want {
			t.Errorf("%s: report %+v", want, rep)
		}
	}
}

// TestAuditAfterErasure: an erased decision is counted as erased, and others are made
// again: the business parts of erased events feed the windows.
func TestAuditAfterErasure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := bundle(t, windowPlan, "windows", 0)
	n := start(t, dir, Config{Bundle: b})
	for i := range 4 {
		if _, err := n.client.Score(t.Context(), fmt.Sprintf("a%d", i), plain(fmt.Sprintf("a%d", i), 100)); err != nil {
			t.Fatal(err)
		}
	}
	subject := engine.Subject(plain("a0", 100).Entities[0].Role, plain("a0", 100).Entities[0].ID)
	if _, _, err := n.journal.Erase(t.Context(), subject, "test"); err != nil {
		t.Fatal(err)
	}
	other := plain("b", 500)
	other.Entities = []assay.Entity{{Role: other.Entities[0].Role, ID: "somebody else"}}
	if _, err := n.client.Score(t.Context(), "b", other); err != nil {
		t.Fatal(err)
	}
	n.stop()
	rep := audited(t, reopen(t, dir), b, 0, audit.All)
	if rep.Erased != 4 || rep.Different != 0 || rep.Same != 1 {
		t.Errorf("report %+v, want 4 erased and 1 made again", rep)
	}
}

// TestAuditOfFormat1 audits records as format 1 has them: without business parts. When
// an event cannot be read any more, the decision that read it is made again only in
// part, and the report says why. With its business part it is the same.
func TestAuditOfFormat1(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := bundle(t, windowPlan, "windows", 0)
	n := start(t, dir, Config{Bundle: b})
	for i := range 3 {
		id := fmt.Sprint(i)
		if _, err := n.client.Record(t.Context(), "p"+id, payment("p"+id, 7)); err != nil {
			t.Fatal(err)
		}
		if _, err := n.client.Score(t.Context(), "a"+id, plain("a"+id, 300)); err != nil {
			t.Fatal(err)
		}
	}
	n.stop()
	j := reopen(t, dir)
	run := func(change func(seq uint64, r *journal.Record) error) *audit.Report {
		t.Helper()
		a, err := audit.New([]*models.Bundle{b})
		if err != nil {
			t.Fatal(err)
		}
		rep := new(audit.Report)
		if err := j.Scan(0, audit.All, func(seq uint64, r *journal.Record, _ error) error {
			unreadable := change(seq, r)
			return a.CheckRecord(rep, seq, r, unreadable, true, nil)
		}); err != nil {
			t.Fatal(err)
		}
		return rep
	}
	const second = begun + 2 // the second payment
	lose := func(seq uint64, r *journal.Record) error {
		if seq != second {
			return nil
		}
		r.Private = nil
		return vault.ErrErased
	}
	asFormat1 := func(_ uint64, r *journal.Record) error {
		ev, err := engine.EventOf(r)
		if err != nil || ev == nil {
			return err
		}
		r.Private, r.Business, r.PartyNumbers = ev.AppendBinary(nil), nil, nil
		return nil
	}
	if rep := run(asFormat1); rep.Same != 3 || !rep.OK() {
		t.Errorf("format 1: %+v, want all the same", rep)
	}
	if rep := run(lose); rep.Same != 3 || !rep.OK() {
		t.Errorf("format 2 without a personal part: %+v, want all the same", rep)
	}
	rep := run(func(seq uint64, r *journal.Record) error {
		if err := asFormat1(seq, r); err != nil {
			return err
		}
		return lose(seq, r)
	})
	if rep.Same != 1 || rep.Partly != 2 || !rep.OK() || len(rep.PartlyReasons) != 1 ||
		rep.PartlyReasons[0].Decisions != 2 || rep.PartlyReasons[0].First != second+1 ||
		!strings.Contains(rep.PartlyReasons[0].Reason, "cannot be read any more") {
		t.Errorf("format 1 without an event: %+v, want two decisions partly", rep)
	}
}

func reopen(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, journal.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func audited(t *testing.T, j *journal.Journal, b *models.Bundle, from, to uint64) *audit.Report {
	t.Helper()
	a, err := audit.New([]*models.Bundle{b})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := a.Run(t.Context(), j, from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// kindOf is the count of one kind of record.
func kindOf(rep *audit.Report, k ledger.Kind) audit.Kind {
	for _, c := range rep.Kinds {
		if c.Kind == k.String() {
			return c
		}
	}
	return audit.Kind{}
}
