// SPDX-License-Identifier: Apache-2.0

// Package audit makes past decisions again, offline, from a journal.
//
//	journal ─▶ each record in order ─▶ windows of every plan ─▶ vector, score, policy, reasons ─▶ the same bytes?
//
// audit.go plays the records and compares decisions; kinds.go checks records of
// other kinds; inforce.go says which models and policies might decide when.
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
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/scoring"
)

// Difference is a past decision that could not be made again as it stands, or
// another record that does not say what it must.
type Difference struct {
	Sequence uint64 `json:"sequence"`
	What     string `json:"what"` // the first part that differs
}

// Report is what a replay found.
type Report struct {
	Records   int `json:"records"`   // looked at, from the journal's beginning
	Decisions int `json:"decisions"` // in the range that was asked for
	Same      int `json:"same"`      // made again, with the same bytes
	// Partly counts decisions whose features read windows that an erased record
	// may have fed: score, policy and reasons were made again from the vector
	// that stands in the record, and are the same.
	Partly int `json:"partly"`
	// Mended counts decisions by an earlier version of window kernels that differ
	// in features alone that were mended since: the rest was made again from the
	// vector that stands in the record, and is the same.
	Mended         int             `json:"mended"`
	MendedFeatures []MendedFeature `json:"mended_features,omitempty"`

	Erased      int          `json:"erased"`  // decisions whose subject was erased, or whose retention has passed
	Unknown     int          `json:"unknown"` // decisions by a model or policy that the auditor was not given
	Differences []Difference `json:"differences,omitempty"`
	Different   int          `json:"different"`
	// Kinds has the records of every kind that was met in the range.
	Kinds []Kind `json:"kinds"`
}

// MendedFeature counts the decisions that an earlier version of a window kernel
// made from another value of the feature.
type MendedFeature struct {
	features.Mended
	Kernels   int `json:"kernels"` // the version that decided, see features.WindowKernels; 0 if it cannot be read
	Decisions int `json:"decisions"`
}

// OK reports whether nothing differs.
func (r *Report) OK() bool { return r.Different == 0 }

// maxDifferences bounds Report.Differences; Different counts all.
const maxDifferences = 100

// Auditor makes past decisions again: it plays a journal from its beginning
// through the plans, models and policies that its records name, by the code
// that serves, and compares each decision's canonical bytes. Records of other
// kinds are held to what they say of themselves (see Kind).
type Auditor struct {
	// Lookup reads a record by its number, for records that are about another. Run
	// sets it to the journal's.
	Lookup func(seq uint64) (*journal.Record, error)

	bundles map[assay.Digest]*models.Bundle
	models  map[[2]assay.Digest]*scoring.Model // by model and policy
	yaml    map[assay.Digest][]byte            // policies that the journal brought
	windows []*planWindows
	gaps    bool // a record that may have fed windows cannot be read
	force   inForce
	inForce assay.Digest // the policy that the newest act left
	// the version of window kernels that decided since the newest act that says it; 0 after one that cannot be read
	kernels int
}

// New takes the bundles whose decisions are to be made again. Policies
// come from the bundles and from the journal.
func New(bundles []*models.Bundle) (*Auditor, error) {
	a := &Auditor{kernels: 1, bundles: map[assay.Digest]*models.Bundle{}, models: map[[2]assay.Digest]*scoring.Model{},
		yaml: map[assay.Digest][]byte{}}
	for _, b := range bundles {
		m, err := a.add(b, nil)
		if err != nil {
			return nil, err
		}
		a.bundles[b.Digest] = b
		if a.windowsOf(m.Plan) == nil {
			a.windows = append(a.windows, &planWindows{plan: m.Plan, state: m.Plan.NewState()})
		}
	}
	return a, nil
}

func (a *Auditor) add(b *models.Bundle, yaml []byte) (*scoring.Model, error) {
	m, err := scoring.NewAccepted(b, yaml)
	if err != nil {
		return nil, err
	}
	a.models[[2]assay.Digest{b.Digest, m.Policy.Digest()}] = m
	return m, nil
}

// planWindows are the windows of one plan, as they stood at a record.
type planWindows struct {
	plan  *features.Plan
	state *features.State
}

func (a *Auditor) windowsOf(p *features.Plan) *planWindows {
	for _, w := range a.windows {
		if w.plan.Digest() == p.Digest() {
			return w
		}
	}
	return nil
}

// model returns what made a decision, nil if the auditor was not given it.
func (a *Auditor) model(model, policy assay.Digest) *scoring.Model {
	if m := a.models[[2]assay.Digest{model, policy}]; m != nil {
		return m
	}
	b, yaml := a.bundles[model], a.yaml[policy]
	if b == nil || yaml == nil {
		return nil
	}
	m, err := a.add(b, yaml)
	if err != nil || m.Policy.Digest() != policy {
		return nil
	}
	return m
}

// Run plays the journal and compares the decisions in [from, to). Errors are
// the journal's, or ctx's; what differs is in the report. each, if not nil,
// hears of every decision that was compared, "" when it is the same.
func (a *Auditor) Run(ctx context.Context, j *journal.Journal, from, to uint64,
	each func(seq uint64, what string)) (*Report, error) {
	rep := new(Report)
	a.Lookup = j.Get
	err := j.Scan(0, to, func(seq uint64, r *journal.Record, unreadable error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		rep.Records++
		return a.Take(rep, seq, r, unreadable, seq >= from, each)
	})
	if err != nil {
		return rep, fmt.Errorf("audit: %w", err)
	}
	return rep, nil
}

// All is the end of the range that takes in every record.
const All = uint64(math.MaxUint64)

// Take takes the next record: it is compared if it is wanted, and what differs is
// added to rep. Run takes those of a whole journal.
func (a *Auditor) Take(rep *Report, seq uint64, r *journal.Record, unreadable error, wanted bool,
	each func(uint64, string)) error {
	k := rep.kind(r.Kind, wanted)
	k.Records++
	if err := a.force.note(r, unreadable); err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	if unreadable != nil {
		k.Unreadable++
		if engine.IsAct(r.Kind) {
			a.kernels = 0
		}
		a.gaps = a.gaps || engine.FeedsWindows(r.Kind)
		if wanted && r.Kind == ledger.Decision {
			rep.Decisions++
			rep.Erased++
		}
		return nil
	}
	if !engine.FeedsWindows(r.Kind) {
		checked, what, err := a.other(r)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		if checked {
			k.Checked++
		}
		if what != "" && wanted {
			rep.differ(seq, what)
		}
		return nil
	}
	if len(r.Private) == 0 && r.Kind == ledger.Failed { // the work failed before there was an event
		k.Checked++
		return nil
	}
	if len(r.Private) == 0 {
		a.gaps = true
		if wanted {
			rep.differ(seq, r.Kind.String()+" without the event that it is about")
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

// compare makes one decision again.
func (a *Auditor) compare(rep *Report, seq uint64, r *journal.Record, ev *assay.Event, each func(uint64, string)) {
	rep.Decisions++
	if !a.force.allows(r) {
		rep.differ(seq, "model or policy: no record before it put them in force")
		return
	}
	m := a.model(r.Model, r.Policy)
	if m == nil {
		rep.Unknown++
		return
	}
	what, from := a.differs(m, seq, r, ev)
	switch {
	case what != "":
		rep.differ(seq, what)
	case from.mended != nil:
		rep.mended(a.kernels, from.mended)
	case from.gaps:
		rep.Partly++
	default:
		rep.Same++
	}
	if each != nil {
		each(seq, what)
	}
}

// fromRecord says why a decision's vector was taken from its record.
type fromRecord struct {
	gaps   bool              // an erased record may have fed its windows
	mended []features.Mended // these features alone differ, and the kernels of then may have read them otherwise
}

// differs names the first part of the decision that comes out otherwise, ""
// for none.
func (a *Auditor) differs(m *scoring.Model, seq uint64, r *journal.Record,
	ev *assay.Event) (what string, from fromRecord) {
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
		from.gaps = from.mended == nil && a.gaps && m.Plan.HasWindows()
		if from.mended == nil && !from.gaps {
			return "feature " + firstDifferent(m.Plan, vector.Values, stored.Values), from
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
		return firstPart(&again, &then), from
	}
	return "", from
}

// firstDifferent names the first feature whose bits differ.
func firstDifferent(p *features.Plan, again, then []float64) string {
	if len(again) != len(then) {
		return fmt.Sprintf("count: %d, then %d", len(again), len(then))
	}
	for i, f := range p.Features() {
		if otherBits(again[i], then[i]) {
			return fmt.Sprintf("%q", f.Name)
		}
	}
	return "digest"
}

// otherBits reports whether two values differ; all that are missing are one.
func otherBits(x, y float64) bool {
	return math.Float64bits(x) != math.Float64bits(y) && (x == x || y == y)
}

// firstPart names what differs between two decisions.
func firstPart(again, then *assay.Decision) string {
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
