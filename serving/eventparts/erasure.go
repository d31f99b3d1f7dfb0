// SPDX-License-Identifier: Apache-2.0

package eventparts

import (
	"encoding/binary"
	"fmt"

	"github.com/assayrisk/assay"
)

// Erasure is what the business part of an erasure's record says of the party, so
// that a replay forgets it as the server did. The record's opening has the number.
type Erasure struct {
	Role   string
	Member uint64 // window.Hash of the party's id
}

// AppendBinary appends the encoded erasure.
func (e *Erasure) AppendBinary(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(appendText(append(dst, version), e.Role), e.Member)
}

// ParseErasure reads an encoded erasure. The error matches assay.ErrCorrupt.
func ParseErasure(part []byte) (Erasure, error) {
	r := newReader(part)
	e := Erasure{r.text(), r.uint64()}
	if err := r.end(); err != nil {
		return Erasure{}, fmt.Errorf("the business part of an erasure: %w", err)
	}
	if len(e.Role) > assay.MaxNameBytes {
		return Erasure{}, fmt.Errorf("the business part of an erasure: a role of %d bytes: %w", len(e.Role),
			assay.ErrCorrupt)
	}
	return e, nil
}
