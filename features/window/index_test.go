// SPDX-License-Identifier: Apache-2.0

package window

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestIndex compares the index with a map through a long life of keys that come
// and go, with tags of a few bits so that most of them collide.
func TestIndex(t *testing.T) {
	for _, bits := range []int{2, 6, 32} {
		rng := rand.New(rand.NewPCG(7, uint64(bits)))
		x, twin := newIndex(), map[string]int32{}
		var keys []keyState
		var free []int32
		tag := func(k string) uint32 { return x.tag([]byte(k)) << (32 - bits) >> (32 - bits) }
		for n := range 20_000 {
			k := fmt.Sprintf("k%d", rng.IntN(500))
			place, there := twin[k]
			if got := x.find(keys, []byte(k), tag(k)); there && got != place || !there && got != -1 {
				t.Fatalf("%d bits, step %d: %q is at %d, want %d (%v)", bits, n, k, got, place, there)
			}
			switch grow := n/2000%2 == 0; {
			case there && (!grow || rng.IntN(4) == 0):
				x.remove(tag(k), place)
				keys[place].name = ""
				free = append(free, place)
				delete(twin, k)
			case !there && grow:
				if len(free) > 0 {
					place, free = free[len(free)-1], free[:len(free)-1]
					keys[place].name = k
				} else {
					place = int32(len(keys))
					keys = append(keys, keyState{name: k})
				}
				x.insert(tag(k), place)
				twin[k] = place
			}
			if x.n != len(twin) {
				t.Fatalf("%d bits, step %d: %d keys, want %d", bits, n, x.n, len(twin))
			}
		}
		for k, place := range twin {
			if got := x.find(keys, []byte(k), tag(k)); got != place {
				t.Fatalf("%d bits: %q is at %d in the end, want %d", bits, k, got, place)
			}
		}
	}
}
