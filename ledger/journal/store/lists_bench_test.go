// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// syntheticEntries makes the entries of records from a number on: each names a payer of 1,000,000, a payee of 10,000,
// skewed, and a card that two records have. One in 5,000,000 failed; one in 1,000,000 is of a rare caller.
func syntheticEntries(from uint64, n int) []listing.Entry {
	out := make([]listing.Entry, n)
	rng := rand.New(rand.NewPCG(22, from))
	id := func(kind byte, n uint64) (id vault.ID) {
		h := testTag(n<<8 | uint64(kind))
		return h
	}
	for i := range out {
		seq := from + uint64(i)
		e := listing.Entry{Micros: 1_700_000_000_000_000 + int64(seq)*700, Owned: true,
			State: listing.Listed(assay.Outcome(1 + rng.IntN(3))), Caller: [16]byte{byte(rng.IntN(8))}}
		if seq%5_000_000 == 1_234_567 {
			e.State = listing.Listed(assay.Failed)
		}
		if seq%1_000_000 == 77 {
			e.Caller[0] = 99
		}
		payee := uint64(rng.IntN(1 + rng.IntN(10_000)))
		e.Parties = []vault.ID{id('p', uint64(rng.IntN(1_000_000))), id('m', payee), id('c', seq/2)}
		out[i] = e
	}
	return out
}

// TestListPage10M fills an index of ASSAY_LISTED records (default 200,000) and prints the time of the slowest page of
// each kind of list, without the reading of the records that it finds.
func TestListPage10M(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	n := uint64(200_000)
	if v, err := strconv.ParseUint(os.Getenv("ASSAY_LISTED"), 10, 64); err == nil {
		n = v
	}
	dir := t.TempDir()
	s := openTest(t, dir, 0)
	began := time.Now()
	for from := uint64(0); from < n; {
		k := int(min(ListingRun, n-from))
		g := &Group{First: from, Count: uint32(k), Tags: make([]recordfile.Tag, k), Entries: syntheticEntries(from, k)}
		s.Add(g)
		if err := s.applyPending(false); err != nil {
			t.Fatal(err)
		}
		from += uint64(k)
		if err := s.listPending(from == n); err != nil {
			t.Fatal(err)
		}
	}
	filled := time.Since(began)
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	size := func(table Table) float64 {
		b, err := s.db.EstimateDiskUsage([]byte{byte(table)}, []byte{byte(table) + 1})
		if err != nil {
			t.Fatal(err)
		}
		return float64(b) / float64(n)
	}
	t.Logf("%d records in %v; bytes a decision: columns %.2f, parties %.2f", n, filled.Round(time.Millisecond),
		size(Columns), size(Parties))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, n) // with nothing in memory
	defer s.Close()
	all := listing.Filter{From: math.MinInt64, To: math.MaxInt64}
	failed, rare, late, early := all, all, all, all
	failed.State = listing.Listed(assay.Failed)
	rare.Caller = &[16]byte{99}
	late.From = 1_700_000_000_000_000 + int64(n-500)*700
	early.To = 1_600_000_000_000_000
	of := func(kind byte, n uint64) *PartyFilter { return &PartyFilter{Number: testTag(n<<8 | uint64(kind))} }
	worst := time.Duration(0)
	for _, q := range []struct {
		name   string
		filter listing.Filter
		party  *PartyFilter
	}{
		{"everything", all, nil}, {"failed", failed, nil}, {"rare caller", rare, nil}, {"late", late, nil},
		{"before all", early, nil}, {"payer", all, of('p', 12345)}, {"card", all, of('c', n/4)},
		{"busiest payee", all, of('m', 0)}, {"busiest payee, failed", failed, of('m', 0)},
		{"busiest payee, rare caller", rare, of('m', 0)}, {"nobody", all, of('x', 0)},
	} {
		page, found := slowestPage(t, s, &q.filter, q.party, n)
		t.Logf("%-28s slowest page %8.3f ms, %d records of all", q.name, float64(page.Microseconds())/1000, found)
		worst = max(worst, page)
	}
	fmt.Printf("MS list_page_10m %.3f\n", float64(worst.Microseconds())/1000)
	if n >= 10_000_000 && worst > 50*time.Millisecond {
		t.Errorf("a page takes %v, want under 50 ms", worst)
	}
}

// slowestPage goes through a list by pages of 100 records or 16 calls without any, as serving does, and returns the
// time of the slowest of the first 200 and how many records were found.
func slowestPage(t *testing.T, s *Store, f *listing.Filter, party *PartyFilter, n uint64) (slowest time.Duration,
	found int) {
	t.Helper()
	at := uint64(0)
	for range 200 {
		began := time.Now()
		x, err := s.Search(f, party)
		if err != nil {
			t.Fatal(err)
		}
		for in, looks := 0, 0; at < n && in < 100 && looks < 16; {
			first, end, err := x.Next(at)
			if err != nil {
				t.Fatal(err)
			}
			if first == end {
				looks++
			}
			at = min(end, n, first+uint64(100-in))
			k := int(at - min(first, at))
			in, found = in+k, found+k
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
		if at >= n {
			break
		}
	}
	return slowest, found
}
