// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"encoding/binary"
	"errors"

	assay "github.com/assayrisk/assay"
)

// Head is what the contract stores about one log.
type Head struct {
	Root      assay.Digest // of the newest anchored checkpoint, zero before the first
	Size      uint64       // its leaves, 0 before the first
	Anchors   uint32       // how often the log has been anchored
	Publisher Address      // who may anchor it, zero = the log is not registered
}

// logsSlot is the place of AnchorRegistry's mapping of logs.
const logsSlot = 2

// logSlot is the storage slot of a log's root: Keccak-256(log id || 2), where
// Solidity puts the values of a mapping. The slot after it holds the rest.
func logSlot(id Hash) Hash {
	var place Hash
	place[31] = logsSlot
	return keccak(id[:], place[:])
}

// LogSlots returns the two storage slots of a log: its root, and its
// publisher, size and number of anchors.
func LogSlots(id Hash) [2]Hash {
	s := logSlot(id)
	return [2]Hash{s, s.next()}
}

// next returns h + 1 as a big-endian number.
func (h Hash) next() Hash {
	for i := len(h) - 1; i >= 0; i-- {
		h[i]++
		if h[i] != 0 {
			break
		}
	}
	return h
}

// UnpackHead reads the two slots, of which the second is, from the low end,
// publisher (20 bytes), size (8) and anchors (4).
func UnpackHead(root, packed Hash) Head {
	return Head{
		Root:      assay.Digest(root),
		Anchors:   binary.BigEndian.Uint32(packed[0:4]),
		Size:      binary.BigEndian.Uint64(packed[4:12]),
		Publisher: Address(packed[12:32]),
	}
}

// slotValue reads a storage value: an RLP string without leading zeros.
func slotValue(b []byte) (Hash, error) {
	s, err := bytesItem(b)
	if err != nil {
		return Hash{}, err
	}
	if len(s) == 0 || len(s) > 32 || s[0] == 0 {
		return Hash{}, errors.New("storage value is not a number without leading zeros")
	}
	var v Hash
	copy(v[32-len(s):], s)
	return v, nil
}
