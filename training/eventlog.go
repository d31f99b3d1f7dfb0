// SPDX-License-Identifier: Apache-2.0

package training

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

// timeMicros and when say when a row was decided.
func (p Subset) timeMicros(row int) int64 { return int64(p.clock.at.Value(row)) }

func (p Subset) timeOf(row int) time.Time { return p.clock.at.Value(row).ToTime(p.clock.unit) }

// eventLog is what a plan sees in a table whose rows are events: which are
// scored, and which of the scored ones have an outcome.
type eventLog struct {
	known   []int // rows scored whose outcome is known
	unknown int   // rows scored whose outcome is not known: left out
}

// readOutcomes reads a table as an event log, if the plan's label is a later event or
// its rows are of several kinds. Rows of the scored kind alone have a label then,
// those whose outcome is known.
func (t *Table) readOutcomes(u Progress, spec *plantext.Spec) error {
	if err := t.readTimes(cmp.Or(t.TimeColumn, spec.Time)); err != nil {
		return err
	}
	byEvent := spec.Label != nil && spec.Label.Event != ""
	if spec.Kind == "" && !byEvent {
		return nil
	}
	labelled := spec
	if !byEvent {
		if spec.Label != nil && t.Frame.Label != spec.Label.Column {
			return fmt.Errorf("%w: the label of %s is column %q, and the plan's is %q: name that one with --label, "+
				"or change the plan", assay.ErrInvalid, t.Name, t.Frame.Label, spec.Label.Column)
		}
		with := *spec
		with.Label = &plantext.LabelSpec{Column: t.Frame.Label}
		labelled = &with
	}
	o, err := features.ReadOutcomes(labelled, t.Frame.Record)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	if o.Labels == nil {
		return nil // NeedLabel says that there is none
	}
	l := &eventLog{unknown: o.Open + o.Unmatched}
	t.Label = make([]float64, t.NumRows())
	for i := range t.Label {
		t.Label[i] = math.NaN()
	}
	for i, r := range o.Rows {
		if t.Label[r] = o.Labels[i]; o.Labels[i] == o.Labels[i] {
			l.known = append(l.known, r)
		}
	}
	t.log = l
	t.noteOutcomes(u, labelled.Label, o)
	return nil
}

// clock is the column that says when each row was decided.
type clock struct {
	at   *array.Timestamp
	unit arrow.TimeUnit
}

// readTimes reads the time column; a plan may name one that this table does not
// have, --time may not.
func (t *Table) readTimes(name string) error {
	if name == "" {
		return nil
	}
	at := t.Frame.Record.Schema().FieldIndices(name)
	if len(at) != 1 {
		if t.TimeColumn == "" {
			return nil
		}
		return fmt.Errorf("%w: --time %s: %s has no such column", assay.ErrInvalid, name, t.Name)
	}
	kind := t.Frame.Record.Schema().Field(at[0]).Type
	c, ok := t.Frame.Record.Column(at[0]).(*array.Timestamp)
	if !ok {
		return fmt.Errorf("%w: %s: column %q holds %s, want times", assay.ErrInvalid, t.Name, name, kind)
	}
	for row := range c.Len() {
		if c.IsNull(row) {
			return fmt.Errorf("%w: %s: row %d has no time in column %q: every row needs one to be put in time",
				assay.ErrInvalid, t.Name, t.RowInFile(row), name)
		}
	}
	t.clock = &clock{c, kind.(*arrow.TimestampType).Unit}
	return nil
}

// noteOutcomes says what the labels of a log leave out.
func (t *Table) noteOutcomes(u Progress, label *plantext.LabelSpec, o *features.Outcomes) {
	say := func(n int, format string, args ...any) {
		if n > 0 {
			u.Note("%d %s", n, fmt.Sprintf(format, args...))
		}
	}
	why := "when the log ends"
	if label.Column != "" {
		why = "(column " + strconv.Quote(label.Column) + " is empty)"
	}
	say(o.Open, "of %d scored events are left out: their outcome is still open %s", len(o.Rows), why)
	say(o.Unmatched, "of %d scored events are left out: they lack %s, and so nobody can tell their outcome",
		len(o.Rows), strings.Join(label.Match, ", "))
	say(o.Stray, "events of kind %q are the outcome of nothing: they lack %s", label.Event,
		strings.Join(label.Match, ", "))
	say(o.SameDay, "of %d scored events have a %q dated earlier on their own day: it is their history, not their "+
		"outcome", len(o.Rows), label.Event)
	say(o.Ignored, "rows of other kinds than the scored one hold something in the label column %q, which is not read",
		label.Column)
}

// between returns the subset's rows with since <= time < before; a zero time is
// no bound.
func (p Subset) between(since, before time.Time) (Subset, error) {
	if since.IsZero() && before.IsZero() {
		return p, nil
	}
	if p.clock == nil {
		return p, fmt.Errorf("%w: %s has no times to split by: --since and --before need a plan that names a time "+
			"column, or --time", assay.ErrInvalid, p.Name)
	}
	out := Subset{Table: p.Table}
	for _, r := range p.Rows {
		at := p.timeOf(r)
		if (since.IsZero() || !at.Before(since)) && (before.IsZero() || at.Before(before)) {
			out.Rows = append(out.Rows, r)
		}
	}
	if len(out.Rows) == 0 {
		return p, fmt.Errorf("%w: %s has no row with a known outcome in that time", assay.ErrInvalid, p.Name)
	}
	return out, nil
}

// Times returns when each row happened, nil if that is not known.
func (p Subset) Times() []time.Time {
	if p.Table == nil || p.clock == nil {
		return nil
	}
	out := make([]time.Time, len(p.Rows))
	for i, r := range p.Rows {
		out[i] = p.timeOf(r)
	}
	return out
}

// outcomeTimes returns when the outcome of each row was known: when the horizon of the
// label ended. nil where rows have no times.
func (p Subset) outcomeTimes(spec *plantext.Spec) []time.Time {
	out := p.Times()
	if out == nil || spec.Label == nil {
		return nil
	}
	horizon := horizonOf(spec)
	if horizon == 0 {
		return nil
	}
	for i := range out {
		out[i] = out[i].Add(horizon)
	}
	return out
}

// horizonOf is how long after an event its outcome is known; 0 if the plan does
// not say.
func horizonOf(spec *plantext.Spec) time.Duration {
	if spec == nil || spec.Label == nil || spec.Label.Horizon == "" {
		return 0
	}
	h := spec.Label.Horizon // the plan was read: a whole number and a unit
	n, err := strconv.Atoi(h[:len(h)-1])
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour,
		'w': 7 * 24 * time.Hour}[h[len(h)-1]]
	if err != nil {
		return 0
	}
	return time.Duration(n) * unit
}

// matrixRows returns the rows of a matrix that the given rows of the record
// became.
func matrixRows(m *features.Matrix, rows []int) []int {
	if m.Row == nil {
		return rows
	}
	place := make(map[int]int, len(m.Row))
	for i, r := range m.Row {
		place[r] = i
	}
	out := make([]int, len(rows))
	for i, r := range rows {
		out[i] = place[r]
	}
	return out
}
