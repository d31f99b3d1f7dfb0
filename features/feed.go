// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

// condition is a compiled WhereSpec: events that do not satisfy it are not fed to a window.
type condition struct {
	spec *plantext.WhereSpec
	of   operand
}

// operand is a number that events carry, or one derived from such numbers.
type operand struct {
	field   *field // nil: derived
	derived int    // slot in a derivation's row
}

// value returns the operand for one event, NaN if the event lacks it.
func (o *operand) value(ev *assay.Event, row *derivedRow) float64 {
	if o.field == nil {
		return row.cols[o.derived][0]
	}
	v, _ := ev.Field(o.field.Spec.Name)
	return o.field.ValueOrNaN(v)
}

// holds reports whether an event satisfies the condition. A missing value
// satisfies `missing: true` alone.
func (c *condition) holds(ev *assay.Event, row *derivedRow) bool {
	w := c.spec
	if c.of.field != nil && c.of.field.Kind == assay.Text {
		v, _ := ev.Field(c.of.field.Spec.Name)
		text := v.Text()
		switch {
		case c.of.field.MeansMissing(text):
			return w.Missing != nil && *w.Missing
		case w.Missing != nil && *w.Missing:
			return false
		}
		return (len(w.Is) == 0 || slices.Contains(w.Is, text)) && !slices.Contains(w.Not, text)
	}
	x := c.of.value(ev, row)
	if x != x {
		return w.Missing != nil && *w.Missing
	}
	return (w.Missing == nil || !*w.Missing) &&
		(w.Above == nil || x > *w.Above) && (w.Below == nil || x < *w.Below) &&
		(w.AtLeast == nil || x >= *w.AtLeast) && (w.AtMost == nil || x <= *w.AtMost)
}

// compileFeed resolves the value and conditions of a window, and reports whether
// any of them is derived.
func (p *Plan) compileFeed(f *feed) (derives bool) {
	operandOf := func(name string) operand {
		if i, ok := p.byName[name]; ok {
			return operand{field: &p.fields[i]}
		}
		derives = true
		return operand{derived: p.derivedSlot(p.spec.DerivedIndex(name))}
	}
	if f.spec.Value != "" {
		o := operandOf(f.spec.Value)
		f.value = &o
	}
	for i := range f.spec.Where {
		w := &f.spec.Where[i]
		f.wheres = append(f.wheres, condition{w, operandOf(w.Field)})
	}
	return derives
}

// takes reports whether the event satisfies the window's conditions.
func (f *feed) takes(ev *assay.Event, row *derivedRow) bool {
	for i := range f.wheres {
		if !f.wheres[i].holds(ev, row) {
			return false
		}
	}
	return true
}

// valueOf returns what the event adds to the window; ok is false if it has no value.
func (f *feed) valueOf(ev *assay.Event, row *derivedRow) (float64, bool) {
	if f.value == nil {
		return 1, true
	}
	x := f.value.value(ev, row)
	return x, x-x == 0
}

// feed is a compiled WindowSpec.
type feed struct {
	spec     *plantext.WindowSpec
	table    int // index into Plan.keys
	place    int // index of the window in its table
	on       kindSet
	member   keyPart
	value    *operand // nil: events are counted
	wheres   []condition
	features []windowRead
}

// Feed counts the events of one kind that a window took or left out. Events that
// do not satisfy the window's `where` are in none of the counts.
type Feed struct {
	Window, Kind string
	Fed          uint64 // events that the window counted
	Late         uint64 // events that came later than the plan's lateness allows
	WithoutKey   uint64 // events that lack a part of its key
	WithoutValue uint64 // events that lack its value or member
}

// feedTally holds the counts of a Feed while events come in.
type feedTally struct{ fed, late, keyless, valueless uint64 }

// tallyOf returns the tally of a window for a kind of event that the plan knows.
func (p *Plan) tallyOf(st *State, window, kind int) *feedTally {
	return &st.tallies[window*len(p.kinds)+kind]
}

// fed returns how many events of any kind a window has counted.
func (p *Plan) fed(st *State, window int) (n uint64) {
	for kind := range p.kinds {
		n += p.tallyOf(st, window, kind).fed
	}
	return n
}

// Feeds returns the counts for each window and each kind of event that feeds it,
// in the plan's order, since NewState: a snapshot does not keep them. Windows that
// no feature reads are left out.
func (s *State) Feeds() []Feed { return s.plan.feedsOf(s.tallies) }

func (p *Plan) feedsOf(tallies []feedTally) []Feed {
	var out []Feed
	for i := range p.feeds {
		f := &p.feeds[i]
		if len(f.features) == 0 {
			continue
		}
		for _, kind := range f.spec.On {
			n := &tallies[i*len(p.kinds)+p.kinds.index(kind)]
			out = append(out, Feed{f.spec.Name, kind, n.fed, n.late, n.keyless, n.valueless})
		}
	}
	return out
}

func errOtherState() error {
	return fmt.Errorf("the plan has windows, and the state was made for another plan (use Plan.NewState): %w",
		assay.ErrPrecondition)
}

// LastLate reports whether the event observed last came later than the plan's
// lateness allows: how far it is behind the newest event, and which windows would
// have counted it had it come in time.
func (s *State) LastLate() (behind time.Duration, windows []string, late bool) {
	if s.behind == 0 {
		return 0, nil, false
	}
	slices.Sort(s.missedBy)
	for _, i := range s.missedBy {
		windows = append(windows, s.plan.feeds[i].spec.Name)
	}
	return time.Duration(s.behind) * time.Microsecond, windows, true
}
