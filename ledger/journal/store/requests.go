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

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

const (
	tagsPerRun    = 1 << 16 // request tags that are sorted and given to the store as one file
	maxLoggedTags = 1 << 12 // up to so many go through the store's own log instead
)

// Find returns the record of a request id, among the records that Add was given.
func (s *Store) Find(tag recordfile.Tag) (seq uint64, ok bool, err error) {
	if !s.requests.maybe(tag) {
		return 0, false, nil
	}
	if seq, ok = s.queue.find(tag); ok {
		return seq, true, nil
	}
	v, err := s.Row(Requests, tag)
	if errors.Is(err, assay.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if len(v) != 8 {
		return 0, false, fmt.Errorf("store: a request's number has %d bytes: %w", len(v), assay.ErrCorrupt)
	}
	return binary.BigEndian.Uint64(v), true, nil
}

// NoteRequest adds a request id to Find's filter. It must be called before the record's group is given to Add.
func (s *Store) NoteRequest(tag recordfile.Tag) { s.requests.add(tag) }

// tagRow is a row of the request index.
type tagRow struct {
	tag recordfile.Tag
	seq uint64
}

// writeRun gives the store the request tags of groups, and marks that it has those
// of the records below upto. Tags are as good as random: a sorted file costs a
// tenth of as many single writes.
func (s *Store) writeRun(groups []*Group, upto uint64) error {
	n := 0
	for _, g := range groups {
		n += len(g.Tags)
	}
	rows := make([]tagRow, 0, n)
	for _, g := range groups {
		for i := range g.Tags {
			if g.Tags[i] != (recordfile.Tag{}) {
				rows = append(rows, tagRow{g.Tags[i], g.First + uint64(i)})
			}
		}
	}
	b := s.db.NewBatch()
	defer b.Close()
	if len(rows) <= maxLoggedTags {
		for i := range rows {
			if err := rows[i].put(func(k, v []byte) error { return set(b, k, v) }); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
	} else if err := s.ingest(rows); err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	err := errors.Join(set(b, Tagged.key(), binary.BigEndian.AppendUint64(nil, upto)), b.Commit(pebble.NoSync))
	if err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	return nil
}

func (r *tagRow) put(set func(k, v []byte) error) error {
	var k [17]byte
	var v [8]byte
	k[0] = byte(Requests)
	copy(k[1:], r.tag[:])
	binary.BigEndian.PutUint64(v[:], r.seq)
	return set(k[:], v[:])
}

// ingest sorts rows into a file and gives it to the store.
func (s *Store) ingest(rows []tagRow) error {
	slices.SortFunc(rows, func(a, b tagRow) int {
		x, y := binary.BigEndian.Uint64(a.tag[:]), binary.BigEndian.Uint64(b.tag[:])
		return cmp.Or(cmp.Compare(x, y), bytes.Compare(a.tag[8:], b.tag[8:]), cmp.Compare(a.seq, b.seq))
	})
	fs := s.opts.FS
	path := filepath.Join(s.dir, "run"+atomicfile.TempSuffix)
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), sstable.WriterOptions{
		TableFormat: s.db.TableFormat(), Compression: sstable.NoCompression, BlockSize: 32 << 10,
	})
	for i := range rows {
		if i+1 < len(rows) && rows[i+1].tag == rows[i].tag {
			continue // the same request again: the later record counts
		}
		if err := rows[i].put(w.Set); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return s.db.Ingest(context.Background(), []string{path})
}
