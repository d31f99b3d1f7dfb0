// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"bytes"
	"encoding/json"
)

// Receipt is what the owner of a decision keeps: everything needed to check,
// with the network off, that the decision was promised, included in the log and
// anchored. Package ledger makes and verifies receipts; docs/formats draws them.
// Byte strings are base64 in JSON, or null when they are empty.
type Receipt struct {
	Version     uint8    `json:"version"`      // 1
	Log         string   `json:"log"`          // origin line of the log
	Decision    []byte   `json:"decision"`     // canonical bytes, the opening of the first commitment
	Vector      []byte   `json:"vector"`       // canonical bytes, the opening of the second
	DecisionKey []byte   `json:"decision_key"` // 32 bytes, HMAC key of the decision commitment
	VectorKey   []byte   `json:"vector_key"`   // 32 bytes, HMAC key of the vector commitment
	Leaf        []byte   `json:"leaf"`         // the public leaf
	Index       uint64   `json:"index"`        // leaf index = sequence number
	Promise     []byte   `json:"promise"`      // signed promise, as the reply carried it
	Inclusion   [][]byte `json:"inclusion"`    // RFC 6962 audit path, 32 bytes each, leaf side first
	Checkpoint  []byte   `json:"checkpoint"`   // C2SP signed note
	// RFC 3161 token of the checkpoint's bytes, absent without an authority
	Timestamp []byte          `json:"timestamp,omitempty"`
	Anchor    json.RawMessage `json:"anchor,omitempty"` // ledger/anchor's proof, absent until anchored
}

// MarshalJSON writes every missing part in the same way, as null, also where a
// byte string or the path is empty and not nil.
func (r Receipt) MarshalJSON() ([]byte, error) {
	for _, b := range []*[]byte{&r.Decision, &r.Vector, &r.DecisionKey, &r.VectorKey, &r.Leaf,
		&r.Promise, &r.Checkpoint} {
		if len(*b) == 0 {
			*b = nil
		}
	}
	if len(r.Inclusion) == 0 {
		r.Inclusion = nil
	}
	type plain Receipt
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the caller's encoder decides
	err := e.Encode(plain(r))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
