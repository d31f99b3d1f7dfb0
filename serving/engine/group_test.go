// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// claimed makes requests whose ids are claimed: they are ready to join a group.
func (e *Engine) claimed(t *testing.T, prefix string, count int) []*Request {
	t.Helper()
	rs := e.requests(t, prefix, count)
	for _, r := range rs {
		if err := e.validateAndClaim(t.Context(), r, func() {}); err != nil {
			t.Fatal(err)
		}
	}
	return rs
}

// released fails the test unless the ids of all requests were released.
func (e *Engine) released(t *testing.T, rs []*Request) {
	t.Helper()
	for i, r := range rs {
		var c claim
		if e.claims.claim(r.tag, &c) != nil {
			t.Errorf("the id of request %d is still claimed", i)
			continue
		}
		e.claims.release(r.tag, &c)
	}
}

// TestGroupHasALeader: the first request of a group is its leader, the requests
// get their records in the order in which they joined, and a full group takes no
// more.
func TestGroupHasALeader(t *testing.T) {
	t.Parallel()
	e := start(t, Config{})
	rs := e.claimed(t, "led", groupSize+2)
	gs := make([]*group, len(rs))
	for i, r := range rs {
		var leads bool
		if gs[i], leads = e.joinGroup(r); leads != (i%groupSize == 0) {
			t.Fatalf("request %d leads: %v", i, leads)
		}
	}
	if gs[groupSize-1] != gs[0] || gs[groupSize] == gs[0] || gs[groupSize+1] != gs[groupSize] {
		t.Fatal("requests that joined one after another are not in the same group")
	}
	e.closeGroup(gs[0])
	e.leadGroup(gs[0], rs[0])
	select {
	case <-rs[groupSize+1].woken:
		t.Fatal("a request of another group was woken")
	default:
	}
	e.closeGroup(gs[groupSize])
	e.leadGroup(gs[groupSize], rs[groupSize])
	next := e.claimed(t, "next", 1)
	g, leads := e.joinGroup(next[0])
	if !leads {
		t.Fatal("a group takes more requests after its leader has closed it")
	}
	e.closeGroup(g)
	e.leadGroup(g, next[0])
	e.released(t, next)
	for i, r := range rs {
		if i%groupSize != 0 {
			<-r.woken
		}
		if r.Err != nil || r.Sequence != rs[0].Sequence+uint64(i) || len(r.Promise) == 0 ||
			r.Decision.EventID != r.Event.ID {
			t.Fatalf("request %d: number %d, event %q, promise of %d bytes, %v", i, r.Sequence,
				r.Decision.EventID, len(r.Promise), r.Err)
		}
		rec, err := e.journal.Get(r.Sequence)
		if err != nil || !bytes.Equal(rec.Decision, r.Canonical) {
			t.Fatalf("the record of request %d: %v", i, err)
		}
	}
	e.released(t, rs)
}

// TestLeaderPanics: when a leader panics, the others of its group are woken with
// an error, all ids can be used again, and a retry finds the records that became
// durable.
func TestLeaderPanics(t *testing.T) {
	t.Parallel()
	e := start(t, Config{})
	rs := e.claimed(t, "left", 5)
	var g *group
	for _, r := range rs {
		g, _ = e.joinGroup(r)
	}
	e.closeGroup(g)
	sound := e.shadows
	e.shadows = nil // makes appendGroup panic
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the leader did not panic")
			}
		}()
		e.leadGroup(g, rs[0])
	}()
	e.shadows = sound
	for _, r := range rs[1:] {
		if <-r.woken; !errors.Is(r.Err, errLeaderPanicked) {
			t.Errorf("a request whose leader panicked: %v", r.Err)
		}
	}
	e.released(t, rs)
	for i, r := range rs {
		if err := e.answerRepeated(t.Context(), r); err != nil || !r.Repeated {
			t.Errorf("request %d again: repeated %v, %v", i, r.Repeated, err)
		}
	}
}

// TestPanicWhileNumbering: a panic in the critical section, or before it, affects
// its own batch alone: the section is unlocked, the ids can be used again, and the
// batch's memory is not reused while it is in use.
func TestPanicWhileNumbering(t *testing.T) {
	t.Parallel()
	e := start(t, Config{})
	e.mu.Lock()
	sound := e.mu.state.windows
	e.mu.state.windows = append(sound[:len(sound):len(sound)], &Windows{}) // without a plan: makes numbering panic
	e.mu.Unlock()
	rs := e.requests(t, "again", 5)
	e.DecideAll(t.Context(), rs)
	for i, r := range rs {
		if r.Err == nil || !strings.Contains(r.Err.Error(), "panic while scoring") {
			t.Errorf("request %d after a panic in the critical section: %v", i, r.Err)
		}
	}
	e.released(t, rs)
	if !e.mu.TryLock() {
		t.Fatal("the critical section is still taken")
	}
	e.mu.state.windows = sound
	e.mu.Unlock()
	// A panic in a request's validation, with others of its batch claimed.
	rs = e.requests(t, "again", 6)
	rs[5].Model = &Model{windows: rs[5].Model.windows} // without a plan
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the batch did not panic")
			}
		}()
		e.DecideAll(t.Context(), rs)
	}()
	e.released(t, rs[:5])
	for range 3 {
		rs = e.requests(t, "again", 5)
		e.DecideAll(t.Context(), rs)
		for i, r := range rs {
			if r.Err != nil || r.Decision.EventID != r.Event.ID {
				t.Errorf("request %d: %v, the decision of %q, want that of %q", i, r.Err,
					r.Decision.EventID, r.Event.ID)
			}
		}
	}
}
