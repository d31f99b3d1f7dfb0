// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/assayrisk/assay/serving/wire"
)

// claimed makes requests that are ready to be led, under way as any.
func (n *node) claimed(prefix string, count int) []*work {
	n.t.Helper()
	e := n.server.engine
	ws := make([]*work, count)
	for i := range ws {
		id := fmt.Sprint(prefix, i)
		w := e.get()
		w.key, w.req.ID = requestKey{"caller", id}, id
		if err := wire.ReadEvent(&w.req.Event, wire.Event(application(id, float64(i+1), 600))); err != nil {
			n.t.Fatal(err)
		}
		var err error
		if w.model, err = e.acquire(""); err != nil {
			n.t.Fatal(err)
		}
		if err := e.begin(n.t.Context(), w, func() {}); err != nil {
			n.t.Fatal(err)
		}
		ws[i] = w
	}
	return ws
}

// free fails unless every id was left.
func (n *node) free(ws []*work) {
	n.t.Helper()
	for i, w := range ws {
		var t ticket
		if n.server.engine.inflight.enter(w.tag, &t) != nil {
			n.t.Errorf("the id of request %d is still claimed", i)
			continue
		}
		n.server.engine.inflight.leave(w.tag, &t)
	}
}

// TestLedTogether: the first of a group leads the others, each gets the record
// of its own request in the order in which they joined, and a full group is
// closed to who comes after it.
func TestLedTogether(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	e := n.server.engine
	ws := n.claimed("led", batchGroup+2)
	ms := make([]*many, len(ws))
	for i, w := range ws {
		var leads bool
		if ms[i], leads = e.join(w); leads != (i%batchGroup == 0) {
			t.Fatalf("request %d leads: %v", i, leads)
		}
	}
	if ms[batchGroup-1] != ms[0] || ms[batchGroup] == ms[0] || ms[batchGroup+1] != ms[batchGroup] {
		t.Fatal("the groups are not those who joined one after another")
	}
	e.part(ms[0])
	e.lead(ms[0], ws[0])
	select {
	case <-ws[batchGroup+1].led:
		t.Fatal("a request of another group was woken")
	default:
	}
	e.part(ms[batchGroup])
	e.lead(ms[batchGroup], ws[batchGroup])
	next := n.claimed("next", 1)
	m, leads := e.join(next[0])
	if !leads {
		t.Fatal("a group takes more after its leader has parted it")
	}
	e.part(m)
	e.lead(m, next[0])
	n.free(next)
	for i, w := range ws {
		if i%batchGroup != 0 {
			<-w.led
		}
		if w.err != nil || w.seq != ws[0].seq+uint64(i) || len(w.promise) == 0 || w.decision.EventID != w.req.Event.ID {
			t.Fatalf("request %d: number %d, event %q, promise of %d bytes, %v", i, w.seq, w.decision.EventID, len(w.promise), w.err)
		}
		rec, err := e.journal.Get(w.seq)
		if err != nil || !bytes.Equal(rec.Decision, w.canonical) {
			t.Fatalf("the record of request %d: %v", i, err)
		}
	}
	n.free(ws)
}

// TestLeaderPanics: those that it led are woken with an error, all ids can be
// used again, and the retry finds what had become durable.
func TestLeaderPanics(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	e := n.server.engine
	ws := n.claimed("left", 5)
	var m *many
	for _, w := range ws {
		m, _ = e.join(w)
	}
	e.part(m)
	sound := e.shadows
	e.shadows = nil // what a fault looks like
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the leader did not panic")
			}
		}()
		e.lead(m, ws[0])
	}()
	e.shadows = sound
	for _, w := range ws[1:] {
		if <-w.led; !errors.Is(w.err, errLeft) {
			t.Errorf("a request whose leader panicked: %v", w.err)
		}
	}
	n.free(ws)
	for i, w := range ws {
		if err := e.known(t.Context(), w); err != nil || !w.repeated {
			t.Errorf("request %d again: repeated %v, %v", i, w.repeated, err)
		}
	}
}
