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
		g.Business = append(g.Business, bytes.Repeat([]byte{byte(i)}, 2*i))
		g.Personal = append(g.Personal, bytes.Repeat([]byte{byte(i)}, i))
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
		if i/8 < 76 { // and with the head's checksum made right
			binary.BigEndian.PutUint32(b[76:], crc32.Checksum(b[:76], castagnoli))
			if h, err := ParseHead(b); err == nil && h.Check(auth, b) == nil {
				t.Fatalf("bit %d, checksum made right: not seen", i)
			}
		}
		b[i/8] ^= 1 << (i % 8)
		binary.BigEndian.PutUint32(b[76:], crc32.Checksum(b[:76], castagnoli))
	}
}

// asVersion1 makes a frame of version 1 of one of version 2: nothing writes them any more.
func asVersion1(t testing.TB, auth *vault.Authenticator, b []byte) []byte {
	t.Helper()
	two, err := ParseHead(b)
	if err != nil {
		t.Fatal(err)
	}
	body := b[two.HeadLen() : two.Size()-vault.MACSize]
	one := Head{Version: 1, First: two.First, Count: two.Count, public: two.public, personal: two.personal,
		ops: two.ops, Signature: [64]byte{1, 2, 3}}
	out := make([]byte, one.HeadLen()+one.tableLen())
	out = append(out, body[two.tableLen():two.publicEnd()]...)
	out = append(out, body[two.businessEnd():]...)
	for i := range int(two.Count) {
		p, err := two.row(body, i)
		if err != nil {
			t.Fatal(err)
		}
		one.putRow(out[one.HeadLen():], i, uint32(p.public.to), 0, uint32(p.personal.to))
	}
	if out, err = one.Seal(auth, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVersion1 reads a group of version 1: its sealed part is the personal one.
func TestVersion1(t *testing.T) {
	t.Parallel()
	auth := testAuth(t)
	two := frameOf(t, auth, 3, KeyOp{Kind: NewKey, Wrapped: []byte("key")})
	b := asVersion1(t, auth, two)
	h, err := ParseHead(b)
	if err == nil {
		err = h.Check(auth, b)
	}
	if err != nil || h.Version != 1 || h.Signature != [64]byte{1, 2, 3} || h.End() != 10 {
		t.Fatalf("%+v: %v", h, err)
	}
	body := b[h.HeadLen() : h.Size()-vault.MACSize]
	for i := range 3 {
		s, err := h.At(body, i)
		if err != nil || string(s.Leaf) != fmt.Sprint("leaf", i) || len(s.Business) != 0 ||
			!bytes.Equal(s.Personal, bytes.Repeat([]byte{byte(i)}, i)) {
			t.Errorf("record %d: %+v: %v", i, s, err)
		}
	}
	if ops, err := h.Ops(body); err != nil || len(ops) != 1 || string(ops[0].Wrapped) != "key" {
		t.Errorf("ops %+v: %v", ops, err)
	}
}

func FuzzParseHead(f *testing.F) {
	auth := testAuth(f)
	f.Add(asVersion1(f, auth, frameOf(f, auth, 3, KeyOp{Kind: EraseKey, Sequence: 9})))
	f.Add(frameOf(f, auth, 3, KeyOp{Kind: NewKey, Wrapped: []byte("key")}, KeyOp{Kind: EraseKey, Sequence: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHead(b)
		if err != nil || int64(len(b)) < h.Size() {
			return
		}
		body := b[h.HeadLen() : h.Size()-vault.MACSize]
		again := make([]byte, h.HeadLen())
		if h.put(again); !bytes.Equal(again, b[:h.HeadLen()]) {
			t.Fatalf("two encodings of one head: %x", b[:h.HeadLen()])
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
