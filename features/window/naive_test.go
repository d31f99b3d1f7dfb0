// SPDX-License-Identifier: Apache-2.0

package window

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// naive keeps every event that was not late, and computes each aggregate from
// the definition.
type naive struct {
	cfg      Config
	lateness int64
	mark     int64
	events   map[string][]event
}

type event struct {
	at     int64
	value  float64
	member uint64
}

func (n *naive) horizon() int64 {
	if n.mark == math.MinInt64 {
		return math.MinInt64 / 4
	}
	return n.mark - n.lateness
}

func (n *naive) add(key string, e event) bool {
	if e.at < n.horizon() {
		return false
	}
	n.events[key] = append(n.events[key], e)
	return true
}

func floorDiv(a, b int64) int64 { return int64(math.Floor(float64(a) / float64(b))) }

// from is the earliest time that a read at time at sees.
func (n *naive) from(at int64) int64 {
	if n.cfg.Length == 0 {
		return math.MinInt64
	}
	return floorDiv(max(at, n.horizon())-n.cfg.Length, n.cfg.Hop) * n.cfg.Hop
}

func (n *naive) read(key string, at int64) Reading {
	nan := math.NaN()
	r := Reading{Mean: nan, Deviance: nan, Min: nan, Max: nan, Latest: nan, Share: nan}
	var in []event
	for _, e := range n.events[key] {
		if e.at >= n.from(at) {
			in = append(in, e)
		}
	}
	if len(in) == 0 {
		return r
	}
	r.Seen, r.Min, r.Max, r.First, r.Last = true, math.Inf(1), math.Inf(-1), math.MaxInt64, math.MinInt64
	parts, total := map[uint64]float64{}, 0.0
	for _, e := range in {
		r.Count++
		r.Sum += e.value
		r.Min, r.Max = min(r.Min, e.value), max(r.Max, e.value)
		r.First = min(r.First, e.at)
		if e.at >= r.Last {
			r.Last, r.Latest = e.at, e.value
		}
		parts[e.member] += e.value
		total += e.value
	}
	r.Mean, r.Deviance = r.Sum/r.Count, 0
	for _, e := range in {
		r.Deviance += (e.value - r.Mean) * (e.value - r.Mean)
	}
	r.Distinct = float64(len(parts))
	for _, w := range parts {
		if !(w/total <= r.Share) {
			r.Share = w / total
		}
	}
	return r
}

const everything = Count | Sum | Spread | Min | Max | First | Last | Latest | Distinct | Share

// near compares two readings: counts, times and extremes exactly, sums within
// the rounding of another order of addition.
func near(a, b Reading) bool {
	eq := func(x, y float64) bool {
		return x == y || x != x && y != y || math.Abs(x-y) <= 1e-9*(1+math.Abs(x))
	}
	exact := func(x, y float64) bool { return x == y || x != x && y != y }
	return a.Seen == b.Seen && a.First == b.First && a.Last == b.Last && exact(a.Count, b.Count) && exact(a.Min, b.Min) &&
		exact(a.Max, b.Max) && exact(a.Latest, b.Latest) && exact(a.Distinct, b.Distinct) &&
		eq(a.Sum, b.Sum) && eq(a.Mean, b.Mean) && eq(a.Deviance, b.Deviance) && eq(a.Share, b.Share)
}

// bitsOf makes readings comparable bit for bit, NaN included.
func bitsOf(r Reading) (b [11]uint64) {
	for i, x := range []float64{r.Count, r.Sum, r.Mean, r.Deviance, r.Min, r.Max, r.Latest, r.Distinct, r.Share} {
		b[i] = math.Float64bits(x)
	}
	b[9], b[10] = uint64(r.First), uint64(r.Last)
	return b
}

// TestAgainstNaive feeds random streams, some of them out of order and late,
// to tables of many shapes, and compares every reading with the naive twin.
// Two more tables see the same stream: one is evicted from after every event,
// one is restored from a snapshot now and then. Both must give equal bits.
func TestAgainstNaive(t *testing.T) {
	for i, c := range []struct{ length, hop, lateness int64 }{
		{100, 10, 0}, {100, 10, 25}, {100, 100, 0}, {97, 13, 40}, {50, 1, 7}, {0, 0, 0}, {0, 0, 30}, {30, 30, 200},
	} {
		t.Run(fmt.Sprintf("length=%d hop=%d lateness=%d", c.length, c.hop, c.lateness), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			cfg := Config{Length: c.length, Hop: c.hop, Needs: everything}
			twin := &naive{cfg: cfg, lateness: c.lateness, mark: math.MinInt64, events: map[string][]event{}}
			plain, evicted, restored := New(c.lateness, []Config{cfg}), New(c.lateness, []Config{cfg}), New(c.lateness, []Config{cfg})
			now, late := int64(-500), 0
			for n := range 4000 {
				now += rng.Int64N(4)
				if rng.IntN(300) == 0 {
					now += 150
				}
				key := fmt.Sprintf("k%d", rng.IntN(6))
				at := now - rng.Int64N(2*c.lateness+2)
				var r [3]Reading
				for j, tab := range []*Table{plain, evicted, restored} {
					tab.Read(tab.Find([]byte(key)), 0, at, &r[j])
				}
				if want := twin.read(key, at); !near(r[0], want) {
					t.Fatalf("event %d: got %+v, want %+v", n, r[0], want)
				}
				for j := range r[1:] {
					if bitsOf(r[0]) != bitsOf(r[j+1]) {
						t.Fatalf("event %d: %+v, but %+v when %s", n, r[0], r[j+1], []string{"evicted", "restored"}[j])
					}
				}
				e := event{at, float64(rng.IntN(1000)) / 7, Hash(fmt.Sprint(rng.IntN(20)))}
				twin.mark = max(twin.mark, at)
				ok := twin.add(key, e)
				for _, tab := range []*Table{plain, evicted, restored} {
					tab.Advance(at)
					if tab.Add([]byte(key), 0, e.at, e.value, e.member) != ok {
						t.Fatalf("event %d: Add says %v, the twin %v", n, !ok, ok)
					}
				}
				if !ok {
					late++
				}
				evicted.Evict(100)
				if n%97 == 0 {
					b := restored.Snapshot(nil)
					if !bytes.Equal(b, plain.Snapshot(nil)) || !bytes.Equal(b, evicted.Snapshot(nil)) {
						t.Fatalf("event %d: equal states give other snapshots", n)
					}
					if rest, err := restored.Restore(b); err != nil || len(rest) != 0 {
						t.Fatalf("restore: %v, %d bytes left", err, len(rest))
					}
				}
			}
			if (late > 0) != (c.lateness > 0) && c.lateness > 0 {
				t.Error("no event was late: the test does not reach that case")
			}
		})
	}
}

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

// TestDistinctBeyondBound holds the estimate to its declared error: with m
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
		if n := len(tab.cells[0].set); n > 256 {
			t.Fatalf("%d members are kept, want at most 256", n)
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
	if n := len(tab.cells[0].parts); n > 4*16 {
		t.Errorf("%d records are kept, want at most 64", n)
	}
}

// TestMemoryPerKey compares the room that a busy key takes with the bound in
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
	if got, bound := 16*cap(c.set), 32*(cfg.Members+1); got > bound {
		t.Errorf("distinct takes %d bytes, declared are %d", got, bound)
	}
	if got, bound := 24*cap(c.parts), 192*(cfg.Members+1); got > bound {
		t.Errorf("share takes %d bytes, declared are %d", got, bound)
	}
}

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
