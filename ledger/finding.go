// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"

	assay "github.com/assayrisk/assay"
)

// State says how one step of a verification ended.
type State uint8

// The states. Only Proven is a proof, and only Refused is evidence of tampering.
const (
	Refused   State = iota
	Proven          // it holds, and VouchedBy says who vouches for it
	Absent          // the receipt carries nothing to check
	Unvouched       // what is there agrees with itself, but anybody could have made it
	Unchecked       // not checked, because a step before it was refused
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Refused:
		return "refused"
	case Proven:
		return "proven"
	case Absent:
		return "absent"
	case Unvouched:
		return "not vouched for"
	case Unchecked:
		return "not checked"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// MarshalText writes the state's name (JSON).
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(b []byte) error {
	for x := Refused; x <= Unchecked; x++ {
		if x.String() == string(b) {
			*s = x
			return nil
		}
	}
	return fmt.Errorf("state %q: want refused, proven, absent, not vouched for or not checked: %w", b, assay.ErrInvalid)
}

// Finding is one line of a verification: which step, how it ended, who vouches
// for it, and what was compared. A refused step's Detail names the part that
// failed.
type Finding struct {
	Step      string `json:"step"` // decision, vector, leaf, promise, checkpoint, inclusion, ...
	State     State  `json:"state"`
	VouchedBy string `json:"by"` // whom the reader trusts by believing this line
	Detail    string `json:"detail"`
}

// String returns the finding as one line for people.
func (f Finding) String() string {
	if f.VouchedBy == "" {
		return fmt.Sprintf("%-15s %-16s %s", f.State, f.Step, f.Detail)
	}
	return fmt.Sprintf("%-15s %-16s %s [%s]", f.State, f.Step, f.Detail, f.VouchedBy)
}

// OK reports whether something was proven and nothing was refused.
func OK(fs []Finding) bool {
	proven := false
	for i := range fs {
		if fs[i].State == Refused {
			return false
		}
		proven = proven || fs[i].State == Proven
	}
	return proven
}
