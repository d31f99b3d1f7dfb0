// SPDX-License-Identifier: Apache-2.0

package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestEvictionChangesNothing counts that keys really are evicted.
func TestEvictionChangesNothing(t *testing.T) {
	tab := New(0, []Config{{Length: 100, Hop: 10, Needs: Count}})
	for i := range int64(10_000) {
		tab.Advance(i)
		tab.Add(fmt.Appendf(nil, "%d", i), 0, i, 1, 0)
		tab.Evict(2)
	}
	// Two looks an event: a key is found dead within half as many events as there are places.
	if tab.Len() > 400 || len(tab.keys) > 400 {
		t.Errorf("%d keys live in %d places, want at most 400 of 10000", tab.Len(), len(tab.keys))
	}
	var r Reading
	tab.Read(tab.Find([]byte("9999")), 0, 9999, &r)
	if r.Count != 1 {
		t.Errorf("the newest key counts %v, want 1", r.Count)
	}
}

// TestDistinctBeyondBound checks the estimate against its declared error: with m
// members kept, the standard error is about 1.2/sqrt(m).
func TestDistinctBeyondBound(t *testing.T) {
	tab := New(0, []Config{{Length: 1000, Hop: 10, Needs: Distinct, Members: 256}})
	for i := range 20_000 {
		tab.Advance(int64(i))
		tab.Add([]byte("k"), 0, int64(i), 1, Hash(fmt.Sprint(i%5000)))
		var r Reading
		tab.Read(tab.Find([]byte("k")), 0, int64(i), &r)
		want := math.Min(float64(i+1), 1005)
		if i < 256 && r.Distinct != float64(i+1) {
			t.Fatalf("%d members are counted as %v; up to the bound the count is exact", i+1, r.Distinct)
		}
		if math.Abs(r.Distinct-want) > 5*1.2/16*want {
			t.Fatalf("at %d: %v members, want about %v", i, r.Distinct, want)
		}
		if n := len(tab.cells[0].seenMembers); n > 5*256 {
			t.Fatalf("%d members are kept, want about 256 and half of that for each of six levels", n)
		}
	}
}

// TestShareBeyondBound: the greatest share can only be too small, and one
// member that has most of the sum is never forgotten.
func TestShareBeyondBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tab := New(0, []Config{{Length: 1000, Hop: 100, Needs: Share, Members: 16}})
	for i := range 5000 {
		tab.Advance(int64(i))
		m, x := Hash(fmt.Sprint(rng.IntN(3000))), 1.0
		if i%2 == 0 {
			m, x = Hash("big"), 3.0
		}
		tab.Add([]byte("k"), 0, int64(i), x, m)
	}
	var r Reading
	tab.Read(tab.Find([]byte("k")), 0, 4999, &r)
	if r.Share < 0.74 || r.Share > 0.751 {
		t.Errorf("share %v, want 0.75", r.Share)
	}
	if n := len(tab.cells[0].sums); n > 2*16*11 {
		t.Errorf("%d records are kept, want at most 2*16 members times 11 panes", n)
	}
}

// TestMemoryPerKey compares the memory that a busy key takes with the bound in
// the package doc.
func TestMemoryPerKey(t *testing.T) {
	cfg := Config{Length: 1000, Hop: 10, Needs: everything, Members: 32}
	tab := New(50, []Config{cfg})
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range int64(50_000) {
		tab.Advance(i)
		tab.Add([]byte("k"), 0, max(i-rng.Int64N(50), 0), rng.Float64(), rng.Uint64())
	}
	c := &tab.cells[0]
	hops, columns := (1000+50)/10, tab.windows[0].width-1
	if got, bound := 8*cap(c.panes), 12*(1+columns)*(hops+3); got > bound {
		t.Errorf("panes take %d bytes, declared are %d", got, bound)
	}
	// A level gives its items, and half as many again for each level that had to be cut.
	if got, bound := 16*cap(c.seenMembers), 32*(cfg.Members+1)*(2+len(c.extraLists.cuts))/2; got > bound {
		t.Errorf("distinct takes %d bytes with %d cuts, declared are %d", got, len(c.extraLists.cuts), bound)
	}
	if got, bound := 24*cap(c.extraLists.sample), 48*(tab.windows[0].Samples+1)*(2+len(c.extraLists.sampleCuts))/
		2; got > bound {
		t.Errorf("a sample takes %d bytes with %d cuts, declared are %d", got, len(c.extraLists.sampleCuts), bound)
	}
	for name, s := range map[string]sums{"share": c.sums, "counts": c.extraLists.counts} {
		if got, bound := 24*cap(s), 60*cfg.Members*(hops+3); got > bound {
			t.Errorf("%s takes %d bytes, declared are %d", name, got, bound)
		}
	}
}
