// SPDX-License-Identifier: Apache-2.0

package assay

import "fmt"

// Outcome is what was decided. The numbers are frozen: stored records hold them.
type Outcome uint8

// The outcomes. Failed marks a sequence number that was taken although its
// scoring did not complete; Recorded marks one that holds an event and no score.
const (
	Failed   Outcome = 0
	Approve  Outcome = 1
	Review   Outcome = 2
	Decline  Outcome = 3
	Recorded Outcome = 4
)

var outcomeNames = [...]string{"failed", "approve", "review", "decline", "recorded"}

// String returns the outcome's name in lower case.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// ParseOutcome reads what String writes.
func ParseOutcome(s string) (Outcome, error) {
	for i, n := range outcomeNames {
		if n == s {
			return Outcome(i), nil
		}
	}
	return 0, fmt.Errorf("outcome %q: want approve, review, decline, recorded or failed", s)
}

// MarshalText writes the name (JSON).
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the name.
func (o *Outcome) UnmarshalText(b []byte) error {
	v, err := ParseOutcome(string(b))
	if err == nil {
		*o = v
	}
	return err
}

// Reason is one risk-raising group of features behind an adverse decision.
type Reason struct {
	Code         string  `cbor:"1,keyasint" json:"code"`         // stable, from the plan
	Text         string  `cbor:"2,keyasint" json:"text"`         // one sentence, from the plan
	Contribution float64 `cbor:"3,keyasint" json:"contribution"` // margin units (log-odds), positive
}

// Decision is what was decided about one event, by which model, plan and
// policy, from which features. Its canonical bytes are CBOR in core
// deterministic encoding; see docs/formats/decision.md.
type Decision struct {
	Version   uint8    `cbor:"0,keyasint" json:"version"`    // 1
	Sequence  uint64   `cbor:"1,keyasint" json:"sequence"`   // place in the journal = leaf index in the log
	RequestID string   `cbor:"2,keyasint" json:"request_id"` // the caller's idempotency key
	EventID   string   `cbor:"3,keyasint" json:"event_id"`
	Micros    int64    `cbor:"4,keyasint" json:"time_us"` // server clock, microseconds since the Unix epoch
	Outcome   Outcome  `cbor:"5,keyasint" json:"outcome"`
	Score     Score    `cbor:"6,keyasint" json:"score"`
	Plan      Digest   `cbor:"7,keyasint" json:"plan"`
	Policy    Digest   `cbor:"8,keyasint" json:"policy"`
	Vector    Digest   `cbor:"9,keyasint" json:"vector"` // feature hash, Vector.Digest
	Rules     []string `cbor:"10,keyasint,omitempty" json:"rules,omitempty"`
	Reasons   []Reason `cbor:"11,keyasint,omitempty" json:"reasons,omitempty"`
}

// DecisionVersion is the version that this code writes.
const DecisionVersion = 1
