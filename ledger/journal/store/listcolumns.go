// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/vault"
)

func columnsKey(first uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(Columns)}, first)
}

// columnsInfo is the data that a row of columns is bound to, with its first number. Frozen.
const columnsInfo = "assay/columns/v1\n"

// rowSealer seals and opens rows of a table under the programme's keys.
type rowSealer struct {
	system *vault.Key
	info   string // of the table
	block  uint64
	key    *vault.Key
	plain  []byte
}

func (c *rowSealer) use(first uint64) (ad []byte, err error) {
	if block := first / vault.ProgrammeBlock; c.key == nil || c.block != block {
		if c.key, err = c.system.ProgrammeKey(block); err != nil {
			return nil, err
		}
		c.block = block
	}
	return binary.BigEndian.AppendUint64([]byte(c.info), first), nil
}

// seal seals the row that begins with record first.
func (c *rowSealer) seal(first uint64, appendBinary func([]byte) []byte) ([]byte, error) {
	ad, err := c.use(first)
	if err != nil {
		return nil, err
	}
	c.plain = appendBinary(c.plain[:0])
	return c.key.Seal(nil, c.plain, ad), nil
}

// open opens it. The plaintext is valid until the next call.
func (c *rowSealer) open(first uint64, sealed []byte) ([]byte, error) {
	ad, err := c.use(first)
	if err != nil {
		return nil, err
	}
	if c.plain, err = c.key.Open(c.plain[:0], sealed, ad); err != nil {
		return nil, fmt.Errorf("store: the index of lists, records from %d on: %w", first, err)
	}
	return c.plain, nil
}

// columnRows makes the rows of columns of entries, of which from is the first.
func (s *Store) columnRows(from uint64, entries []listing.Entry) (rows []listRow, err error) {
	sealer := rowSealer{system: s.System(), info: columnsInfo}
	for len(entries) > 0 {
		n := min(len(entries), listing.RowRecords)
		value, err := sealer.seal(from, listing.NewColumns(from, entries[:n]).AppendBinary)
		if err != nil {
			return nil, err
		}
		rows = append(rows, listRow{columnsKey(from), value})
		from, entries = from+uint64(n), entries[n:]
	}
	return rows, nil
}

// ColumnsReader goes through rows of columns.
type ColumnsReader struct {
	sealer rowSealer
	it     *pebble.Iterator
	row    listing.Columns
	opened int // rows
}

// ReadColumns reads the columns of the records below upto, which must be in the index of lists. Close the reader.
func (s *Store) ReadColumns(upto uint64) (*ColumnsReader, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{byte(Columns)}, UpperBound: columnsKey(upto)})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &ColumnsReader{it: it, sealer: rowSealer{system: s.System(), info: columnsInfo}}, nil
}

// At returns the row with a record. It is valid until the next call.
func (c *ColumnsReader) At(seq uint64) (*listing.Columns, error) {
	if c.opened > 0 && c.row.Has(seq) {
		return &c.row, nil
	}
	ok := false
	if c.opened > 0 && seq == c.row.End() {
		ok = c.it.Next()
	} else {
		ok = c.it.SeekLT(columnsKey(seq + 1))
	}
	if !ok {
		return nil, errors.Join(c.it.Error(), errNoColumns(seq))
	}
	v, err := c.it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if len(c.it.Key()) != 9 {
		return nil, fmt.Errorf("store: the key of a row of columns has %d bytes, want 9: %w", len(c.it.Key()),
			assay.ErrCorrupt)
	}
	first := binary.BigEndian.Uint64(c.it.Key()[1:])
	plain, err := c.sealer.open(first, v)
	if err == nil {
		err = c.row.Parse(first, plain)
	}
	if err != nil {
		return nil, err
	}
	if c.opened++; !c.row.Has(seq) {
		return nil, errNoColumns(seq)
	}
	return &c.row, nil
}

// Close ends the reading.
func (c *ColumnsReader) Close() error { return c.it.Close() }

func errNoColumns(seq uint64) error {
	return fmt.Errorf("store: record %d is missing in the index of lists: %w", seq, assay.ErrCorrupt)
}

// unlisting collects what erasures change in the index of lists.
type unlisting struct {
	store *Store
	rows  map[uint64]*listing.Columns // changed, by first number
}

// party deletes a party's rows, and makes the records that its key seals ones that are not listed.
func (u *unlisting) party(b *pebble.Batch, id vault.ID) (err error) {
	from, to := partyBounds(id)
	it, err := u.store.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	listed, _ := u.store.Unlisted()
	columns, err := u.store.ReadColumns(listed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, columns.Close()) }()
	var posts []listing.Post
	for ok := it.First(); ok; ok = it.Next() {
		if posts, err = appendPosts(posts[:0], it); err != nil {
			return err
		}
		for _, p := range posts {
			if p.Owned && p.Sequence < listed {
				if err := u.clear(columns, p.Sequence); err != nil {
					return err
				}
			}
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := b.DeleteRange(from, to, nil); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// clear makes a record one that is not listed.
func (u *unlisting) clear(columns *ColumnsReader, seq uint64) error {
	found, err := columns.At(seq)
	if err != nil {
		return err
	}
	row := u.rows[found.First]
	if row == nil {
		row = found.Clone()
		u.rows[row.First] = row
	}
	row.Clear(seq)
	return nil
}

// write adds the changed rows to the batch.
func (u *unlisting) write(b *pebble.Batch) error {
	sealer := rowSealer{system: u.store.System(), info: columnsInfo}
	for first, row := range u.rows {
		value, err := sealer.seal(first, row.AppendBinary)
		if err == nil {
			err = set(b, columnsKey(first), value)
		}
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// appendPosts reads the row of a party that an iterator is at.
func appendPosts(dst []listing.Post, it *pebble.Iterator) ([]listing.Post, error) {
	if len(it.Key()) < 18 {
		return nil, fmt.Errorf("store: the key of a party's row has %d bytes: %w", len(it.Key()), assay.ErrCorrupt)
	}
	first, err := listing.ParseNumber(it.Key()[17:])
	if err != nil {
		return nil, err
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return listing.ParsePosts(dst, first, v)
}

// EachPost calls fn with each party and record that the index of lists has.
func (s *Store) EachPost(ctx context.Context, fn func(id vault.ID, p listing.Post) error) (err error) {
	it, err := s.db.NewIter(Parties.bounds())
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	var posts []listing.Post
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if posts, err = appendPosts(posts[:0], it); err != nil {
			return err
		}
		for _, p := range posts {
			if err := fn(vault.ID(it.Key()[1:17]), p); err != nil {
				return err
			}
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Unlist makes records, in order, ones that are not listed.
func (s *Store) Unlist(seqs []uint64) (err error) {
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	listed, _ := s.Unlisted()
	columns, err := s.ReadColumns(listed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, columns.Close()) }()
	u := unlisting{store: s, rows: map[uint64]*listing.Columns{}}
	for _, seq := range seqs {
		if seq < listed {
			if err := u.clear(columns, seq); err != nil {
				return err
			}
		}
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := u.write(b); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	return nil
}
