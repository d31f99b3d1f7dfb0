// SPDX-License-Identifier: Apache-2.0

package window

import (
	"bytes"
	"cmp"
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

// span is the stretch of time that a read at time at sees: from <= t < to.
func (n *naive) span(at int64) (from, to int64) {
	at = max(at, n.horizon())
	to = math.MaxInt64
	switch c := n.cfg; {
	case c.Length == 0:
		return math.MinInt64, to
	case c.Calendar != nil:
		_, from, to = c.Calendar.Pane(at)
		for range c.Offset {
			_, from, to = c.Calendar.Pane(from - 1)
		}
		if c.Offset == 0 {
			to = math.MaxInt64
		}
		for range c.Length - 1 {
			_, from, _ = c.Calendar.Pane(from - 1)
		}
		return from, to
	}
	if n.cfg.Offset > 0 {
		to = floorDiv(at-n.cfg.Offset, n.cfg.Hop) * n.cfg.Hop
	}
	return floorDiv(at-n.cfg.Length-n.cfg.Offset, n.cfg.Hop) * n.cfg.Hop, to
}

func (n *naive) read(key string, at int64) Reading {
	var r Reading
	r.clear(everything)
	from, to := n.span(at)
	var in []event
	for _, e := range n.events[key] {
		if e.at >= from && e.at < to {
			in = append(in, e)
		}
	}
	if len(in) == 0 {
		return r
	}
	r.Seen, r.Min, r.Max, r.First, r.Last = true, math.Inf(1), math.Inf(-1), math.MaxInt64, math.MinInt64
	parts, counts := map[uint64]float64{}, map[uint64]float64{}
	for _, e := range in {
		r.Count++
		r.Sum += e.value
		r.Min, r.Max = min(r.Min, e.value), max(r.Max, e.value)
		if e.at < r.First {
			r.First, r.Earliest, r.FirstMember = e.at, e.value, e.member
		}
		if e.at >= r.Last {
			r.Last, r.Latest, r.LastMember = e.at, e.value, e.member
		}
		parts[e.member] += e.value
		counts[e.member]++
		r.Values = append(r.Values, e.value)
		r.Recent = append(r.Recent, Recent{At: e.at, Value: e.value})
	}
	slices.Sort(r.Values)
	slices.SortStableFunc(r.Recent, func(a, b Recent) int { return cmp.Compare(a.At, b.At) })
	r.Recent = r.Recent[max(len(r.Recent)-n.cfg.Recent, 0):]
	r.Mean, r.Deviance = r.Sum/r.Count, 0
	for _, e := range in {
		r.Deviance += (e.value - r.Mean) * (e.value - r.Mean)
	}
	r.Distinct = float64(len(parts))
	best := math.Inf(-1)
	for m, w := range parts {
		best = max(best, w)
		r.Sums = append(r.Sums, MemberSum{m, w})
		r.Counts = append(r.Counts, MemberSum{m, counts[m]})
	}
	byHash := func(a, b MemberSum) int { return cmp.Compare(a.Member, b.Member) }
	slices.SortFunc(r.Sums, byHash)
	slices.SortFunc(r.Counts, byHash)
	if r.Sum > 0 {
		r.Share = best / r.Sum
	}
	n.timed(in, max(at, n.horizon()), &r)
	return r
}

// timed computes the slope and the decayed sums from their definitions.
func (n *naive) timed(in []event, at int64, r *Reading) {
	var mt, tt, tv float64
	for _, e := range in {
		mt += float64(e.at-r.First) / dayMicros / r.Count
	}
	for _, e := range in {
		dt := float64(e.at-r.First)/dayMicros - mt
		tt += dt * dt
		tv += dt * (e.value - r.Mean)
		age := at - e.at
		if r.Last > at { // nothing weighs more than an event of now
			age = r.Last - e.at
		}
		w := math.Exp2(-float64(age) / float64(n.cfg.HalfLife))
		r.Decayed += w
		r.DecaySum += w * e.value
	}
	if r.First < r.Last {
		r.Slope = tv / tt
	}
	r.DecayAvg = r.DecaySum / r.Decayed
}

const everything = endOfNeeds - 1

// near compares two readings: counts, times, members and extremes exactly, sums
// within the rounding of another order of addition.
func near(a, b Reading) error {
	eq := func(x, y float64) bool {
		return x == y || x != x && y != y || math.Abs(x-y) <= 1e-9*(1+math.Abs(x))
	}
	exact := func(x, y float64) bool { return x == y || x != x && y != y }
	same := func(x, y []MemberSum) bool {
		return slices.EqualFunc(x, y, func(a, b MemberSum) bool { return a.Member == b.Member && eq(a.Weight, b.Weight) })
	}
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"seen", a.Seen == b.Seen}, {"first", a.First == b.First}, {"last", a.Last == b.Last}, {"count", exact(a.Count, b.Count)},
		{"min", exact(a.Min, b.Min)}, {"max", exact(a.Max, b.Max)}, {"latest", exact(a.Latest, b.Latest)},
		{"earliest", exact(a.Earliest, b.Earliest)}, {"distinct", exact(a.Distinct, b.Distinct)}, {"sum", eq(a.Sum, b.Sum)},
		{"mean", eq(a.Mean, b.Mean)}, {"deviance", eq(a.Deviance, b.Deviance)}, {"share", eq(a.Share, b.Share)},
		{"slope", math.Abs(a.Slope-b.Slope) <= 1e-9*(b.Max-b.Min)/(float64(b.Last-b.First)/dayMicros) || exact(a.Slope, b.Slope)},
		{"decayed", eq(a.Decayed, b.Decayed)}, {"decayed sum", eq(a.DecaySum, b.DecaySum)}, {"decayed mean", eq(a.DecayAvg, b.DecayAvg)},
		{"first member", a.FirstMember == b.FirstMember}, {"last member", a.LastMember == b.LastMember},
		{"sums", same(a.Sums, b.Sums)}, {"counts", same(a.Counts, b.Counts)}, {"values", slices.Equal(a.Values, b.Values)},
		{"recent", slices.EqualFunc(a.Recent, b.Recent, func(x, y Recent) bool { return x.At == y.At && x.Value == y.Value })},
	} {
		if !c.ok {
			return fmt.Errorf("%s:\n got %+v\nwant %+v", c.name, a, b)
		}
	}
	return nil
}

// bitsOf makes readings comparable bit for bit, NaN included.
func bitsOf(r *Reading) []uint64 {
	var b []uint64
	for _, x := range []float64{r.Count, r.Sum, r.Mean, r.Deviance, r.Min, r.Max, r.Latest, r.Earliest, r.Distinct, r.Share, r.Slope,
		r.Decayed, r.DecaySum, r.DecayAvg} {
		b = append(b, math.Float64bits(x))
	}
	b = append(b, uint64(r.First), uint64(r.Last), r.FirstMember, r.LastMember, uint64(len(r.Sums)), uint64(len(r.Counts)))
	for _, m := range slices.Concat(r.Sums, r.Counts) {
		b = append(b, m.Member, math.Float64bits(m.Weight))
	}
	for _, x := range r.Values {
		b = append(b, math.Float64bits(x))
	}
	for _, e := range r.Recent {
		b = append(b, uint64(e.At), math.Float64bits(e.Value))
	}
	return b
}

// weeks is a calendar of uneven panes: of 30 and 45 units in turn.
type weeks struct{}

func (weeks) Pane(at int64) (number, from, to int64) {
	q := floorDiv(at, 75)
	if at-75*q < 30 {
		return 2 * q, 75 * q, 75*q + 30
	}
	return 2*q + 1, 75*q + 30, 75*q + 75
}

// TestAgainstNaive feeds random streams, some of them out of order and late,
// to tables of many shapes, and compares every reading with the naive twin.
// Two more tables see the same stream: one is evicted from after every event,
// one is restored from a snapshot now and then. Both must give equal bits.
func TestAgainstNaive(t *testing.T) {
	for i, c := range []struct {
		length, hop, lateness, offset int64
		calendar                      Calendar
		members, samples              int
	}{
		{100, 10, 0, 0, nil, 128, 4096}, {100, 10, 25, 0, nil, 128, 4096}, {100, 100, 0, 0, nil, 128, 4096}, {97, 13, 40, 0, nil, 128, 4096}, {50, 1, 7, 0, nil, 128, 4096}, {0, 0, 0, 0, nil, 128, 4096},
		{0, 0, 30, 0, nil, 128, 4096}, {30, 30, 200, 0, nil, 128, 4096}, {100, 10, 25, 0, nil, 8, 16}, {60, 20, 0, 0, nil, 5, 9}, {6, 0, 20, 0, weeks{}, 8, 12}, {0, 0, 9, 0, nil, 12, 16}, {100, 10, 25, 60, nil, 128, 4096}, {97, 13, 40, 20, nil, 128, 4096}, {1, 0, 20, 0, weeks{}, 128, 4096}, {3, 0, 0, 0, weeks{}, 128, 4096},
		{1, 0, 50, 2, weeks{}, 128, 4096}, {2, 0, 9, 1, weeks{}, 128, 4096},
	} {
		t.Run(fmt.Sprintf("length=%d hop=%d lateness=%d offset=%d calendar=%v", c.length, c.hop, c.lateness, c.offset, c.calendar != nil), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			cfg := Config{Length: c.length, Hop: c.hop, Offset: c.offset, Calendar: c.calendar, Needs: everything, Recent: 4, HalfLife: 60, Members: c.members, Samples: c.samples}
			if c.offset > 0 {
				cfg.Needs &^= Distinct | Recents // they know the latest events alone
			}
			cfg = cfg.withDefaults()
			twin := &naive{cfg: cfg, lateness: c.lateness, mark: math.MinInt64, events: map[string][]event{}}
			plain, evicted, restored := New(c.lateness, []Config{cfg}), New(c.lateness, []Config{cfg}), New(c.lateness, []Config{cfg})
			now, late, exact, beyond, pool := int64(-500), 0, 0, 0, 20
			for n := range 4000 {
				now += rng.Int64N(4)
				if rng.IntN(300) == 0 {
					now += 150
				}
				if c.members < pool && n%500 == 0 { // a burst of many members, then a few of them
					pool = 200
				} else if c.members < 20 && n%500 == 60 {
					pool = 4
				}
				key := fmt.Sprintf("k%d", rng.IntN(6))
				at := now - rng.Int64N(2*c.lateness+2)
				var r [3]Reading
				for j, tab := range []*Table{plain, evicted, restored} {
					tab.Read(tab.Find([]byte(key)), 0, at, &r[j])
				}
				want := twin.read(key, at)
				if c.offset > 0 {
					want.Distinct, want.Recent = 0, nil
				}
				if len(want.Counts) <= c.members && len(want.Values) <= c.samples {
					exact++
				} else {
					beyond++
				}
				got := r[0]
				if len(want.Counts) > c.members { // then they are estimates, held to by tests of their own
					got.Distinct, got.Share, got.Sums, got.Counts = want.Distinct, want.Share, want.Sums, want.Counts
				}
				if len(want.Values) > c.samples {
					got.Values = want.Values
				}
				if err := near(got, want); err != nil {
					t.Fatalf("event %d: %v", n, err)
				}
				for j := range r[1:] {
					if !slices.Equal(bitsOf(&r[0]), bitsOf(&r[j+1])) {
						t.Fatalf("event %d: %+v, but %+v when %s", n, r[0], r[j+1], []string{"evicted", "restored"}[j])
					}
				}
				e := event{at, float64(rng.IntN(1000)-200) / 7, Hash(fmt.Sprint(rng.IntN(pool)))}
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
			if small := c.members < 20; exact < 100 || small && c.length > 0 && beyond < 40 {
				t.Errorf("%d readings within the bounds, %d beyond: the test does not reach both", exact, beyond)
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
		if n := len(tab.cells[0].set); n > 5*256 {
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
	// A level gives its items, and half as many again for each level that had to be cut.
	if got, bound := 16*cap(c.set), 32*(cfg.Members+1)*(2+len(c.more.cuts))/2; got > bound {
		t.Errorf("distinct takes %d bytes with %d cuts, declared are %d", got, len(c.more.cuts), bound)
	}
	if got, bound := 24*cap(c.more.sample), 48*(tab.windows[0].Samples+1)*(2+len(c.more.sampleCuts))/2; got > bound {
		t.Errorf("a sample takes %d bytes with %d cuts, declared are %d", got, len(c.more.sampleCuts), bound)
	}
	for name, s := range map[string]sums{"share": c.sums, "counts": c.more.counts} {
		if got, bound := 24*cap(s), 60*cfg.Members*(hops+3); got > bound {
			t.Errorf("%s takes %d bytes, declared are %d", name, got, bound)
		}
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
