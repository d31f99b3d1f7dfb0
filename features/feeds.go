// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"time"

	"github.com/assayrisk/assay"
)

// Feed says what a window made of the events of one kind. Events that do not
// satisfy the window's `where` are in none of the counts.
type Feed struct {
	Window, Kind string
	Fed          uint64 // events that it counted
	Late         uint64 // events that came later than the plan's lateness allows
	WithoutKey   uint64 // events that lack a part of its key
	WithoutValue uint64 // events that lack its value or member
}

// feedTally is a Feed that is being counted.
type feedTally struct{ fed, late, keyless, valueless uint64 }

// tallyOf is the tally of a window for a kind of event that the plan knows.
func (p *Plan) tallyOf(st *State, window, kind int) *feedTally {
	return &st.tallies[window*len(p.kinds)+kind]
}

// fed is how many events of any kind a window has counted.
func (p *Plan) fed(st *State, window int) (n uint64) {
	for kind := range p.kinds {
		n += p.tallyOf(st, window, kind).fed
	}
	return n
}

// Feeds returns what each window made of each kind of event that feeds it, in
// the plan's order, since NewState: a snapshot does not keep it. Windows that no
// feature reads are not there; nothing is kept for them.
func (s *State) Feeds() []Feed { return s.plan.feedsOf(s.tallies) }

func (p *Plan) feedsOf(tallies []feedTally) []Feed {
	var out []Feed
	for i := range p.feeds {
		f := &p.feeds[i]
		if len(f.features) == 0 {
			continue
		}
		for _, kind := range f.spec.On {
			n := &tallies[i*len(p.kinds)+p.kinds.of(kind)]
			out = append(out, Feed{f.spec.Name, kind, n.fed, n.late, n.keyless, n.valueless})
		}
	}
	return out
}

func errOtherState() error {
	return fmt.Errorf("the plan has windows, and the state is not one of its own (Plan.NewState): %w",
		assay.ErrPrecondition)
}

// LastLate reports whether the event that was observed last came later than
// the plan's lateness allows: how far it lies behind the newest event, and the
// windows that would have counted it in time.
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
