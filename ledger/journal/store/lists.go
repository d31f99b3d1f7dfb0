// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/vault"
)

// ListingRun is how many records are given to the index of lists at once, as one sorted file.
const ListingRun = 1 << 16

// maxLoggedRows is how many rows go through the store's own log instead of a file.
const maxLoggedRows = 1 << 10

// maxUnlisted is how many new records wait in memory while older ones are not in the index. With more, all are dropped:
// they will be read from the record files, as the older ones are.
const maxUnlisted = 4 * ListingRun

// lists carries what lists ask of records to the tables Columns, Outlines and Parties, behind the records. Records
// below listed are in the tables; those of pending wait; those between were there before this run, and Journal.Run
// reads them.
type lists struct {
	mu      sync.Mutex
	listed  uint64
	first   uint64 // of the first group of pending, or of the next group
	end     uint64 // of the last group
	pending []*Group
	erased  map[vault.ID]struct{} // parties that were erased in this run; Store.keyMu guards it
}

// openLists reads where the index of lists ends. An index that goes beyond its mark was tampered with, and is dropped.
func (s *Store) openLists(indexed, end uint64) error {
	listed, err := s.Number(Listed)
	if err != nil {
		return err
	}
	if listed > indexed {
		return fmt.Errorf("journal: the index of lists has %d records, and the store knows %d: "+
			"the record files are an older copy, or were cut: %w", listed, indexed, assay.ErrCorrupt)
	}
	l := &s.lists
	l.listed, l.first, l.end, l.erased = listed, end, end, map[vault.ID]struct{}{}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: columnsKey(listed), UpperBound: []byte{byte(Columns) + 1}})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	beyond := it.First()
	if err := it.Close(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if !beyond {
		return nil
	}
	s.opts.Logger.Warn("journal: the index of lists goes beyond its mark and is made again", "mark", listed)
	l.listed = 0
	return s.DropLists()
}

// DropLists empties the index of lists; the next run makes it again. Call it before CatchUp.
func (s *Store) DropLists() error {
	b := s.db.NewBatch()
	defer b.Close()
	if err := errors.Join(
		b.DeleteRange([]byte{byte(Columns)}, []byte{byte(Columns) + 1}, nil),
		b.DeleteRange([]byte{byte(Outlines)}, []byte{byte(Outlines) + 1}, nil),
		b.DeleteRange([]byte{byte(Parties)}, []byte{byte(Parties) + 1}, nil),
		b.Delete(Listed.key(), nil), b.Delete(Named.key(), nil), b.Commit(pebble.Sync)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// add takes a durable group.
func (l *lists) add(g *Group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending, l.end = append(l.pending, g), g.end()
	if l.listed < l.first && l.end-l.first > maxUnlisted {
		l.pending, l.first = nil, l.end
	}
}

// Unlisted returns the records from before this run that are not in the index of lists yet.
func (s *Store) Unlisted() (from, to uint64) {
	s.lists.mu.Lock()
	defer s.lists.mu.Unlock()
	return s.lists.listed, s.lists.first
}

// List adds records that were read from the record files: those of Unlisted, from its beginning on. It is called by one
// goroutine.
func (s *Store) List(from uint64, entries []listing.Entry) error {
	s.keyMu.Lock()
	erased, err := s.erasedAmong(entries)
	s.keyMu.Unlock()
	if err != nil {
		return err
	}
	return s.list(from, entries, erased)
}

// erasedAmong returns which of the entries' parties were erased before.
func (s *Store) erasedAmong(entries []listing.Entry) (map[vault.ID]struct{}, error) {
	known, out := map[vault.ID]struct{}{}, map[vault.ID]struct{}{}
	for i := range entries {
		for _, id := range entries[i].Parties {
			if _, ok := known[id]; ok {
				continue
			}
			known[id] = struct{}{}
			_, err := s.Row(Erased, id)
			if err == nil {
				out[id] = struct{}{}
			} else if !errors.Is(err, assay.ErrNotFound) {
				return nil, err
			}
		}
	}
	return out, nil
}

// listPending gives the database the records that wait, once there are many or with final, unless older ones are
// missing.
func (s *Store) listPending(final bool) error {
	l := &s.lists
	l.mu.Lock()
	run, from, behind := l.pending, l.first, l.listed < l.first
	n := int(l.end - l.first)
	l.mu.Unlock()
	if behind || n == 0 || n < ListingRun && !final {
		return nil
	}
	entries := make([]listing.Entry, 0, n)
	for _, g := range run {
		if g.Entries == nil {
			entries = append(entries, make([]listing.Entry, g.Count)...)
			continue
		}
		entries = append(entries, g.Entries...)
	}
	if err := s.list(from, entries[:n], nil); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append([]*Group(nil), l.pending[len(run):]...)
	l.first = from + uint64(n)
	return nil
}

// listRow is a row of the index of lists.
type listRow struct{ key, value []byte }

// list writes the rows of records, of which from is the first, and the mark, all or nothing: a crash leaves no rows
// above the mark. erased are parties of which nothing may be written; those that were erased in this run are known.
func (s *Store) list(from uint64, entries []listing.Entry, erased map[vault.ID]struct{}) error {
	s.keyMu.Lock() // no party is erased meanwhile
	defer s.keyMu.Unlock()
	upto := from + uint64(len(entries))
	gone := func(id vault.ID) bool {
		_, before := erased[id]
		_, now := s.lists.erased[id]
		return before || now
	}
	named := uint64(0)
	for i := range entries {
		e := &entries[i]
		if e.Owned && gone(e.Parties[0]) {
			e.State = 0
		}
		if e.State&listing.Unnumbered != 0 {
			named = from + uint64(i) + 1
		}
	}
	rows, err := s.columnRows(from, entries)
	if err != nil {
		return err
	}
	rows = append(rows, listRow{Listed.key(), binary.BigEndian.AppendUint64(nil, upto)})
	if named > 0 {
		rows = append(rows, listRow{Named.key(), binary.BigEndian.AppendUint64(nil, named)})
	}
	outline, err := s.outlineRow(from, entries)
	if err != nil {
		return err
	}
	rows = append(rows, outline)
	rows = append(rows, partyRows(from, entries, gone)...) // rows are in the order of their keys
	b := s.db.NewBatch()
	defer b.Close()
	if len(rows) <= maxLoggedRows {
		for _, r := range rows {
			if err := set(b, r.key, r.value); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
		err = b.Commit(pebble.NoSync)
	} else {
		err = s.ingestRows(rows)
	}
	if err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	s.lists.mu.Lock()
	defer s.lists.mu.Unlock()
	s.lists.listed = upto
	return nil
}

// partyRows makes a row for each party: its records among the entries, of which from is the first.
func partyRows(from uint64, entries []listing.Entry, gone func(vault.ID) bool) []listRow {
	type naming struct {
		party vault.ID
		post  listing.Post
	}
	var all []naming
	for i := range entries {
		for k, id := range entries[i].Parties {
			if !gone(id) {
				post := listing.Post{Sequence: from + uint64(i), Owned: entries[i].Owned && k == 0}
				all = append(all, naming{id, post})
			}
		}
	}
	slices.SortFunc(all, func(a, b naming) int {
		x, y := binary.BigEndian.Uint64(a.party[:]), binary.BigEndian.Uint64(b.party[:])
		return cmp.Or(cmp.Compare(x, y), bytes.Compare(a.party[8:], b.party[8:]),
			cmp.Compare(a.post.Sequence, b.post.Sequence))
	})
	var rows []listRow
	var posts []listing.Post
	memory := make([]byte, 0, 48*len(all))
	for i := range all {
		if posts = append(posts, all[i].post); i+1 < len(all) && all[i+1].party == all[i].party {
			continue
		}
		memory = append(append(memory, byte(Parties)), all[i].party[:]...)
		memory = listing.AppendNumber(memory, posts[0].Sequence)
		key := memory
		memory = memory[len(memory):]
		memory = listing.AppendPosts(memory, posts)
		rows = append(rows, listRow{key, memory})
		memory, posts = memory[len(memory):], posts[:0]
	}
	return rows
}

// partyBounds are the keys between which a party's rows lie.
func partyBounds(id vault.ID) (from, to []byte) {
	from = Parties.key(id)
	return from, append(bytes.Clone(from), 0xff)
}

// ingestRows gives the store sorted rows as a file.
func (s *Store) ingestRows(rows []listRow) error {
	path := filepath.Join(s.dir, "list"+atomicfile.TempSuffix)
	f, err := s.opts.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), sstable.WriterOptions{
		TableFormat: s.db.TableFormat(), Compression: sstable.NoCompression, BlockSize: 32 << 10,
	})
	for _, r := range rows {
		if err := w.Set(r.key, r.value); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return s.db.Ingest(context.Background(), []string{path})
}
