// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"testing"
)

func FuzzParseLeaf(f *testing.F) {
	l := newTestLog(f, 1)
	f.Add(l.openings[0].Leaf)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLeaf(b)
		if err == nil && !bytes.Equal(l.AppendBinary(nil), b) {
			t.Fatalf("two encodings of one leaf: %x", b)
		}
	})
}

func FuzzParsePromise(f *testing.F) {
	l := newTestLog(f, 5)
	f.Add(l.receipt(f, 3).Promise)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePromise(b)
		if err != nil {
			return
		}
		if !bytes.Equal(p.AppendBinary(nil), b) {
			t.Fatalf("two encodings of one promise: %x", b)
		}
		_ = p.Verify(l.key)
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	l := newTestLog(f, 5)
	f.Add(l.receipt(f, 3).Checkpoint)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCheckpoint(b, l.vkey); err == nil && !bytes.HasPrefix(b, []byte(c.String())) {
			t.Fatalf("the text is not the checkpoint's: %q", b)
		}
		if c, err := ParseCheckpointBody(b); err == nil && !bytes.HasPrefix(b, []byte(c.String())) {
			t.Fatalf("%q read as %+v", b, c)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(newTestLog(f, 1).vkey)
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := ParseKey(s); err == nil {
			if _, err := ParseKey(k.String()); err != nil {
				t.Fatalf("%q: what String wrote is refused: %v", s, err)
			}
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	l := newTestLog(f, 5)
	b, err := MarshalReceipt(l.receipt(f, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseReceipt(b); err == nil {
			_ = Verify(r, Trust{LogKey: l.vkey})
		}
	})
}
