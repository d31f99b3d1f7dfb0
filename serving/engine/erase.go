// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/window"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/eventparts"
)

// sweepKeys is how many keys of each table are cleaned under one lock after an
// erasure.
const sweepKeys = 64

// Erase destroys the key of a party and takes the party out of the windows, both
// at the number of the erasure's record: every decision with a lower number reads
// windows with the party, and none with a higher number. It returns when the record
// is durable and no window holds the party any more. request.Subject is the
// party's name, as Subject makes it. assay.ErrNotFound: no record is sealed for it.
//
// Challengers do not score meanwhile: a shadow record made from records under the
// old key would be sealed under the party's next key.
func (e *Engine) Erase(ctx context.Context, request journal.ErasureRequest) (seq uint64, err error) {
	defer e.shadows.Pause()()
	request.Business = ErasurePart(request.Subject)
	e.mu.Lock()
	e.snapshotLocked()
	begun, err := e.journal.BeginErasure(request)
	if err != nil {
		e.mu.Unlock()
		return 0, err
	}
	_, err = e.mu.state.Apply(&Transition{Sequence: begun.Sequence, Kind: ledger.Erasure, Micros: begun.Micros,
		erased: erasureOf(begun.Party.ID(), request.Subject)})
	e.mu.Unlock()
	if _, aerr := begun.Append(ctx); aerr != nil {
		return 0, errors.Join(aerr, err)
	}
	e.sweep()
	return begun.Sequence, err
}

// sweep cleans all windows of the parties that they were told to forget, a few
// keys at a time.
func (e *Engine) sweep() {
	for done := false; !done; {
		e.mu.Lock()
		done = true
		for _, w := range e.mu.state.windows {
			done = w.state.Sweep(sweepKeys) && done
		}
		e.mu.Unlock()
	}
}

// erasure is a party to forget.
type erasure struct {
	role  string
	party features.Party
}

// erasureOf is the erasure of a party that had a number.
func erasureOf(number vault.ID, name string) *erasure {
	role, id, _ := strings.Cut(name, ":")
	return &erasure{role, partyOf(number, id)}
}

// partyOf is a party as windows know it.
func partyOf(number vault.ID, id string) features.Party {
	return features.Party{Key: number, Member: window.Hash(id)}
}

// ErasurePart is the business part of the record of a party's erasure; name is as
// Subject makes it.
func ErasurePart(name string) []byte {
	x := erasureOf(vault.ID{}, name)
	part := eventparts.Erasure{Role: x.role, Member: x.party.Member}
	return part.AppendBinary(nil)
}

// readErasure reads which party an erasure's record forgets.
func readErasure(r *journal.Record) (*erasure, error) {
	var note journal.ErasureNote
	if err := assay.UnmarshalCBOR(r.Decision, &note); err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	if len(r.Business) == 0 { // format 1: no window has its number
		return &erasure{party: features.Party{Key: note.Key}}, nil
	}
	part, err := eventparts.ParseErasure(r.Business)
	if err != nil {
		return nil, err
	}
	return &erasure{part.Role, features.Party{Key: note.Key, Member: part.Member}}, nil
}
