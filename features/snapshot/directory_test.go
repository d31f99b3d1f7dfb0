// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// rootOfAll is the slow twin of Directory.Root: over all rows at once.
func rootOfAll(rows []Entry) assay.Digest {
	var groups []assay.Digest
	var group []byte
	for i, e := range rows {
		if group = append(group, e.Hash[:]...); window.Hash(e.Key)%32 == 0 || i == len(rows)-1 {
			groups, group = append(groups, assay.Sum("assay/window-rows/v1\n", group)), nil
		}
	}
	return rootOf(groups)
}

// TestDirectory applies random changes to directories and compares them with a map: the rows, their order, what is
// found, and the root. The directories of before must stay as they were.
func TestDirectory(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		d, twin, names := NewDirectory(), map[Name]Entry{}, 20+int(seed)*40
		name := func() Name { return Name{rng.IntN(3), fmt.Sprint("key ", rng.IntN(names))} }
		entry := func(n Name, horizon int64) Entry {
			return Entry{Name: n, Hash: assay.Digest{byte(rng.IntN(256)), byte(rng.IntN(256))},
				DeadFrom: horizon + rng.Int64N(20), Names: window.Filter(rng.Uint64()), Place: Place{rng.Uint64(), 7}}
		}
		for horizon := range int64(150) {
			horizon *= rng.Int64N(2)
			c := &Changes{Horizon: horizon}
			for range rng.IntN(names / 4) {
				switch n := name(); rng.IntN(6) {
				case 0:
					c.Removed = append(c.Removed, n)
					delete(twin, n)
				case 1:
					isMoved := slices.ContainsFunc(c.Moved, func(e Entry) bool { return e.Name == n })
					if e, ok := twin[n]; ok && !isMoved {
						moved := e
						moved.Place = Place{rng.Uint64(), 8}
						if rng.IntN(3) == 0 {
							moved.Hash[0]++
						} else {
							e.Place = moved.Place
						}
						c.Moved, twin[n] = append(c.Moved, moved), e
					}
				}
			}
			for range rng.IntN(names / 3) {
				e := entry(name(), horizon)
				c.Changed = append(c.Changed, e)
				twin[e.Name] = e
			}
			maps.DeleteFunc(twin, func(_ Name, e Entry) bool { return e.DeadFrom <= horizon })
			before, root := slices.Collect(d.All()), d.Root()
			next := d.Apply(c)
			checkDirectory(t, next, twin)
			if !slices.Equal(before, slices.Collect(d.All())) || root != d.Root() {
				t.Fatal("an earlier directory has changed")
			}
			if d = next; len(twin) > 0 && d.Find(name()) != nil && d.Find(Name{9, "key 1"}) != nil {
				t.Fatal("a row of no table is found")
			}
		}
	}
}

func checkDirectory(t *testing.T, d *Directory, twin map[Name]Entry) {
	t.Helper()
	want := slices.SortedFunc(maps.Values(twin), func(a, b Entry) int { return a.compare(b.Name) })
	i := 0
	for e := range d.All() {
		got := *e
		got.endsGroup = false
		if i == len(want) || got != want[i] {
			t.Fatalf("row %d of %d is %+v", i, len(want), got)
		}
		if d.Find(e.Name) != e {
			t.Fatalf("%v is not found", e.Name)
		}
		i++
	}
	if i != len(want) || d.Len() != i || d.Root() != rootOfAll(want) {
		t.Fatalf("%d rows, Len %d, want %d; or another root", i, d.Len(), len(want))
	}
	if d.Find(Name{1, "no such key"}) != nil {
		t.Fatal("a row that is not there is found")
	}
}

// TestColdSet takes rows out of a set and compares it with a map.
func TestColdSet(t *testing.T) {
	var c Changes
	for i := range 3000 {
		c.Changed = append(c.Changed, Entry{Name: Name{i % 7, fmt.Sprint(i / 7)}, DeadFrom: 1})
	}
	d := NewDirectory().Apply(&c)
	s, left := newColdSet(d), d.Len()
	for i, e := range c.Changed {
		if i%3 == 0 {
			s.takeOut(e.Name)
			s.takeOut(e.Name)
			left--
		}
	}
	for i, e := range c.Changed {
		if s.has(e.Table, []byte(e.Key)) != (i%3 != 0) {
			t.Fatalf("row %d: in the set %v", i, i%3 == 0)
		}
	}
	if s.has(7, []byte("0")) || int(s.left.Load()) != left {
		t.Errorf("%d rows left, want %d, or a row of no table", s.left.Load(), left)
	}
}

// FuzzReadChanges gives damaged directories to the reader: an error, or changes that are written as they were read.
func FuzzReadChanges(f *testing.F) {
	e := Entry{Name: Name{3, "key"}, Hash: assay.Digest{1, 2}, DeadFrom: 9, Names: 5, Place: Place{4, 6}}
	good := (&Changes{Horizon: 4, Removed: []Name{{1, "gone"}, {2, ""}},
		Changed: []Entry{e, e}, Moved: []Entry{e}}).Append(nil)
	f.Add(good)
	f.Add(good[:len(good)-9])
	f.Add((&Changes{}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ReadChanges(b)
		if err != nil {
			return
		}
		again, err := ReadChanges(c.Append(nil))
		if err != nil || again.Horizon != c.Horizon || !slices.Equal(again.Removed, c.Removed) ||
			!slices.Equal(again.Changed, c.Changed) || !slices.Equal(again.Moved, c.Moved) {
			t.Fatalf("changes that were read are not read again: %v", err)
		}
		d := NewDirectory().Apply(c)
		d.Apply(c)
	})
}
