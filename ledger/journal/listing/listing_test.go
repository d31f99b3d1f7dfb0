// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/assayrisk/assay"
)

// someEntries makes entries of a number of callers, some of them not listed.
func someEntries(rng *rand.Rand, n, callers int) []Entry {
	out := make([]Entry, n)
	for i := range out {
		if rng.IntN(4) == 0 {
			continue
		}
		out[i] = Entry{Micros: 1_700_000_000_000_000 + int64(i)*1000 + rng.Int64N(5000),
			State: Listed(assay.Outcome(rng.IntN(5)))}
		out[i].Caller[3], out[i].Caller[9] = byte(rng.IntN(callers)), byte(rng.IntN(callers)>>8)
		if rng.IntN(9) == 0 {
			out[i].State |= Unnumbered
		}
	}
	return out
}

// TestColumnsPassWhatEntriesPass: columns that were written and read pass what the entries pass, and of others only
// such as differ in the time alone, within a span.
func TestColumnsPassWhatEntriesPass(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 63, 64, 65, 1023, 1024} {
		for _, callers := range []int{1, 2, 200, 60_000} {
			const first = 5_000_000_000
			entries := someEntries(rng, n, callers)
			var c Columns
			if err := c.Parse(first, NewColumns(first, entries).AppendBinary(nil)); err != nil {
				t.Fatalf("%d entries of %d callers: %v", n, callers, err)
			}
			for range 50 {
				f := Filter{From: math.MinInt64, To: math.MaxInt64}
				if rng.IntN(2) == 0 {
					f.From = entries[rng.IntN(n)].Micros
				}
				if rng.IntN(2) == 0 {
					f.State = Listed(assay.Outcome(rng.IntN(5)))
				}
				if rng.IntN(2) == 0 {
					f.Caller = &entries[rng.IntN(n)].Caller
				}
				unnumbered := rng.IntN(2) == 0
				next := c.Next(&f, first, unnumbered)
				for i := range entries {
					e := &entries[i]
					want := e.Passes(&f) && (!unnumbered || e.State&Unnumbered != 0)
					anyTime := f
					anyTime.From = math.MinInt64
					got := next == first+uint64(i)
					if want && !got || got && !e.Passes(&anyTime) || !c.Agrees(first+uint64(i), e) {
						t.Fatalf("entry %d of %d, %d callers: passes %t, want %t", i, n, callers, got, want)
					}
					if got {
						next = c.Next(&f, next+1, unnumbered)
					}
				}
			}
			c.Clear(first)
			if c.Passes(&Filter{From: math.MinInt64, To: math.MaxInt64}, first) {
				t.Fatal("a record that was cleared passes")
			}
		}
	}
}

// FuzzColumns: what can be read can be searched, and is read again as it was.
func FuzzColumns(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, callers := range []int{1, 3, 60_000} {
		f.Add(NewColumns(7, someEntries(rng, 700, callers)).AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, again Columns
		if c.Parse(7, b) != nil {
			return
		}
		all := Filter{From: math.MinInt64, To: math.MaxInt64, Caller: &[16]byte{}}
		for at := c.First; at < c.End(); at++ {
			at = c.Next(&all, at, false)
		}
		if err := again.Parse(7, c.Clone().AppendBinary(nil)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzOutline: what can be read is read again as it was, and covers no more or less.
func FuzzOutline(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, callers := range []int{1, 3, 60_000} {
		entries := someEntries(rng, 700, callers)
		var o Outline
		if err := o.Parse(7, NewOutline(7, entries).AppendBinary(nil)); err != nil {
			f.Fatal(err)
		}
		for i := range entries {
			if !o.Covers(&entries[i]) {
				f.Fatalf("entry %d of %d callers is left out", i, callers)
			}
		}
		late := Filter{From: 1_800_000_000_000_000, To: math.MaxInt64}
		if o.May(&late) || !o.May(&Filter{From: math.MinInt64, To: math.MaxInt64}) {
			f.Fatal("times")
		}
		f.Add(o.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o, again Outline
		if o.Parse(7, b) != nil {
			return
		}
		if err := again.Parse(7, o.AppendBinary(nil)); err != nil || !reflect.DeepEqual(o, again) {
			t.Fatalf("%+v is read as %+v, %v", o, again, err)
		}
	})
}

// FuzzPosts: numbers and posts are read as they were written, and nothing else is.
func FuzzPosts(f *testing.F) {
	f.Add(uint64(9), AppendPosts(nil, []Post{{9, true}, {10, false}, {400, true}}))
	f.Fuzz(func(t *testing.T, first uint64, b []byte) {
		if got, err := ParseNumber(AppendNumber(nil, first)); err != nil || got != first {
			t.Fatalf("%d is read as %d, %v", first, got, err)
		}
		if n, err := ParseNumber(b); err == nil && !bytes.Equal(AppendNumber(nil, n), b) {
			t.Fatalf("%x is read as %d", b, n)
		}
		posts, err := ParsePosts(nil, first, b)
		if err != nil {
			return
		}
		again, err := ParsePosts(nil, first, AppendPosts(nil, posts))
		if err != nil || !reflect.DeepEqual(posts, again) {
			t.Fatalf("%v is read as %v, %v", posts, again, err)
		}
	})
}
