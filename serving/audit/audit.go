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
	a.Lookup = j.Get
	err := j.Scan(0, to, func(seq uint64, r *journal.Record, unreadable error) error {
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
		a.windowsIncomplete = a.windowsIncomplete || engine.FeedsWindows(r.Kind)
		if wanted && r.Kind == ledger.Decision {
			rep.Decisions++
			rep.Erased++
		}
		return nil
	}
	if !engine.FeedsWindows(r.Kind) {
		checked, what, err := a.checkOther(r)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		if checked {
			k.Checked++
		}
		if what != "" && wanted {
			rep.addDifference(seq, what)
		}
		return nil
	}
	if len(r.Private) == 0 && r.Kind == ledger.Failed { // the request failed before there was an event
		k.Checked++
		return nil
	}
	if len(r.Private) == 0 {
		a.windowsIncomplete = true
		if wanted {
			rep.addDifference(seq, r.Kind.String()+" without the event that it is about")
		}
		return nil
	}
	ev, err := assay.ParseEvent(r.Private)
	if err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	k.Checked++
	if wanted && r.Kind == ledger.Decision {
		a.compare(rep, seq, r, &ev, each)
	}
	return a.observe(&ev)
}

// observe feeds the windows of every plan that accepts the event.
func (a *Auditor) observe(ev *assay.Event) error {
	for _, w := range a.windows {
		if w.plan.Validate(ev) != nil {
			continue
		}
		if err := w.plan.Observe(ev, w.state); err != nil {
			return err
		}
	}
	return nil
}

// compare makes one decision again and adds the result to rep.
func (a *Auditor) compare(rep *Report, seq uint64, r *journal.Record, ev *assay.Event, each func(uint64, string)) {
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
	case from.windowsIncomplete:
		rep.Partly++
	default:
		rep.Same++
	}
	if each != nil {
		each(seq, what)
	}
}

// storedVectorUse says why a decision is made again from the vector in its record.
type storedVectorUse struct {
	windowsIncomplete bool // an erased record may have fed its windows
	// only these features differ, and the window kernels that decided may have
	// computed them differently
	mended []features.CorrectedFeature
}

// difference names the first part of the decision that comes out differently, ""
// for none.
func (a *Auditor) difference(m *scoring.Model, seq uint64, r *journal.Record,
	ev *assay.Event) (what string, from storedVectorUse) {
	stored, err := assay.ParseVector(r.Vector)
	if err != nil {
		return "the vector in the record cannot be read", from
	}
	vector, err := m.Plan.Vector(nil, ev, a.windowsOf(m.Plan).state)
	if err != nil {
		return "the features cannot be made: " + err.Error(), from
	}
	if vector.Digest() != stored.Digest() {
		from.mended = onlyMended(m.Plan, a.kernels, vector.Values, stored.Values)
		from.windowsIncomplete = from.mended == nil && a.windowsIncomplete && m.Plan.HasWindows()
		if from.mended == nil && !from.windowsIncomplete {
			return "feature " + firstDifferentFeature(m.Plan, vector.Values, stored.Values), from
		}
		vector = stored
	}
	then, err := assay.ParseDecision(r.Decision)
	if err != nil {
		return "the decision in the record cannot be read", from
	}
	again, err := engine.Redecide(m, ev, vector, seq, r.RequestID, r.Micros)
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
