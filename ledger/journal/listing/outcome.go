// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"encoding/binary"

	"github.com/assayrisk/assay"
)

// DecidedOutcome reads the outcome of a decision's canonical bytes, and no more of them: assay.ParseDecision takes
// twenty times as long, and each record is asked.
func DecidedOutcome(b []byte) (assay.Outcome, bool) {
	const version, outcome = 0, 5 // keys of assay.Decision; canonical CBOR has keys in order
	if len(b) == 0 || b[0]>>5 != 5 {
		return 0, false
	}
	b = b[1:]
	for key := range uint64(outcome + 1) {
		k, _, rest, ok := cborHead(b)
		if !ok || k != key {
			return 0, false
		}
		v, kind, rest, ok := cborHead(rest)
		switch {
		case !ok:
			return 0, false
		case kind == 3 && v <= uint64(len(rest)): // a text
			rest = rest[v:]
		case kind > 1:
			return 0, false
		case key == version && v != assay.DecisionVersion:
			return 0, false
		case key == outcome:
			return assay.Outcome(v), v <= uint64(assay.Recorded)
		}
		b = rest
	}
	return 0, false
}

// cborHead reads the head of a CBOR item (RFC 8949, section 3): its argument and its major type.
func cborHead(b []byte) (argument uint64, kind byte, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	kind, info := b[0]>>5, b[0]&31
	if info < 24 {
		return uint64(info), kind, b[1:], true
	}
	n := 1 << (info - 24)
	if info > 27 || len(b) < 1+n {
		return 0, 0, nil, false
	}
	var full [8]byte
	copy(full[8-n:], b[1:])
	return binary.BigEndian.Uint64(full[:]), kind, b[1+n:], true
}
