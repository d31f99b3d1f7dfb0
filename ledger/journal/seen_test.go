// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/vault"
)

func testTag(i uint64) [16]byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
	return [16]byte(h[:16])
}

func TestSeenFilter(t *testing.T) {
	var f seenFilter
	if !f.maybe(testTag(0)) {
		t.Fatal("a filter that is not full yet denied something")
	}
	f.full.Store(true)
	if f.maybe(testTag(0)) {
		t.Fatal("an empty filter knew something")
	}
	const n = 300_000 // three filters of the chain
	for i := range uint64(n) {
		f.add(testTag(i))
	}
	for i := range uint64(n) {
		if !f.maybe(testTag(i)) {
			t.Fatalf("tag %d was added and is denied", i)
		}
	}
	wrong := 0
	for i := range uint64(n) {
		if f.maybe(testTag(n + i)) {
			wrong++
		}
	}
	if rate := float64(wrong) / n; rate > 0.01 {
		t.Fatalf("%.4f of unknown tags pass, want at most 0.01", rate)
	}
}

// TestKnownSubjectsKeepTheirKeys finds the same keys again when they have left
// memory: after a start, with the filter of subjects not full, and then full.
func TestKnownSubjectsKeepTheirKeys(t *testing.T) {
	const subjects = 300
	dir := t.TempDir()
	name := func(i int) string { return fmt.Sprintf("subject-%d", i) }
	ids := map[string]vault.ID{}
	j, stop := start(t, dir, Config{})
	for i := range subjects {
		seq := j.Take()
		if _, err := j.Append(t.Context(), seq, decision(seq, name(i))); err != nil {
			t.Fatal(err)
		}
		s, err := j.keys.get(name(i))
		if err != nil {
			t.Fatal(err)
		}
		ids[name(i)] = s.key.ID()
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	j, stop = start(t, dir, Config{})
	for _, full := range []bool{false, true} {
		for end := time.Now().Add(10 * time.Second); full && !j.keys.known.full.Load(); {
			if time.Now().After(end) {
				t.Fatal("the filter of subjects was not filled")
			}
			time.Sleep(time.Millisecond)
		}
		for n, id := range ids {
			clear(j.keys.shard(n).hot)
			clear(j.keys.shard(n).cold)
			s, err := j.keys.get(n)
			if err != nil {
				t.Fatal(err)
			}
			if s.key.ID() != id {
				t.Fatalf("%s has another key than before (filter full: %v)", n, full)
			}
		}
	}
	if j.keys.known.maybe(testTag(0)) {
		t.Fatal("the filter knows a subject that never was")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
