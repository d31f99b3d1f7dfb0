// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// Party stands for one entity of an event where windows shall not hold its name: in keys by the 16 bytes of its
// number, among members by the window.Hash of its id. Calls take a slice parallel to Event.Entities, whose ids are
// then not read; a zero Key says that the event lacks the entity. Readings are the same bits as those by names, if
// each id of a role has one number.
type Party = window.Party

// VectorOfParties is VectorOf for a State that was fed by ObserveParties. Without parties (nil) it is VectorOf.
func (p *Plan) VectorOfParties(dst, fields []float64, ev *assay.Event, parties []Party, st *State) (
	assay.Vector, error) {
	if ev.Kind != p.spec.ScoredKind() {
		return assay.Vector{}, p.otherKind()
	}
	if len(fields) != len(p.fields) {
		return assay.Vector{}, fmt.Errorf("%d values for the %d fields of the plan: pass what Read returns: %w",
			len(fields), len(p.fields), assay.ErrPrecondition)
	}
	if err := checkParties(ev, parties); err != nil {
		return assay.Vector{}, err
	}
	sc := p.scratch.Get().(*scratch)
	defer p.scratch.Put(sc)
	for i, x := range fields {
		sc.cols[i][0] = x
	}
	return p.vector(dst, sc, ev, parties, st)
}

// ObserveParties is Observe by the parties of an event, in place of the ids of its entities. All events of a State
// must be observed in one of the two ways.
func (p *Plan) ObserveParties(ev *assay.Event, parties []Party, st *State) error {
	if err := checkParties(ev, parties); err != nil {
		return err
	}
	return p.observe(ev, parties, st)
}

func checkParties(ev *assay.Event, parties []Party) error {
	if parties != nil && len(parties) != len(ev.Entities) {
		return fmt.Errorf("%d parties for an event of %d entities: give one for each: %w",
			len(parties), len(ev.Entities), assay.ErrPrecondition)
	}
	return nil
}

// partyOf returns the party that an event has under a role; ok is false if it has none.
func partyOf(ev *assay.Event, parties []Party, role string) (p *Party, ok bool) {
	for i := range ev.Entities {
		if ev.Entities[i].Role == role {
			return &parties[i], parties[i].Key != [16]byte{}
		}
	}
	return nil, false
}

// Forget erases a party in the windows of a State that was fed by ObserveParties. What is kept under keys that
// contain the party goes. In the windows whose member is the party's role, it leaves the lists of members, so that
// it no longer counts in distinct, share, count_of and their like, and where it was the latest or earliest member,
// that is not known any more. Counts, sums and other numbers that name nobody stay until they expire; sums over
// members (share, hhi) still divide by the sum of all. An event that is observed later counts, also if the party
// has come back with another number and so the same hash.
//
// Forget takes microseconds however many keys there are: a key is cleaned before it is next read, changed or
// written to a snapshot, or by Sweep.
func (s *State) Forget(role string, p Party) { s.stored.Forget(role, p) }

// Sweep cleans some keys of each kind of what Forget was told, removes keys that no read can see any more, and
// reports whether none are left that Forget waits for. It changes no reading. Observe does the same for two keys
// with each event.
func (s *State) Sweep(keys int) (done bool) {
	done = true
	for _, t := range s.tables {
		t.Evict(keys)
		done = done && t.Forgotten()
	}
	return done
}
