// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/assayrisk/assay/ledger/vault"
)

// frameOf makes the frame of a group of n records.
func frameOf(t testing.TB, auth *vault.Authenticator, n int, ops ...KeyOp) []byte {
	t.Helper()
	g := Group{First: 7, Ops: ops}
	for i := range n {
		g.Sealed = append(g.Sealed, bytes.Repeat([]byte{byte(i)}, i))
		g.Public = append(append(g.Public, make([]byte, PublicPrefix)...), fmt.Sprint("leaf", i)...)
		g.Ends = append(g.Ends, uint32(len(g.Public)))
	}
	b, err := (&Files{auth: auth}).Encode(nil, &g)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testAuth(t testing.TB) *vault.Authenticator {
	t.Helper()
	k, err := vault.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	a, err := k.Authenticator()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestEveryBitOfAGroupCounts flips each bit of a frame: every change is found.
func TestEveryBitOfAGroupCounts(t *testing.T) {
	t.Parallel()
	auth := testAuth(t)
	b := frameOf(t, auth, 3, KeyOp{Kind: NewKey, Wrapped: []byte("key")})
	h, err := ParseHead(b)
	if err == nil {
		err = h.Check(auth, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		if h, err := ParseHead(b); err == nil && h.Check(auth, b) == nil {
			t.Fatalf("bit %d: not seen", i)
		}
		if i/8 < 108 { // and with the head's checksum made right
			binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
			if h, err := ParseHead(b); err == nil && h.Check(auth, b) == nil {
				t.Fatalf("bit %d, checksum made right: not seen", i)
			}
		}
		b[i/8] ^= 1 << (i % 8)
		binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
	}
}

func FuzzParseHead(f *testing.F) {
	auth := testAuth(f)
	f.Add(frameOf(f, auth, 3, KeyOp{Kind: NewKey, Wrapped: []byte("key")}, KeyOp{Kind: EraseKey, Sequence: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHead(b)
		if err != nil || int64(len(b)) < h.Size() {
			return
		}
		body := b[HeadBytes : h.Size()-vault.MACSize]
		again := make([]byte, HeadBytes)
		if h.put(again); !bytes.Equal(again, b[:HeadBytes]) {
			t.Fatalf("two encodings of one head: %x", b[:HeadBytes])
		}
		for i := range int(h.Count) {
			if _, err := h.At(body, i); err != nil {
				break
			}
		}
		section := body[len(body)-int(h.ops):]
		ops, err := ParseOps(section)
		if err != nil {
			return
		}
		var out []byte
		for i := range ops {
			out = ops[i].append(out)
		}
		if !bytes.Equal(out, section) {
			t.Fatalf("two encodings of one group's ops: %x", out)
		}
	})
}
