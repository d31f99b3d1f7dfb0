// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/snapshot"
)

// State is what decisions read and records alone change: the windows of plans, what
// acts add up to, and what ticks changed. Equal records make equal states.
type State struct {
	windows []*Windows
	acts    inForce
	retired uint64 // subjects' records below this number have no personal part
}

// Windows are the windows of one plan.
type Windows struct {
	plan  *features.Plan
	state *features.State
	users atomic.Int64 // requests under way that will read them

	directory *snapshot.Directory // of the rows in the newest snapshot, nil: none has these windows
}

// NewState returns the state before the first record, with the windows of plans.
func NewState(plans ...*features.Plan) *State {
	s := new(State)
	for _, p := range plans {
		s.windowsFor(p)
	}
	return s
}

// windowsFor returns the windows of a plan; if there are none, it makes empty ones.
func (s *State) windowsFor(p *features.Plan) *Windows {
	w := s.WindowsOf(p.Digest())
	if w == nil {
		w = &Windows{plan: p, state: p.NewState()}
		s.windows = append(s.windows, w)
	}
	return w
}

// hasWindows reports whether a record may change the windows.
func (s *State) hasWindows() bool {
	return slices.ContainsFunc(s.windows, func(w *Windows) bool { return w.plan.HasWindows() })
}

// WindowsOf returns the windows of a plan, nil if there are none.
func (s *State) WindowsOf(plan assay.Digest) *Windows {
	for _, w := range s.windows {
		if w.plan.Digest() == plan {
			return w
		}
	}
	return nil
}

// Apply changes the state as a record does. It returns how late the record's event
// is under the plan that took it.
func (s *State) Apply(t *Transition) (late Lateness, err error) {
	s.acts.apply(t)
	if t.tick != nil {
		s.applyTick(t.tick)
	}
	for _, w := range s.windows {
		if t.erased != nil {
			w.state.Forget(t.erased.role, t.erased.party)
		}
		if t.Event == nil || !w.accepts(t) {
			continue
		}
		err := w.plan.ObserveParties(t.Event, t.Parties, w.state)
		if err != nil && !errors.Is(err, snapshot.ErrErased) { // a later record erases the row
			return late, err
		}
		if w.plan.Digest() == t.by.plan {
			late = lastLateness(w.state)
		}
	}
	return late, nil
}

// accepts reports whether the windows observe an event. The plan that took it has
// checked it. Another plan may not know its kind or its fields; of a business part
// it cannot ask for all fields that it requires.
func (w *Windows) accepts(t *Transition) bool {
	switch {
	case w.plan.Digest() == t.by.plan:
		return true
	case t.Whole:
		return w.plan.Validate(t.Event) == nil
	}
	return w.plan.ValidateGiven(t.Event) == nil
}

// Vector makes the vector of an event as a decision of that moment would read it;
// nothing changes.
func (w *Windows) Vector(ev *assay.Event, parties []features.Party) (assay.Vector, error) {
	return w.plan.VectorByParties(nil, ev, parties, w.state)
}

// Bytes returns what acts add up to and the windows of each plan, so that equal
// states give equal bytes.
func (s *State) Bytes() (acts []byte, windows map[assay.Digest][]byte, err error) {
	if acts, err = s.acts.marshal(); err != nil {
		return nil, nil, err
	}
	windows = make(map[assay.Digest][]byte, len(s.windows))
	for _, w := range s.windows {
		if err := w.state.OpenAll(); err != nil {
			return nil, nil, err
		}
		if windows[w.plan.Digest()], err = w.state.Snapshot(); err != nil {
			return nil, nil, err
		}
	}
	return acts, windows, nil
}

// drop leaves out the windows that are not needed.
func (s *State) drop(unneeded func(w *Windows) bool) {
	s.windows = slices.DeleteFunc(s.windows, unneeded)
}
