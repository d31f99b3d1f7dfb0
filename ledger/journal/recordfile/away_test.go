// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/iotest"

	assay "github.com/assayrisk/assay"
)

// TestObjectBytes reads a record file with its index behind it, in pieces and at random places, and makes its digests.
func TestObjectBytes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 100, chunkBytes - 7, chunkBytes, 3*chunkBytes + 11} {
		whole := make([]byte, n+5)
		for i := range whole {
			whole[i] = byte(rng.Uint32())
		}
		o := &objectBytes{file: bytes.NewReader(append(whole[:n:n], make([]byte, 50)...)), records: int64(n),
			index: whole[n:]} // zeros that were made in advance are behind the groups
		if err := iotest.TestReader(io.NewSectionReader(o, 0, int64(len(whole))), whole); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		sum := newChunkSum()
		for rest := whole; len(rest) > 0; {
			k := 1 + rng.IntN(len(rest))
			sum.add(rest[:k])
			rest = rest[k:]
		}
		want := sha256.Sum256(whole)
		if !bytes.Equal(sum.finish(), want[:]) {
			t.Errorf("%d bytes: the digest is wrong", n)
		}
		var chunks []byte
		for i := 0; i < len(whole); i += chunkBytes {
			c := sha256.Sum256(whole[i:min(i+chunkBytes, len(whole))])
			chunks = append(chunks, c[:]...)
		}
		if !bytes.Equal(sum.chunks, chunks) {
			t.Errorf("%d bytes: the chunks' digests are wrong", n)
		}
	}
}

// FuzzAway parses files that say where a record file is, and indexes: what is taken is what would be written.
func FuzzAway(f *testing.F) {
	a := &away{Version: 1, Place: "p", Object: "o", First: 7, End: 12, Records: 300, Index: 4, SHA256: "x",
		Leaves: make([]byte, 32), Chunks: make([]byte, 32)}
	auth := testAuth(f)
	b, err := a.encode(auth)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, []byte{2, 200, 1, 3, 100})
	f.Fuzz(func(t *testing.T, b, index []byte) {
		got, err := parseAway(b, nil)
		if err == nil {
			again, err := got.encode(auth)
			if err != nil {
				t.Fatal(err)
			}
			if twice, err := parseAway(again, auth); err != nil || !reflect.DeepEqual(twice, got) {
				t.Fatalf("%+v is read as %+v, %v", got, twice, err)
			}
		} else if !errors.Is(err, assay.ErrCorrupt) {
			t.Fatal(err)
		}
		if groups, err := a.parseIndex(index); err == nil {
			var again []byte
			for i, g := range groups {
				next := groupOffset{a.End, a.Records}
				if i+1 < len(groups) {
					next = groups[i+1]
				}
				again = binary.AppendUvarint(again, next.first-g.first)
				again = binary.AppendUvarint(again, uint64(next.offset-g.offset))
			}
			if back, err := a.parseIndex(again); err != nil || !reflect.DeepEqual(back, groups) {
				t.Fatalf("%v is read as %v, %v", groups, back, err)
			}
		} else if !errors.Is(err, assay.ErrCorrupt) {
			t.Fatal(err)
		}
	})
}
