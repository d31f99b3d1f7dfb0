// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

func TestLeafIsCanonicalCBOR(t *testing.T) {
	t.Parallel()
	for _, us := range []int64{0, 1, 23, 24, 255, 256, 65535, 65536, 1 << 32, 1<<63 - 1, -1, -24, -25, -1 << 63} {
		for k := Decision; k <= Failed; k++ {
			l := Leaf{Version: 1, Micros: us, Kind: k, Model: assay.Sum("m"), Decision: assay.Sum("d"),
				Vector: assay.Sum("v")}
			want, err := assay.MarshalCBOR(&l)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.AppendBinary(nil); !bytes.Equal(got, want) {
				t.Fatalf("micros %d, kind %d:\n got %x\nwant %x", us, k, got, want)
			}
			back, err := ParseLeaf(want)
			if err != nil || back != l {
				t.Fatalf("back: %+v, %v", back, err)
			}
		}
	}
}

func TestHashesAreRFC6962(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100, MaxLeafBytes, MaxLeafBytes + 1} {
		b := bytes.Repeat([]byte{3}, n)
		if h := HashLeaf(b); !bytes.Equal(h[:], rfc6962.DefaultHasher.HashLeaf(b)) {
			t.Errorf("leaf of %d bytes", n)
		}
	}
	a, b := assay.Sum("a"), assay.Sum("b")
	if h := HashChildren(&a, &b); !bytes.Equal(h[:], rfc6962.DefaultHasher.HashChildren(a[:], b[:])) {
		t.Error("children")
	}
}
