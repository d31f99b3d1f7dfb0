// SPDX-License-Identifier: Apache-2.0

package ledger

import "fmt"

// State says how one step of a verification ended.
type State uint8

// The states. Absent means that the receipt carries nothing to check: it is
// neither a proof nor a tamper.
const (
	Refused State = iota
	Proven
	Absent
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
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// MarshalText writes the state's name (JSON).
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one line of a verification: which step, how it ended, by whose
// word it stands, and what was compared. A refused step's Detail names the part
// that failed.
type Finding struct {
	Step   string `json:"step"` // decision, vector, leaf, promise, checkpoint, inclusion, ...
	State  State  `json:"state"`
	By     string `json:"by"` // whom one believes when one believes this line
	Detail string `json:"detail"`
}

// String returns the finding as one line for people.
func (f Finding) String() string {
	if f.By == "" {
		return fmt.Sprintf("%-8s %-12s %s", f.State, f.Step, f.Detail)
	}
	return fmt.Sprintf("%-8s %-12s %s [%s]", f.State, f.Step, f.Detail, f.By)
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
