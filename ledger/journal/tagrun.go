// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
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
)

const (
	runTags  = 1 << 16 // request tags that are sorted and given to the store as one file
	smallRun = 1 << 12 // fewer go through the store's own log
)

// tagRow is a row of the request index.
type tagRow struct {
	tag Tag
	seq uint64
}

// writeRun gives the store the request tags of groups, and notes that it knows
// those of the records below upto. Tags are as good as random: a sorted file
// costs a tenth of as many single writes.
func (j *Journal) writeRun(groups []*group, upto uint64) error {
	n := 0
	for _, g := range groups {
		n += len(g.tags)
	}
	rows := make([]tagRow, 0, n)
	for _, g := range groups {
		for i := range g.tags {
			if g.tags[i] != (Tag{}) {
				rows = append(rows, tagRow{g.tags[i], g.first + uint64(i)})
			}
		}
	}
	b := j.db.NewBatch()
	defer b.Close()
	if len(rows) <= smallRun {
		for i := range rows {
			if err := rows[i].put(func(k, v []byte) error { return set(b, k, v) }); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
	} else if err := j.ingest(rows); err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	if err := errors.Join(set(b, metaKey(metaTagged), binary.BigEndian.AppendUint64(nil, upto)), b.Commit(pebble.NoSync)); err != nil {
		return fmt.Errorf("store: %w: %w", err, assay.ErrUnavailable)
	}
	return nil
}

func (r *tagRow) put(set func(k, v []byte) error) error {
	var k [17]byte
	var v [8]byte
	k[0] = prefixRequest
	copy(k[1:], r.tag[:])
	binary.BigEndian.PutUint64(v[:], r.seq)
	return set(k[:], v[:])
}

// ingest sorts rows into a file and gives it to the store.
func (j *Journal) ingest(rows []tagRow) error {
	slices.SortFunc(rows, func(a, b tagRow) int {
		x, y := binary.BigEndian.Uint64(a.tag[:]), binary.BigEndian.Uint64(b.tag[:])
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		if c := bytes.Compare(a.tag[8:], b.tag[8:]); c != 0 {
			return c
		}
		return int(a.seq>>1) - int(b.seq>>1)
	})
	fs := j.cfg.FS
	path := filepath.Join(j.dir, storeDir, "run"+tempSuffix)
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), sstable.WriterOptions{
		TableFormat: j.db.TableFormat(), Compression: sstable.NoCompression, BlockSize: 32 << 10,
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
	return j.db.Ingest(context.Background(), []string{path})
}
