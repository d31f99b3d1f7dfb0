// SPDX-License-Identifier: Apache-2.0

package window

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// TestLateness: an event as old as the lateness allows counts, one that is older changes nothing; a read that is
// older is made at the oldest time allowed.
func TestLateness(t *testing.T) {
	t.Parallel()
	for _, lateness := range []int64{-5, 0, 1, 30} {
		tab := New(lateness, []Config{{Length: 100, Hop: 10, Needs: Count | Last | First}})
		key, oldest := []byte("k"), 1000-max(lateness, 0)
		if tab.Late(math.MinInt64 / 8) {
			t.Error("an event is late before the first one came")
		}
		tab.Advance(1000)
		tab.Advance(990) // time does not go back
		if !tab.Add(key, 0, 1000, 1, 0) || tab.Late(oldest) || !tab.Late(oldest-1) {
			t.Errorf("lateness %d: what is late is not decided at %d", lateness, oldest)
		}
		before := tab.Snapshot(nil)
		if tab.Add(key, 0, oldest-1, 1, 0) || tab.Add([]byte("new"), 0, oldest-1, 1, 0) {
			t.Errorf("lateness %d: an event of %d was added", lateness, oldest-1)
		}
		if !bytes.Equal(before, tab.Snapshot(nil)) || tab.Len() != 1 {
			t.Errorf("lateness %d: a late event changed the table", lateness)
		}
		if !tab.Add(key, 0, oldest, 1, 0) {
			t.Errorf("lateness %d: an event of %d was refused", lateness, oldest)
		}
		var r, early Reading
		tab.Read(tab.Find(key), 0, oldest, &r)
		tab.Read(tab.Find(key), 0, oldest-5000, &early)
		if r.Count != 2 || r.First != oldest || r.Last != 1000 || !slices.Equal(bitsOf(&r), bitsOf(&early)) {
			t.Errorf("lateness %d: %+v at the oldest time, %+v before it", lateness, r, early)
		}
	}
}

// TestOrderOfArrival: within the lateness, what windows say does not depend on the order in which events come,
// but for which of the events of one moment is the latest.
func TestOrderOfArrival(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 3))
		cfg := Config{Length: 200, Hop: 20, Needs: everything &^ Sample, Recent: 5, HalfLife: 50}
		if seed%3 == 0 {
			cfg.Length, cfg.Calendar = 3, weeks{}
		}
		events := make([]event, 60)
		for i, at := range rng.Perm(300)[:len(events)] { // no two at one time
			events[i] = event{int64(at), float64(rng.IntN(100) - 20), Hash(fmt.Sprint(rng.IntN(12)))}
		}
		read := func() Reading {
			tab := New(300, []Config{cfg})
			for _, e := range events {
				tab.Advance(e.at)
				if !tab.Add([]byte("k"), 0, e.at, e.value, e.member) {
					t.Fatal("an event is late")
				}
			}
			var r Reading
			tab.Read(tab.Find([]byte("k")), 0, 310, &r)
			return r
		}
		slices.SortFunc(events, func(a, b event) int { return int(a.at - b.at) })
		want := read()
		for range 5 {
			rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			if err := near(read(), want); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}

// TestEventsOfOneTime: the event that came last is the latest, and the one that came first the earliest.
func TestEventsOfOneTime(t *testing.T) {
	t.Parallel()
	tab := New(10, []Config{{Length: 100, Hop: 10, Needs: everything, Recent: 2}})
	tab.Advance(7)
	for i := range 4 {
		tab.Add([]byte("k"), 0, 7, float64(i), uint64(i))
	}
	var r Reading
	tab.Read(tab.Find([]byte("k")), 0, 7, &r)
	if r.Latest != 3 || r.LastMember != 3 || r.Earliest != 0 || r.FirstMember != 0 || r.Slope == r.Slope {
		t.Errorf("latest %v of member %d, earliest %v of member %d, slope %v", r.Latest, r.LastMember, r.Earliest,
			r.FirstMember, r.Slope)
	}
	if len(r.Recent) != 2 || r.Recent[0].Value != 2 || r.Recent[1].Value != 3 {
		t.Errorf("the latest two events are %+v", r.Recent)
	}
}

// months is the calendar of package time, in UTC.
type months struct{}

func (months) Pane(at int64) (number, from, to int64) {
	year, month, _ := time.UnixMicro(at).UTC().Date()
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return int64(year)*12 + int64(month), first.UnixMicro(), first.AddDate(0, 1, 0).UnixMicro()
}

// TestMonths: windows of whole months count what the months of package time hold.
func TestMonths(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	for _, c := range []struct{ length, offset int64 }{{1, 0}, {3, 0}, {1, 1}, {2, 3}, {12, 0}, {12, 12}} {
		tab := New(0, []Config{{Length: c.length, Offset: c.offset, Calendar: months{}, Needs: Count}})
		var at []time.Time
		now := time.Date(1968, 11, 3, 0, 0, 0, 0, time.UTC)
		for range 600 {
			now = now.Add(time.Duration(rng.Int64N(int64(20 * 24 * time.Hour))).Truncate(time.Microsecond))
			if rng.IntN(20) == 0 { // the very beginning of a month
				now = time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			}
			at = append(at, now)
			tab.Advance(now.UnixMicro())
			tab.Add([]byte("k"), 0, now.UnixMicro(), 1, 0)
			first := time.Date(now.Year(), now.Month()-time.Month(c.offset+c.length-1), 1, 0, 0, 0, 0, time.UTC)
			end := time.Date(now.Year(), now.Month()-time.Month(c.offset)+1, 1, 0, 0, 0, 0, time.UTC)
			want := 0.0
			for _, e := range at {
				if !e.Before(first) && e.Before(end) {
					want++
				}
			}
			var r Reading
			if tab.Read(tab.Find([]byte("k")), 0, now.UnixMicro(), &r); r.Count != want {
				t.Fatalf("%d months that end %d months ago, at %v: %v events, want %v", c.length, c.offset, now,
					r.Count, want)
			}
		}
	}
}

// TestDefaults: what a Config leaves out, and the aggregates that others imply.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, want Config }{
		{Config{}, Config{Members: 128, Samples: 256, HalfLife: 30 * 86_400_000_000, Recent: 1}},
		{Config{Length: 90, Members: 3, Samples: 4, HalfLife: 5, Recent: 6},
			Config{Length: 90, Hop: 3, Members: 3, Samples: 4, HalfLife: 5, Recent: 6}},
		{Config{Length: 10, Hop: 7, Members: -1, Samples: -1, HalfLife: -1, Recent: -1},
			Config{Length: 10, Hop: 7, Members: 128, Samples: 256, HalfLife: 30 * 86_400_000_000, Recent: 1}},
		{Config{Length: 10},
			Config{Length: 10, Hop: 1, Members: 128, Samples: 256, HalfLife: DefaultHalfLife, Recent: 1}},
	} {
		if got := c.given.withDefaults(); got != c.want {
			t.Errorf("%+v becomes %+v, want %+v", c.given, got, c.want)
		}
	}
	for needs, want := range map[Needs]Needs{Latest: Latest | Last, LatestMember: LatestMember | Last,
		Earliest: Earliest | First, EarliestMember: EarliestMember | First, Share: Share | Sum,
		Sums: Sums | Share | Sum, Trend: Trend | Count, Min: Min} {
		if got := (Config{Needs: needs}).withDefaults().Needs; got != want {
			t.Errorf("needs %b become %b, want %b", needs, got, want)
		}
	}
}

// TestWindowsAreApart: what one window or key is fed, no other one says; a place that an evicted key had is empty
// for the key that gets it.
func TestWindowsAreApart(t *testing.T) {
	t.Parallel()
	tab := New(0, []Config{{Length: 100, Hop: 10, Needs: everything}, {Length: 100, Hop: 10, Needs: Count | Sum}})
	tab.Advance(50)
	tab.Add([]byte("a"), 0, 50, 3, 1)
	tab.Add([]byte("b"), 1, 50, 4, 2)
	read := func(key string, w int) (r Reading) {
		tab.Read(tab.Find([]byte(key)), w, 60, &r)
		return r
	}
	if read("a", 0).Count != 1 || read("a", 1).Seen || read("b", 0).Seen || read("b", 1).Sum != 4 || read("c", 0).Seen {
		t.Error("windows or keys are mixed")
	}
	if tab.Prefetch(tab.Find([]byte("a"))) == 0 || tab.Prefetch(tab.Find([]byte("c"))) != 0 {
		t.Error("Prefetch must touch the panes of a key that is there, and none of one that is not")
	}
	tab.Advance(1000)
	tab.Evict(10)
	if tab.Len() != 0 {
		t.Fatalf("%d keys are left", tab.Len())
	}
	tab.FindOrAdd([]byte("c"))
	tab.FindOrAdd([]byte("d"))
	if tab.Len() != 2 || len(tab.keys) != 2 || read("c", 0).Seen || read("d", 0).Seen || read("d", 1).Seen {
		t.Errorf("%d keys in %d places; new keys must find the places empty", tab.Len(), len(tab.keys))
	}
	forever := New(0, []Config{{Needs: Count}, {Length: 1, Hop: 1, Needs: Count}})
	forever.Add([]byte("a"), 0, 0, 1, 0)
	forever.Advance(1 << 50)
	if forever.Evict(10); forever.Len() != 1 {
		t.Error("a key was evicted whose window covers its whole life")
	}
}

// TestHashAgainstPython: hashes of members are those of testdata/hash.py.
func TestHashAgainstPython(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/hash.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 10 {
		t.Fatalf("%d hashes", len(want))
	}
	for text, h := range want {
		if got := fmt.Sprintf("%016x", Hash(text)); got != h {
			t.Errorf("the hash of %q is %s, want %s", text, got, h)
		}
	}
	// The first numbers of splitmix64 with the seed 0.
	for n, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := hashOfNumber(uint64(n) + 1); got != want {
			t.Errorf("event %d has the hash %x, want %x", n+1, got, want)
		}
	}
}
