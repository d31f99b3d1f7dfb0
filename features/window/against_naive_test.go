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

// shape is a window of TestAgainstNaive.
type shape struct {
	length, hop, lateness, offset int64
	calendar                      Calendar
	members, samples              int
}

var shapes = []shape{
	{100, 10, 0, 0, nil, 128, 4096},
	{100, 10, 25, 0, nil, 128, 4096},
	{100, 100, 0, 0, nil, 128, 4096},
	{97, 13, 40, 0, nil, 128, 4096},
	{50, 1, 7, 0, nil, 128, 4096},
	{0, 0, 0, 0, nil, 128, 4096},
	{0, 0, 30, 0, nil, 128, 4096},
	{30, 30, 200, 0, nil, 128, 4096},
	{100, 10, 25, 0, nil, 8, 16},
	{60, 20, 0, 0, nil, 5, 9},
	{6, 0, 20, 0, weeks{}, 8, 12},
	{0, 0, 9, 0, nil, 12, 16},
	{100, 10, 25, 60, nil, 128, 4096},
	{97, 13, 40, 20, nil, 128, 4096},
	{1, 0, 20, 0, weeks{}, 128, 4096},
	{3, 0, 0, 0, weeks{}, 128, 4096},
	{1, 0, 50, 2, weeks{}, 128, 4096},
	{2, 0, 9, 1, weeks{}, 128, 4096},
}

// TestAgainstNaive feeds random streams, some of them out of order and late,
// to tables of many shapes, and compares every reading with the naive twin.
// Two more tables see the same stream: one is evicted from after every event,
// one is restored from a snapshot now and then. Both must give equal bits.
func TestAgainstNaive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for i, c := range shapes {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			cfg := Config{
				Length: c.length, Hop: c.hop, Offset: c.offset, Calendar: c.calendar, Needs: everything,
				Recent: 4, HalfLife: 60, Members: c.members, Samples: c.samples,
			}
			if c.offset > 0 {
				cfg.Needs &^= Distinct | Recents // they know the latest events alone
			}
			cfg = cfg.withDefaults()
			twin := &naive{cfg: cfg, lateness: c.lateness, mark: math.MinInt64, events: map[string][]event{}}
			table := func() *Table { return New(c.lateness, []Config{cfg}) }
			plain, evicted, restored := table(), table(), table()
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
				checkReadings(t, n, r, want, c.members, c.samples)
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

// checkReadings compares the readings of three tables after n events, the first
// of which is the plain one, with each other and with what is wanted.
func checkReadings(t *testing.T, n int, r [3]Reading, want Reading, members, samples int) {
	t.Helper()
	got := r[0]
	if len(want.Counts) > members { // then they are estimates, held to by tests of their own
		got.Distinct, got.Share, got.Sums, got.Counts = want.Distinct, want.Share, want.Sums, want.Counts
	}
	if len(want.Values) > samples {
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
}
