// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// State says in four bits what a record holds for a list: nothing that can be listed (0), or an outcome, and whether
// parties are named that have no number.
type State uint8

// Unnumbered is the bit of a State that says that the record names parties without their numbers, as those of format 1
// do: they are found by reading it.
const Unnumbered State = 8

// outcomeBits of a State hold an outcome plus one.
const outcomeBits State = 7

// Listed is the state of a record that holds a decision, a recorded fact or a failed request with this outcome.
func Listed(o assay.Outcome) State { return State(o) + 1 }

// Entry is what a list asks of one record.
type Entry struct {
	Micros  int64
	State   State
	Owned   bool       // the first party's key seals the record's personal part
	Caller  [16]byte   // pseudonym of the caller
	Parties []vault.ID // whom the record names, each once
}

// Filter says which entries a list wants. Times are exact to the 64 records around an entry: whoever reads the record
// compares its time again.
type Filter struct {
	From, To int64     // microseconds; To is not included
	State    State     // of Listed; 0: every outcome
	Caller   *[16]byte // nil: every caller
}

// outcomes is a mask of states.
func (f *Filter) outcomes() uint8 {
	if f.State != 0 {
		return 1 << f.State
	}
	return 0xfe
}

// Passes reports whether an entry passes the filter.
func (e *Entry) Passes(f *Filter) bool {
	return 1<<(e.State&outcomeBits)&f.outcomes() != 0 && e.Micros >= f.From && e.Micros < f.To &&
		(f.Caller == nil || e.Caller == *f.Caller)
}
