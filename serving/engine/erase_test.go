// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
)

// TestErasedBeforeNumber: a party is erased after a request has looked it up and
// before it has its number. The record is of the party that came again.
func TestErasedBeforeNumber(t *testing.T) {
	t.Parallel()
	e := start(t, Config{})
	r := e.request(t, "r", "")
	if err := e.validateAndClaim(t.Context(), r, func() {}); err != nil {
		t.Fatal(err)
	}
	old := r.owner.ID()
	seq, err := e.Erase(t.Context(), journal.ErasureRequest{Subject: subjectOf(r.Event), Reason: "asked"})
	if err != nil {
		t.Fatal(err)
	}
	e.decideInGroup(r)
	if r.Err != nil || r.Sequence <= seq {
		t.Fatalf("record %d, %v, want one after the erasure %d", r.Sequence, r.Err, seq)
	}
	rec, err := e.journal.Get(r.Sequence)
	if err != nil {
		t.Fatalf("the record of a party that came again: %v", err)
	}
	now, err := e.journal.Party(rec.Subject)
	if err != nil || rec.PartyNumbers[0] == old || rec.PartyNumbers[0] != now.ID() {
		t.Errorf("the record has the number %x, want %x, and not the erased %x: %v", rec.PartyNumbers[0], now.ID(),
			old, err)
	}
}

// TestErasedAfterNumber: a party is erased after a request has its number and before
// its record is written. The record is sealed under the key that is destroyed: its
// business part is left.
func TestErasedAfterNumber(t *testing.T) {
	t.Parallel()
	e := start(t, Config{})
	r := e.request(t, "r", "")
	if err := e.validateAndClaim(t.Context(), r, func() {}); err != nil {
		t.Fatal(err)
	}
	n := e.decideGroup(&group{claimed: []*Request{r}})
	changes, erased := e.journal.KeyChanges(), make(chan error, 1)
	go func() {
		_, err := e.Erase(t.Context(), journal.ErasureRequest{Subject: subjectOf(r.Event), Reason: "asked"})
		erased <- err
	}()
	for e.journal.KeyChanges() == changes {
		time.Sleep(time.Millisecond)
	}
	e.appendGroup(context.Background(), &n)
	if err := <-erased; err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	rec, err := e.journal.Get(r.Sequence)
	if !errors.Is(err, vault.ErrErased) {
		t.Fatalf("the record: %v, want it erased", err)
	}
	if len(rec.PartyNumbers) != 1 || rec.PartyNumbers[0] != r.owner.ID() {
		t.Errorf("the record has the numbers %x, want %x", rec.PartyNumbers, r.owner.ID())
	}
	x, err := ReadTransition(r.Sequence, rec, vault.ErrErased, nil)
	if err != nil || x.Lost || x.Event == nil || x.Event.Kind != r.Event.Kind || len(x.Parties) != 1 {
		t.Errorf("the transition of the erased record: %+v, %v", x, err)
	}
}

// TestPeekMakesNoKeys: a look at what a decision would be leaves no trace of the
// parties that it names.
func TestPeekMakesNoKeys(t *testing.T) {
	t.Parallel()
	e := start(t, Config{})
	r := e.request(t, "r", "")
	r.Event.Entities = []assay.Entity{{Role: "buyer", ID: "nobody"}}
	if _, err := e.Peek(r.Model, r.Event); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := e.journal.FindParty(Subject("buyer", "nobody")); ok || err != nil {
		t.Errorf("the party has a key: %v, %v", ok, err)
	}
}
