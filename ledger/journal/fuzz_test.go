// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// frameOf makes the frame of a group of n records.
func frameOf(t testing.TB, auth *vault.Authenticator, n int, ops ...keyOp) []byte {
	t.Helper()
	g := group{first: 7, count: uint32(n), ops: ops}
	entries := make([]*entry, n)
	leaves := &leafBlock{first: g.first}
	for i := range entries {
		entries[i] = &entry{sealed: bytes.Repeat([]byte{byte(i)}, i)}
		leaves.public = append(append(leaves.public, make([]byte, publicFixed)...), fmt.Sprint("leaf", i)...)
		leaves.ends = append(leaves.ends, uint32(len(leaves.public)))
	}
	b, err := g.build(auth, nil, entries, leaves)
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

// TestEveryBitOfAGroupCounts flips each bit of a frame: none goes unseen.
func TestEveryBitOfAGroupCounts(t *testing.T) {
	auth := testAuth(t)
	b := frameOf(t, auth, 3, keyOp{kind: opNewKey, wrapped: []byte("key")})
	h, err := parseFrame(b)
	if err == nil {
		err = h.check(auth, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		if h, err := parseFrame(b); err == nil && h.check(auth, b) == nil {
			t.Fatalf("bit %d: not seen", i)
		}
		if i/8 < 108 { // and with the head's checksum made right
			binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
			if h, err := parseFrame(b); err == nil && h.check(auth, b) == nil {
				t.Fatalf("bit %d, checksum made right: not seen", i)
			}
		}
		b[i/8] ^= 1 << (i % 8)
		binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], castagnoli))
	}
}

func FuzzParseFrame(f *testing.F) {
	auth := testAuth(f)
	f.Add(frameOf(f, auth, 3, keyOp{kind: opNewKey, wrapped: []byte("key")}, keyOp{kind: opErase, sequence: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseFrame(b)
		if err != nil || int64(len(b)) < h.size() {
			return
		}
		body := b[frameHead : h.size()-vault.MACSize]
		again := make([]byte, frameHead)
		if h.put(again); !bytes.Equal(again, b[:frameHead]) {
			t.Fatalf("two encodings of one head: %x", b[:frameHead])
		}
		for i := range int(h.count) {
			if _, err := h.at(body, i); err != nil {
				break
			}
		}
		section := body[len(body)-int(h.ops):]
		ops, err := parseOps(section)
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

func FuzzParsePrivate(f *testing.F) {
	r := decision(3, "s")
	f.Add(r.appendPrivate(nil))
	f.Add(make([]byte, 38))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := r.parsePrivate(b); err != nil {
			return
		}
		var again Record
		if err := again.parsePrivate(r.appendPrivate(nil)); err != nil || again.Subject != r.Subject || !bytes.Equal(again.Private, r.Private) || again.Body != r.Body {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
	})
}

func FuzzParseLogKey(f *testing.F) {
	f.Add("PRIVATE+KEY+a+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if k, _, err := parseLogKey(s); err == nil && k.Public == nil {
			t.Fatal("a key without a key")
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	r := decision(9, "subject")
	var got Record
	if err := got.parsePrivate(r.appendPrivate(nil)); err != nil {
		t.Fatal(err)
	}
	if got.Subject != r.Subject || got.Caller != r.Caller || got.RequestID != r.RequestID || got.Body != r.Body ||
		!bytes.Equal(got.Decision, r.Decision) || !bytes.Equal(got.Vector, r.Vector) || !bytes.Equal(got.Private, r.Private) {
		t.Fatalf("%+v came back as %+v", r, got)
	}
	full := r.appendPrivate(nil)
	for n := range full {
		if err := new(Record).parsePrivate(full[:n]); err == nil {
			t.Fatalf("cut to %d bytes: accepted", n)
		}
	}
	if err := new(Record).parsePrivate(append(full, 0)); err == nil {
		t.Fatal("bytes after the end were accepted")
	}
	if got.Body == (assay.Digest{}) {
		t.Fatal("the body's digest is lost")
	}
}
