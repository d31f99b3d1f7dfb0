// SPDX-License-Identifier: Apache-2.0

package window

import (
	"fmt"
	"slices"
	"testing"
)

// FuzzRestore gives damaged snapshots to Restore: an error or a state that can
// be used and written again, never a panic.
func FuzzRestore(f *testing.F) {
	tab := New(5, []Config{{Length: 100, Hop: 10, Needs: everything}, {Needs: Count | Sum}})
	for i := range int64(50) {
		tab.Advance(i)
		tab.Add([]byte{'a' + byte(i%3)}, int(i%2), i, float64(i), Hash(fmt.Sprint(i)))
	}
	good := tab.Snapshot(nil)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		tab := New(5, []Config{{Length: 100, Hop: 10, Needs: everything}, {Needs: Count | Sum}})
		rest, err := tab.Restore(slices.Clone(b))
		if err != nil {
			return
		}
		var r Reading
		tab.Read(tab.Find([]byte("a")), 0, 50, &r)
		tab.Advance(60)
		tab.Add([]byte("a"), 0, 60, 1, 1)
		tab.Evict(10)
		again := tab.Snapshot(nil)
		if _, err := tab.Restore(again); err != nil {
			t.Fatalf("a snapshot of a restored table is refused: %v (%d bytes were left)", err, len(rest))
		}
	})
}
