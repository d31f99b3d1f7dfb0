// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/assayrisk/assay/features/window"
)

// benchTables has a million keys in two tables, whose windows count, sum and list members.
func benchTables(b *testing.B) (t *Tables, put func(i int)) {
	b.Helper()
	const keys = 500_000
	hour := time.Hour.Microseconds()
	tables := []*window.Table{
		window.New(hour, []window.Config{
			{Length: 90 * 24 * hour, Needs: window.Count | window.Sum | window.Max},
			{Length: 90 * 24 * hour, Needs: window.Distinct | window.Share, MemberRole: "seller"},
			{Length: 30 * 24 * hour, Needs: window.Count | window.Sum},
		}),
		window.New(hour, []window.Config{{Length: 90 * 24 * hour, Needs: window.Count | window.Latest}}),
	}
	key, at := make([]byte, 17), int64(0)
	key[0] = 16
	for _, table := range tables {
		table.PartyKeys([]bool{true})
	}
	put = func(i int) {
		at += hour / 2000
		binary.LittleEndian.PutUint64(key[1:], uint64(i)*0x9e3779b97f4a7c15%keys*0x9e3779b97f4a7c15)
		for _, table := range tables {
			table.Advance(at)
			p := table.FindOrAdd(key)
			for w := range 3 {
				if table == tables[0] || w == 0 {
					table.Put(p, w, at, 1.5, uint64(i%7)*0x9e3779b97f4a7c15)
				}
			}
			table.Evict(2)
		}
	}
	for i := range 3 * keys {
		put(i)
	}
	return New(tables), put
}

// takeAll takes a snapshot and stores its rows nowhere. It returns how long each call took that needs the tables.
func takeAll(b *testing.B, t *Tables) (d *Directory, rows int, pauses []time.Duration) {
	b.Helper()
	timed := func(f func()) {
		start := time.Now()
		f()
		pauses = append(pauses, time.Since(start))
	}
	var s *Snapshot
	var entries []Entry
	timed(func() {
		var err error
		if s, err = t.Begin(); err != nil {
			b.Fatal(err)
		}
	})
	for done := false; !done; {
		var taken []Row
		timed(func() { done, taken = s.Step(300), s.Take() })
		for i := range taken {
			entries = append(entries, taken[i].Entry(Place{}))
		}
	}
	s.End()
	d, _ = s.Apply(entries, nil)
	s.Done()
	return d, len(entries), pauses
}

// BenchmarkSnapshot takes a snapshot of a million rows of which 70,000 have changed since the one before.
func BenchmarkSnapshot(b *testing.B) {
	t, put := benchTables(b)
	takeAll(b, t)
	var all []time.Duration
	n, total := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		for i := range 35_000 {
			put(i * 3)
		}
		b.StartTimer()
		_, rows, pauses := takeAll(b, t)
		n += rows
		all = append(all, pauses...)
	}
	slices.Sort(all)
	for _, p := range all {
		total += p
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(n), "ns-paused/row")
	b.ReportMetric(float64(all[len(all)-1].Microseconds()), "µs-longest-pause")
}

// BenchmarkRestore makes the directory of a million rows, and the set of those that are cold, from its bytes.
func BenchmarkRestore(b *testing.B) {
	t, _ := benchTables(b)
	d, _, _ := takeAll(b, t)
	all := &Changes{}
	for e := range d.All() {
		all.Changed = append(all.Changed, *e)
	}
	bytes := all.Append(nil)
	for b.Loop() {
		c, err := ReadChanges(bytes)
		if err != nil {
			b.Fatal(err)
		}
		newColdSet(NewDirectory().Apply(c))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(d.Len()), "ns/row")
	b.ReportMetric(float64(len(bytes))/float64(d.Len()), "B/row")
}
