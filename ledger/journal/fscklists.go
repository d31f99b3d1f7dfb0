// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"hash/maphash"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// listChecker compares the index of lists with the records.
type listChecker struct {
	below   uint64 // records below are in the index
	named   uint64 // records from here on name no party without its number, says the store
	columns *store.ColumnsReader
	outline *store.OutlineReader
	seed    maphash.Seed
	posts   uint64 // sum of hashes of who is named by which record, by the records
}

// openLists prepares the comparison.
func (c *checker) openLists(context.Context) (err error) {
	c.lists.seed = maphash.MakeSeed()
	c.lists.below, _ = c.j.store.Unlisted()
	if c.lists.named, err = c.j.store.Number(store.Named); err != nil {
		return err
	}
	if c.lists.columns, err = c.j.store.ReadColumns(c.lists.below); err != nil {
		return err
	}
	c.lists.outline, err = c.j.store.ReadOutlines(c.lists.below)
	return err
}

// post hashes that a record names a party.
func (l *listChecker) post(id vault.ID, p listing.Post) uint64 {
	return maphash.Comparable(l.seed, struct {
		vault.ID
		listing.Post
	}{id, p})
}

// checkListed compares what the index says of a record with the record; readable is what open said of it.
func (c *checker) checkListed(seq uint64, s recordfile.StoredRecord, r *Record, readable error) error {
	l := &c.lists
	if seq >= l.below {
		return nil
	}
	e := c.j.storedEntry(s, r)
	row, err := l.columns.At(seq)
	if err != nil {
		return err
	}
	run, err := l.outline.At(seq)
	if err != nil {
		return err
	}
	if !run.Covers(&e) {
		return c.corrupt("the index of lists leaves record %d out: it is made again with the log (assay ledger fsck "+
			"--rebuild-log)", seq)
	}
	if !errors.Is(readable, ErrRetired) && !row.Agrees(seq, &e) {
		return c.corrupt("the index of lists says something else of record %d than the record: it is made again with "+
			"the log (assay ledger fsck --rebuild-log)", seq)
	}
	if e.State&listing.Unnumbered != 0 && seq >= l.named {
		return c.corrupt("record %d names parties without their numbers, and the store does not say so", seq)
	}
	for i, id := range e.Parties {
		_, err := c.j.store.Row(store.Erased, id)
		if err == nil {
			continue
		}
		if !errors.Is(err, assay.ErrNotFound) {
			return err
		}
		l.posts += l.post(id, listing.Post{Sequence: seq, Owned: e.Owned && i == 0})
	}
	return nil
}

// checkParties checks that the index leads from each party to the records that name it, and to no others.
func (c *checker) checkParties(ctx context.Context) error {
	l := &c.lists
	sum := uint64(0)
	err := c.j.store.EachPost(ctx, func(id vault.ID, p listing.Post) error {
		if p.Sequence < l.below {
			sum += l.post(id, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sum != l.posts {
		return c.corrupt("the index of lists leads from parties to other records than those that name them: it is " +
			"made again with the log (assay ledger fsck --rebuild-log)")
	}
	return nil
}

func (l *listChecker) close() error {
	var err error
	if l.columns != nil {
		err = l.columns.Close()
	}
	if l.outline != nil {
		err = errors.Join(err, l.outline.Close())
	}
	return err
}
