// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/eventparts"
)

// Transition is a record as far as it changes what later decisions read. State.Apply
// applies it: in the running server, at a start, when a plan is activated and in an
// audit alike.
//
//	decision, event, failed   the windows, from the business part of the event
//	erasure                   the rows and member lists that have the party
//	activation, policy        what acts add up to
//	tick                      what became due: personal parts below a number, which no window reads
//	other kinds               nothing
type Transition struct {
	Sequence uint64
	Kind     ledger.Kind
	Micros   int64 // the record's time

	// Event is what windows read of an event, nil if there is none. Parties stand for
	// its entities.
	Event   *assay.Event
	Parties []features.Party
	// Whole: the record is of format 1. Event is the whole event, and the numbers of its
	// parties are those that they have now.
	Whole bool
	// Lost: the record is of format 1, and its event cannot be read any more.
	Lost bool

	by     decider  // what the record names
	act    *Act     // nil: none, or it cannot be read
	erased *erasure // nil: none

	cold [][]snapshot.ColdRow // by windows: rows of storage that were opened ahead; of a replay
	tick *TickNote            // nil: none
}

// Erases reports whether the record erases a party of records that say by which
// number windows know it.
func (t *Transition) Erases() bool { return t.erased != nil && t.erased.role != "" }

// PartyNumber returns the number of a party whom a record of format 1 names.
type PartyNumber func(name string) (vault.ID, error)

// NumbersIn returns the numbers that parties have in a journal now. A party that
// has none gets one.
func NumbersIn(j *journal.Journal) PartyNumber {
	return func(name string) (vault.ID, error) {
		p, err := j.Party(name)
		return p.ID(), err
	}
}

// ReadTransition returns the transition of a record, of which the journal says
// that its personal part is unreadable, or nil.
func ReadTransition(seq uint64, r *journal.Record, unreadable error, number PartyNumber) (Transition, error) {
	t := Transition{Sequence: seq, Kind: r.Kind, Micros: r.Micros, by: decider{r.Model, r.Plan, r.Policy}}
	var err error
	switch {
	case FeedsWindows(r.Kind):
		err = t.readEvent(r, unreadable, number)
	case unreadable != nil:
	case IsAct(r.Kind):
		t.act = new(Act)
		err = assay.UnmarshalCBOR(r.Decision, t.act)
	case r.Kind == ledger.Erasure:
		t.erased, err = readErasure(r)
	case r.Kind == ledger.Tick:
		t.tick, err = ReadTick(r)
	}
	if err != nil {
		return t, fmt.Errorf("record %d: %w", seq, err)
	}
	return t, nil
}

// readEvent reads what windows read of a record's event.
func (t *Transition) readEvent(r *journal.Record, unreadable error, number PartyNumber) error {
	if len(r.Business) > 0 {
		b, err := eventparts.ParseBusiness(r.Business)
		if err != nil {
			return err
		}
		if len(r.PartyNumbers) != len(b.Members) {
			return fmt.Errorf("the business part has %d parties for %d entities: %w", len(r.PartyNumbers),
				len(b.Members), assay.ErrCorrupt)
		}
		t.Event, t.Parties = &b.Event, make([]features.Party, len(b.Members))
		for i, m := range b.Members {
			t.Parties[i] = features.Party{Key: r.PartyNumbers[i], Member: m}
		}
		return nil
	}
	if unreadable != nil {
		t.Lost = true
		return nil
	}
	ev, err := EventOf(r)
	if err != nil || ev == nil {
		return err
	}
	t.Event, t.Whole, t.Parties = ev, true, make([]features.Party, len(ev.Entities))
	for i, x := range ev.Entities {
		id, err := number(Subject(x.Role, x.ID))
		if err != nil {
			return err
		}
		t.Parties[i] = partyOf(id, x.ID)
	}
	return nil
}

// EventOf returns the event of a record that can be read, nil if there is none.
func EventOf(r *journal.Record) (*assay.Event, error) {
	var ev assay.Event
	var err error
	switch {
	case !FeedsWindows(r.Kind):
		return nil, nil
	case len(r.Business) > 0:
		ev, err = eventparts.Join(r.Business, r.Private)
	case len(r.Private) > 0: // format 1
		ev, err = assay.ParseEvent(r.Private)
	default: // the request failed before there was an event
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &ev, nil
}

// IsAct reports whether records of a kind hold an Act.
func IsAct(k ledger.Kind) bool { return k == ledger.Activation || k == ledger.Policy }

// FeedsWindows reports whether records of a kind hold an event.
func FeedsWindows(k ledger.Kind) bool {
	return k == ledger.Decision || k == ledger.Event || k == ledger.Failed
}
