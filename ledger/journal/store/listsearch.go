// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"

	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/vault"
)

// searchSteps is how many rows of columns one call of Search.Next opens at most, and postsPerStep how many records of a
// party count as one: together some milliseconds.
const (
	searchSteps  = 1 << 10
	postsPerStep = 64
)

// PartyFilter says that a list wants the records that name a party.
type PartyFilter struct {
	Number vault.ID // zero: it has none, and only records that name parties without numbers may be its own
}

// Search finds the records of a list. It sees the index as it was when it was made.
type Search struct {
	filter  listing.Filter
	party   *PartyFilter // nil: every party
	plain   bool         // the filter passes everything that is listed
	listed  uint64       // records below are in the tables
	named   uint64       // records from here on name no party without its number
	first   uint64       // of pending
	pending []*Group
	columns *ColumnsReader
	outline *OutlineReader
	parties *pebble.Iterator // rows of the party
	posts   []listing.Post   // of its row; empty before the first, and after the last
}

// Search starts a search. Close it.
func (s *Store) Search(f *listing.Filter, party *PartyFilter) (x *Search, err error) {
	x = &Search{filter: *f, party: party,
		plain: f.State == 0 && f.Caller == nil && f.From == math.MinInt64 && f.To == math.MaxInt64}
	s.lists.mu.Lock()
	x.listed, x.first, x.pending = s.lists.listed, s.lists.first, slices.Clone(s.lists.pending)
	s.lists.mu.Unlock()
	if x.named, err = s.Number(Named); err != nil {
		return nil, err
	}
	if x.columns, err = s.ReadColumns(x.listed); err != nil {
		return nil, err
	}
	if x.outline, err = s.ReadOutlines(x.listed); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	if party != nil {
		from, to := partyBounds(party.Number)
		if x.parties, err = s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to}); err != nil {
			return nil, errors.Join(fmt.Errorf("store: %w", err), x.Close())
		}
	}
	return x, nil
}

// Close ends the search.
func (x *Search) Close() error {
	err := x.columns.Close()
	if x.outline != nil {
		err = errors.Join(err, x.outline.Close())
	}
	if x.parties != nil {
		err = errors.Join(err, x.parties.Close())
	}
	return err
}

// Next returns the first records from a number on that may pass the filter: those from first to end, end not included.
// If they are none, nothing passes below first, and the search goes on from there: it looks at a bounded number of
// rows. What is not in the index is returned unseen; after the newest record that the search knows, end is the largest
// number.
func (x *Search) Next(from uint64) (first, end uint64, err error) {
	at := from
	if at < x.listed {
		next := x.nextByColumns
		if x.party != nil {
			next = x.nextOfParty
		}
		if first, end, err = next(at); err != nil || first < x.listed {
			return first, end, err
		}
		at = x.listed
	}
	if at < x.first {
		return at, x.first, nil
	}
	return x.nextPending(at)
}

// nextByColumns is Next for a list without a party, below listed.
func (x *Search) nextByColumns(at uint64) (first, end uint64, err error) {
	for range searchSteps {
		if at >= x.listed {
			return x.listed, x.listed, nil
		}
		run, err := x.outline.At(at)
		if err != nil {
			return 0, 0, err
		}
		if !run.May(&x.filter) {
			at = run.End()
			continue
		}
		row, err := x.columns.At(at)
		if err != nil {
			return 0, 0, err
		}
		if at = row.Next(&x.filter, at, false); at < row.End() {
			for end = at + 1; end < row.End() && row.Passes(&x.filter, end); end++ {
			}
			return at, end, nil
		}
	}
	return at, at, nil
}

// nextOfParty is Next for the list of a party, below listed.
func (x *Search) nextOfParty(at uint64) (first, end uint64, err error) {
	for steps := 0; steps < searchSteps*postsPerStep; steps++ {
		if at >= x.listed {
			return x.listed, x.listed, nil
		}
		next, err := x.nextPost(at)
		if err != nil {
			return 0, 0, err
		}
		if at < x.named { // a record before that may name the party without its number
			row, err := x.columns.At(at)
			if err != nil {
				return 0, 0, err
			}
			steps += postsPerStep
			unnumbered := row.Next(&x.filter, at, true)
			if unnumbered < min(next, row.End()) {
				return unnumbered, unnumbered + 1, nil
			}
			if next >= row.End() {
				at = row.End()
				continue
			}
		}
		if next >= x.listed || x.plain {
			return next, next + 1, nil
		}
		run, err := x.outline.At(next)
		if err != nil {
			return 0, 0, err
		}
		if !run.May(&x.filter) {
			if at = run.End(); next < x.named { // a record without numbers may be in between
				at = next + 1
			}
			continue
		}
		opened := x.columns.opened
		row, err := x.columns.At(next)
		if err != nil {
			return 0, 0, err
		}
		steps += (x.columns.opened - opened) * postsPerStep
		switch at = next + 1; {
		case row.Passes(&x.filter, next):
			return next, at, nil
		case !row.May(&x.filter):
			at = row.End()
		}
	}
	return at, at, nil
}

// nextPost returns the party's first record from a number on; listed if there is none below.
func (x *Search) nextPost(at uint64) (uint64, error) {
	for {
		if n := len(x.posts); n > 0 && at >= x.posts[0].Sequence && at <= x.posts[n-1].Sequence {
			i := sort.Search(n, func(i int) bool { return x.posts[i].Sequence >= at })
			return min(x.posts[i].Sequence, x.listed), nil
		}
		ok, seen := false, len(x.posts) > 0
		if seen && at > x.posts[0].Sequence {
			ok = x.parties.Next()
		} else if ok = x.parties.SeekLT(listing.AppendNumber(Parties.key(x.party.Number), at+1)); !ok {
			ok = x.parties.First()
		}
		x.posts = x.posts[:0]
		if !ok {
			if err := x.parties.Error(); err != nil {
				return 0, fmt.Errorf("store: %w", err)
			}
			return x.listed, nil
		}
		var err error
		if x.posts, err = appendPosts(x.posts, x.parties); err != nil {
			return 0, err
		}
		if at < x.posts[0].Sequence {
			return min(x.posts[0].Sequence, x.listed), nil
		}
	}
}

// nextPending is Next from x.first on.
func (x *Search) nextPending(at uint64) (first, end uint64, err error) {
	i := sort.Search(len(x.pending), func(i int) bool { return x.pending[i].end() > at })
	for ; i < len(x.pending); i++ {
		g := x.pending[i]
		for at = max(at, g.First); at < g.end(); at++ {
			if g.Entries != nil && x.passes(&g.Entries[at-g.First]) {
				return at, at + 1, nil
			}
		}
	}
	return at, math.MaxUint64, nil
}

// passes reports whether an entry passes the filter.
func (x *Search) passes(e *listing.Entry) bool {
	return e.Passes(&x.filter) &&
		(x.party == nil || e.State&listing.Unnumbered != 0 || slices.Contains(e.Parties, x.party.Number))
}
