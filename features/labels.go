// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// Outcomes are the scored rows of a table and their outcomes.
type Outcomes struct {
	Rows   []int     // of the record, of the scored kind
	Labels []float64 // 1 bad, 0 good, NaN not known; nil if the spec has no label or the table no such column
	Open   int       // rows whose outcome is not known yet: the log ends before the horizon, or the label is empty
	// Of a label by event:
	Unmatched int // rows that lack a role that the label matches on: their outcome is not known
	Stray     int // bad events that lack such a role, and so are the outcome of no row
	SameDay   int // rows preceded by a bad event of the same day, which is history and not their outcome
	// Of a label column in a log of several kinds:
	Ignored int // rows of other kinds whose label column holds something
}

// ReadOutcomes finds the scored rows of a table and their outcomes. A label by
// event is 1 if the bad event of the same entities came after the row and within
// the horizon, 0 if the horizon passed without it, and not known if the log ends
// before. An event comes after another if its time is later, or the same and its
// row later, so that each event is either history or outcome of a scored row.
// Otherwise the outcome is what the label column holds in the scored row.
func ReadOutcomes(s *plantext.Spec, rec arrow.Record) (*Outcomes, error) {
	p, src, err := sourceOf(s, rec)
	if err != nil {
		return nil, err
	}
	o := new(Outcomes)
	if o.Rows, err = p.scoredRows(rec, src); err != nil {
		return nil, err
	}
	if err := p.outcomes(rec, src, o); err != nil {
		return nil, err
	}
	for _, y := range o.Labels {
		if y != y {
			o.Open++
		}
	}
	o.Open -= o.Unmatched
	return o, nil
}

// ReadLabels is ReadOutcomes in short; open counts all rows whose outcome is not
// known.
func ReadLabels(s *plantext.Spec, rec arrow.Record) (rows []int, labels []float64, open int, err error) {
	o, err := ReadOutcomes(s, rec)
	if err != nil {
		return nil, nil, 0, err
	}
	return o.Rows, o.Labels, o.Open + o.Unmatched, nil
}

// ScoredTimes returns the event time of each scored row, in microseconds since
// the Unix epoch, in the order of ReadLabels, so that a log can be split in time.
// It is nil if the spec names no time column.
func ScoredTimes(s *plantext.Spec, rec arrow.Record) ([]int64, error) {
	p, src, err := sourceOf(s, rec)
	if err != nil || s.Time == "" {
		return nil, err
	}
	rows, err := p.scoredRows(rec, src)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(rows))
	for i, row := range rows {
		us, bad := src.timeAt(row)
		if bad != nil {
			return nil, bad
		}
		out[i] = us
	}
	return out, nil
}

// Labels is ReadLabels without the rows, which are those of Matrix.Row.
func (p *Plan) Labels(rec arrow.Record) (labels []float64, open int, err error) {
	_, labels, open, err = ReadLabels(p.spec, rec)
	return labels, open, err
}

// sourceOf returns an unfitted plan of the spec, and the table's columns for it.
func sourceOf(s *plantext.Spec, rec arrow.Record) (*Plan, *source, error) {
	if err := plancheck.Check(s); err != nil {
		return nil, nil, err
	}
	p, err := unfittedPlanOf(s.WithDefaults())
	if err != nil {
		return nil, nil, err
	}
	src, err := p.source(rec)
	return p, src, err
}

// unfittedPlanOf returns a plan of the spec that has not learned anything.
func unfittedPlanOf(s *plantext.Spec) (*Plan, error) {
	zones, err := freezeZones(s)
	if err != nil {
		return nil, err
	}
	return unfittedPlan(&frozenPlan{Spec: s, Zones: zones, Learned: make([]kernels.Learned, len(s.Features))})
}

// outcomes fills in the labels of o's rows; they stay nil if the plan has no
// label, or the table no such column.
func (p *Plan) outcomes(rec arrow.Record, src *source, o *Outcomes) (err error) {
	s := p.spec
	switch {
	case s.Label == nil:
		return nil
	case s.Label.Column != "":
		o.Labels, err = columnLabels(s, rec, o.Rows)
		if err == nil && o.Labels != nil && s.Kind != "" {
			o.Ignored, err = p.ignoredLabels(rec, src)
		}
		return err
	case s.Kind == "" || s.Time == "":
		return &assay.FieldError{Field: "label", Problem: "a label by event wants the plan's `kind` and `time` columns"}
	}
	bad, err := p.badEvents(rec, src, o)
	if err != nil {
		return err
	}
	horizon, _ := eventtime.ParseSpan(s.Label.Horizon) // plancheck.Check has parsed it
	o.Labels = make([]float64, len(o.Rows))
	for i, row := range o.Rows {
		us, wrong := src.timeAt(row)
		if wrong != nil {
			return wrong
		}
		key := bad.keyOfRow(row)
		if key == "" {
			o.Unmatched++
			o.Labels[i] = math.NaN()
			continue
		}
		of := bad.byKey[key]
		// The first bad event after the row; those before it are the row's history.
		n := sort.Search(len(of), func(j int) bool { return of[j].at > us || of[j].at == us && of[j].row > row })
		if n > 0 && us-of[n-1].at < us-startOfDay(us)+1 {
			o.SameDay++
		}
		switch {
		case us > bad.end-horizon:
			o.Labels[i] = math.NaN()
		case n < len(of) && of[n].at <= us+horizon:
			o.Labels[i] = 1
		}
	}
	return nil
}

// startOfDay returns the beginning of the UTC day that a time is in, in microseconds.
func startOfDay(us int64) int64 {
	const day = 86_400e6
	return us - ((us%day)+day)%day
}

// badEvents are the events that make labels 1.
type badEvents struct {
	byKey map[string][]badEvent // in the order of time, then of rows
	end   int64                 // the greatest time of the log
	roles []fieldvalue.Column
	key   keyKind
	ev    assay.Event
}

type badEvent struct {
	at  int64
	row int
}

// badEvents reads the log once. Events of a kind that the plan does not know do
// not extend the time that the log covers.
func (p *Plan) badEvents(rec arrow.Record, src *source, o *Outcomes) (*badEvents, error) {
	s := p.spec
	kind, err := fieldvalue.ColumnOf(rec, s.Kind, assay.Text, true)
	if err != nil {
		return nil, err
	}
	b := &badEvents{byKey: map[string][]badEvent{}, end: math.MinInt64}
	for _, r := range s.Label.Match {
		c, err := fieldvalue.ColumnOf(rec, r, assay.Text, true)
		if err != nil {
			return nil, err
		}
		b.roles = append(b.roles, c)
		b.key.parts = append(b.key.parts, keyPart{name: r, role: true})
	}
	for row := range int(rec.NumRows()) {
		k := kind.Text(row)
		if p.kinds.index(k) == unknownKind {
			continue
		}
		us, wrong := src.timeAt(row)
		if wrong != nil {
			return nil, wrong
		}
		b.end = max(b.end, us)
		if k != s.Label.Event {
			continue
		}
		key := b.keyOfRow(row)
		if key == "" {
			o.Stray++
			continue
		}
		b.byKey[key] = append(b.byKey[key], badEvent{us, row})
	}
	for _, of := range b.byKey {
		slices.SortStableFunc(of, func(x, y badEvent) int { return cmp.Compare(x.at, y.at) })
	}
	return b, nil
}

// keyOfRow returns the key of a row, "" if the row lacks a role.
func (b *badEvents) keyOfRow(row int) string {
	b.ev.Entities = b.ev.Entities[:0]
	for i := range b.roles {
		if id := b.roles[i].Text(row); id != "" {
			b.ev.Entities = append(b.ev.Entities, assay.Entity{Role: b.roles[i].Name, ID: id})
		}
	}
	return string(b.key.keyOf(nil, &b.ev, nil))
}

// ignoredLabels counts rows of other kinds than the scored one whose label
// column holds something.
func (p *Plan) ignoredLabels(rec arrow.Record, src *source) (n int, err error) {
	kind, err := fieldvalue.ColumnOf(rec, p.spec.Kind, assay.Text, true)
	if err != nil {
		return 0, err
	}
	label, err := fieldvalue.ColumnOf(rec, p.spec.Label.Column, assay.Number, true)
	if err != nil {
		return 0, err
	}
	for row := range int(rec.NumRows()) {
		if !label.Null(row) && kind.Text(row) != p.spec.ScoredKind() {
			n++
		}
	}
	return n, nil
}
