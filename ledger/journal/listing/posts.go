// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"encoding/binary"
	"fmt"

	"github.com/assayrisk/assay"
)

// Post is one record of a party.
type Post struct {
	Sequence uint64
	Owned    bool // the party's key seals the record's personal part
}

// AppendNumber appends a number in such a way that the order of the bytes is the order of the numbers: how many bytes
// it takes (1), then these.
func AppendNumber(b []byte, n uint64) []byte {
	var full [8]byte
	binary.BigEndian.PutUint64(full[:], n)
	i := 0
	for i < 8 && full[i] == 0 {
		i++
	}
	return append(append(b, byte(8-i)), full[i:]...)
}

// ParseNumber reads what AppendNumber appends.
func ParseNumber(b []byte) (uint64, error) {
	if len(b) == 0 || len(b) > 9 || int(b[0]) != len(b)-1 || len(b) > 1 && b[1] == 0 {
		return 0, fmt.Errorf("listing: the key of a party's row is damaged: %w", assay.ErrCorrupt)
	}
	var full [8]byte
	copy(full[9-len(b):], b[1:])
	return binary.BigEndian.Uint64(full[:]), nil
}

// AppendPosts appends a party's records, in order, as unsigned varints: twice the difference to the record before, 0
// for the first, plus one if it is Owned.
func AppendPosts(b []byte, posts []Post) []byte {
	for i, p := range posts {
		v := (p.Sequence - posts[max(i-1, 0)].Sequence) << 1
		if p.Owned {
			v |= 1
		}
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// ParsePosts appends to dst what AppendPosts wrote, of which first is the first number.
func ParsePosts(dst []Post, first uint64, b []byte) ([]Post, error) {
	at := first
	for i := 0; ; i++ {
		v, w := binary.Uvarint(b)
		if w <= 0 || i > 0 == (v < 2) {
			return nil, fmt.Errorf("listing: the row of a party's records from %d on is damaged: %w", first,
				assay.ErrCorrupt)
		}
		at += v >> 1
		dst = append(dst, Post{at, v&1 != 0})
		if b = b[w:]; len(b) == 0 {
			return dst, nil
		}
	}
}
