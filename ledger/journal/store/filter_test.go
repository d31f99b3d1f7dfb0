// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func testTag(i uint64) [16]byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
	return [16]byte(h[:16])
}

func TestFilter(t *testing.T) {
	t.Parallel()
	var f filter
	if !f.maybe(testTag(0)) {
		t.Fatal("a filter that is not full yet denied something")
	}
	f.complete.Store(true)
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
