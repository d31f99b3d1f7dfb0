// SPDX-License-Identifier: Apache-2.0

package ledger

import "fmt"

// Kind says what a leaf records: every kind of event that changes decisions.
// The numbers are frozen: public leaves hold them.
type Kind uint8

// The kinds. Zero is no kind.
const (
	Decision    Kind = 1  // a scored application
	Event       Kind = 2  // a recorded fact that later features are made from
	Activation  Kind = 3  // a model bundle went live, or into the shadow
	Policy      Kind = 4  // a policy went live
	Erasure     Kind = 5  // a subject's key was destroyed
	KeyRotation Kind = 6  // the master key was replaced
	Failed      Kind = 7  // the number was taken, but its work did not complete
	Report      Kind = 8  // a model evaluation report was made; its opening names the report's digest
	Shadow      Kind = 9  // challengers scored the vector of a decision, next to the model that decided
	Tick        Kind = 10 // something became due by record time
	Snapshot    Kind = 11 // what decisions read was stored; its opening states the digests
)

var kindNames = [...]string{"", "decision", "event", "activation", "policy", "erasure", "key rotation",
	"failed", "report", "shadow", "tick",
	"snapshot"}

// Valid reports whether k is one of the kinds above.
func (k Kind) Valid() bool { return k >= Decision && k <= Snapshot }

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if k.Valid() {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
