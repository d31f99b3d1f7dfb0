// SPDX-License-Identifier: Apache-2.0

package window

import (
	"encoding/binary"
	"testing"
)

// BenchmarkTable measures one event that is put into three windows, and one read of them, among many keys.
func BenchmarkTable(b *testing.B) {
	const keys = 100_000
	tab := New(0, []Config{{Length: 30 * 1e6, Hop: 1e6, Needs: Count | Sum}, {Length: 90 * 1e6, Needs: Count | Max},
		{Length: 90 * 1e6, Needs: Distinct | Share}})
	key, at := make([]byte, 16), int64(0)
	put := func(i int) {
		at += 200
		binary.LittleEndian.PutUint64(key, uint64(i)*0x9e3779b97f4a7c15%keys)
		tab.Advance(at)
		p := tab.FindOrAdd(key)
		for w := range tab.windows {
			tab.Put(p, w, at, 1.5, uint64(i%5)<<60+1)
		}
		tab.Evict(2)
	}
	for i := range 3 * keys {
		put(i)
	}
	b.Run("put", func(b *testing.B) {
		for i := range b.N {
			put(i)
		}
	})
	b.Run("put, snapshots taken", func(b *testing.B) { // one in 50,000 events, the walk spread over half of them
		for i := range b.N {
			switch n := i % 50_000; {
			case n == 0:
				tab.EndRows()
				tab.BeginRows()
			case n < 25_000:
				tab.WalkRows(2)
				tab.TakeRows()
			}
			put(i)
		}
		tab.EndRows()
	})
	b.Run("read", func(b *testing.B) {
		var r Reading
		for i := range b.N {
			binary.LittleEndian.PutUint64(key, uint64(i)*0x9e3779b97f4a7c15%keys)
			p := tab.Find(key)
			for w := range tab.windows {
				tab.Read(p, w, at, &r)
			}
		}
	})
}
