// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/rlp"
)

// header is the part of a block's header that a proof needs. The hash covers the
// fields after these, which later forks add; they are not read.
type header struct {
	items     [][]byte // RLP items, still encoded
	stateRoot Hash
	number    uint64
	time      time.Time
	extra     []byte
}

// Positions in the header's list, in Ethereum's order since the first block.
const (
	headerStateRoot = 3
	headerNumber    = 8
	headerTime      = 11
	headerExtra     = 12
	headerMin       = 15
	headerMax       = 40
)

func parseHeader(b []byte) (*header, error) {
	items, err := listItems(b, headerMax)
	if err != nil {
		return nil, err
	}
	if len(items) < headerMin {
		return nil, fmt.Errorf("%d fields, a header has at least %d", len(items), headerMin)
	}
	h := &header{items: items}
	root, err := bytesItem(items[headerStateRoot])
	if err != nil {
		return nil, err
	}
	if len(root) != len(h.stateRoot) {
		return nil, errors.New("the state root is not of 32 bytes")
	}
	h.stateRoot = Hash(root)
	if h.number, err = uintItem(items[headerNumber]); err != nil {
		return nil, fmt.Errorf("block number: %w", err)
	}
	seconds, err := uintItem(items[headerTime])
	if err != nil {
		return nil, fmt.Errorf("time: %w", err)
	}
	if seconds > 1<<40 {
		return nil, errors.New("time: not in seconds since 1970")
	}
	h.time = time.Unix(int64(seconds), 0).UTC()
	h.extra, err = bytesItem(items[headerExtra])
	return h, err
}

// withExtra returns the header's RLP with another extraData.
func (h *header) withExtra(extra []byte) []byte {
	items := append([][]byte(nil), h.items...)
	items[headerExtra] = rlpString(extra)
	return rlpList(items)
}

func uintItem(b []byte) (uint64, error) {
	x, rest, err := rlp.SplitUint64(b)
	if err == nil && len(rest) != 0 {
		err = errors.New("bytes follow the number")
	}
	return x, err
}

// rlpList encodes a list of items that are encoded already.
func rlpList(items [][]byte) []byte {
	raw := make([]rlp.RawValue, len(items))
	for i, b := range items {
		raw[i] = b
	}
	return mustRLP(raw)
}

func rlpString(b []byte) []byte { return mustRLP(b) }

// mustRLP encodes values whose types can be encoded: it cannot fail.
func mustRLP(v any) []byte {
	b, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic(err)
	}
	return b
}
