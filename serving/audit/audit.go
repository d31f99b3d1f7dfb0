// SPDX-License-Identifier: Apache-2.0

// Package audit makes past decisions again, offline, from a journal.
//
//	journal ─▶ each record in order ─▶ windows of every plan ─▶ vector, score, policy, reasons ─▶ the same bytes?
//
// audit.go replays the records and compares decisions; kinds.go checks records of
// other kinds; auditor.go has the models, policies and windows; inforce.go says
// which models and policies a decision may name; mended.go recognises differences
// that a corrected window kernel explains; report.go is the result.
package audit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/scoring"
)

// Run replays the journal and compares the decisions in [from, to). Its errors are
// those of the journal and of ctx; differences are in the report. each, if not
// nil, is called with every decision that was compared, and what differs, "" for
// nothing.
func (a *Auditor) Run(ctx context.Context, j *journal.Journal, from, to uint64,
	each func(seq uint64, what string)) (*Report, error) {
	rep := new(Report)
	a.Lookup, a.Party = j.Get, engine.NumbersIn(j)
	if err := a.findSnapshots(ctx, j); err != nil {
		return nil, err
	}
	err := j.Scan(0, to, func(seq uint64, r *journal.Record, unreadable error) error {
		if err := a.reach(seq); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rep.Records++
		return a.CheckRecord(rep, seq, r, unreadable, seq >= from, each)
	})
	if err != nil {
		return rep, fmt.Errorf("audit: %w", err)
	}
	return rep, nil
}

// All is the end of a range without an end.
const All = uint64(math.MaxUint64)

// CheckRecord takes the next record of a journal. It replays the record, and if
// the record is wanted it also compares it and adds what differs to rep. Run calls
// it for a whole journal.
func (a *Auditor) CheckRecord(rep *Report, seq uint64, r *journal.Record, unreadable error, wanted bool,
	each func(uint64, string)) error {
	k := rep.kindCount(r.Kind, wanted)
	k.Records++
	if err := a.allowed.addRecord(r, unreadable); err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	if unreadable != nil {
		k.Unreadable++
		if engine.IsAct(r.Kind) {
			a.kernels = 0
		}
		if wanted && r.Kind == ledger.Decision {
			rep.Decisions++
			rep.Erased++
		}
		return a.apply(seq, r, unreadable)
	}
	if engine.FeedsWindows(r.Kind) {
		return a.checkEvent(rep, k, seq, r, wanted, each)
	}
	checked, what, err := a.checkOther(seq, r)
	if err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	if checked {
		k.Checked++
	}
	if what != "" {
		if wanted {
			rep.addDifference(seq, what)
		}
		return nil
	}
	return a.apply(seq, r, nil)
}

// checkEvent checks a record that holds an event, and compares it if it is a
// decision that is wanted.
func (a *Auditor) checkEvent(rep *Report, k *Kind, seq uint64, r *journal.Record, wanted bool,
	each func(uint64, string)) error {
	if len(r.Private) == 0 && (r.Kind != ledger.Failed || len(r.Business) > 0) {
		if len(r.Business) == 0 {
			a.incomplete = cmp.Or(a.incomplete, reasonLost)
		}
		if wanted {
			rep.addDifference(seq, r.Kind.String()+" without the event that it is about")
		}
		return a.apply(seq, r, nil)
	}
	ev, err := engine.EventOf(r)
	if err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	k.Checked++
	t, err := engine.ReadTransition(seq, r, nil, a.Party)
	if err != nil {
		return err
	}
	if wanted && r.Kind == ledger.Decision && ev != nil {
		a.compare(rep, seq, r, &auditedEvent{ev, t.Parties}, each)
	}
	return a.applyRead(&t)
}

// auditedEvent is the event of a decision, with the parties that stand for its
// entities.
type auditedEvent struct {
	*assay.Event
	parties []features.Party
}

// apply applies a record to the windows of every plan.
func (a *Auditor) apply(seq uint64, r *journal.Record, unreadable error) error {
	t, err := engine.ReadTransition(seq, r, unreadable, a.Party)
	if err != nil {
		return err
	}
	return a.applyRead(&t)
}

func (a *Auditor) applyRead(t *engine.Transition) error {
	a.formerFormat = a.formerFormat || t.Whole
	switch {
	case t.Lost:
		a.incomplete = cmp.Or(a.incomplete, reasonLost)
	case t.Erases() && a.formerFormat:
		a.incomplete = cmp.Or(a.incomplete, reasonErasedParty)
	}
	_, err := a.state.Apply(t)
	return err
}

// Why windows may lack what they had when a decision was made.
const (
	reasonLost = "windows that it read counted a record of format 1 that cannot be read any more: its subject was " +
		"erased, or its retention has passed"
	reasonErasedParty = "windows that it read may have counted, in a record of format 1, a party that was erased " +
		"later: such a record does not say under which number"
)

// compare makes one decision again and adds the result to rep.
func (a *Auditor) compare(rep *Report, seq uint64, r *journal.Record, ev *auditedEvent,
	each func(uint64, string)) {
	rep.Decisions++
	if !a.allowed.allows(r) {
		rep.addDifference(seq, "model or policy: no record before it put them in force")
		return
	}
	m := a.model(r.Model, r.Policy)
	if m == nil {
		rep.Unknown++
		return
	}
	what, from := a.difference(m, seq, r, ev)
	switch {
	case what != "":
		rep.addDifference(seq, what)
	case from.mended != nil:
		rep.addMended(a.kernels, from.mended)
	case from.incomplete != "":
		rep.addPartly(seq, from.incomplete)
	default:
		rep.Same++
	}
	if each != nil {
		each(seq, what)
	}
}

// storedVectorUse says why a decision is made again from the vector in its record.
type storedVectorUse struct {
	incomplete string // why its windows may lack what they had, "" if they do not
	// only these features differ, and the window kernels that decided may have
	// computed them differently
	mended []features.CorrectedFeature
}

// difference names the first part of the decision that comes out differently, ""
// for none.
func (a *Auditor) difference(m *scoring.Model, seq uint64, r *journal.Record,
	ev *auditedEvent) (what string, from storedVectorUse) {
	stored, err := assay.ParseVector(r.Vector)
	if err != nil {
		return "the vector in the record cannot be read", from
	}
	vector, err := a.state.WindowsOf(m.PlanDigest).Vector(ev.Event, ev.parties)
	if err != nil {
		return "the features cannot be made: " + err.Error(), from
	}
	if vector.Digest() != stored.Digest() {
		from.mended = onlyMended(m.Plan, a.kernels, vector.Values, stored.Values)
		if from.mended == nil && m.Plan.HasWindows() {
			from.incomplete = a.incomplete
		}
		if from.mended == nil && from.incomplete == "" {
			return "feature " + firstDifferentFeature(m.Plan, vector.Values, stored.Values), from
		}
		vector = stored
	}
	then, err := assay.ParseDecision(r.Decision)
	if err != nil {
		return "the decision in the record cannot be read", from
	}
	again, err := engine.Redecide(m, ev.Event, vector, seq, r.RequestID, r.Micros)
	if err != nil {
		return "scoring fails: " + err.Error(), from
	}
	if !bytes.Equal(again.AppendBinary(nil), r.Decision) {
		return firstDifferentPart(&again, &then), from
	}
	return "", from
}

// firstDifferentFeature names the first feature whose bits differ.
func firstDifferentFeature(p *features.Plan, again, then []float64) string {
	if len(again) != len(then) {
		return fmt.Sprintf("count: %d, then %d", len(again), len(then))
	}
	for i, f := range p.Features() {
		if bitsDiffer(again[i], then[i]) {
			return fmt.Sprintf("%q", f.Name)
		}
	}
	return "digest"
}

// firstDifferentPart names the first part that differs between two decisions.
func firstDifferentPart(again, then *assay.Decision) string {
	switch {
	case again.Score.Model != then.Score.Model:
		return "model"
	case again.Score.Margin != then.Score.Margin:
		return "margin"
	case again.Score != then.Score:
		return "score"
	case again.Outcome != then.Outcome:
		return fmt.Sprintf("outcome: %s, then %s", again.Outcome, then.Outcome)
	case fmt.Sprint(again.Rules) != fmt.Sprint(then.Rules):
		return "rules"
	case fmt.Sprint(again.Reasons) != fmt.Sprint(then.Reasons):
		return "reasons"
	case again.Vector != then.Vector:
		return "feature hash"
	}
	return "decision"
}
