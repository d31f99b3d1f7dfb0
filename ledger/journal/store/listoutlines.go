// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/listing"
)

func outlineKey(first uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(Outlines)}, first)
}

// outlineInfo is the data that an outline is bound to, with its first number. Frozen.
const outlineInfo = "assay/outline/v1\n"

// outlineRow makes the outline of entries, of which from is the first.
func (s *Store) outlineRow(from uint64, entries []listing.Entry) (listRow, error) {
	sealer := rowSealer{system: s.System(), info: outlineInfo}
	value, err := sealer.seal(from, listing.NewOutline(from, entries).AppendBinary)
	return listRow{outlineKey(from), value}, err
}

// OutlineReader reads the outlines of runs.
type OutlineReader struct {
	sealer rowSealer
	it     *pebble.Iterator
	row    listing.Outline
}

// ReadOutlines reads the outlines of the records below upto. Close the reader.
func (s *Store) ReadOutlines(upto uint64) (*OutlineReader, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{byte(Outlines)}, UpperBound: outlineKey(upto)})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &OutlineReader{it: it, sealer: rowSealer{system: s.System(), info: outlineInfo}}, nil
}

// At returns the outline of the run with a record. It is valid until the next call.
func (o *OutlineReader) At(seq uint64) (*listing.Outline, error) {
	if o.row.Has(seq) {
		return &o.row, nil
	}
	if !o.it.SeekLT(outlineKey(seq + 1)) {
		return nil, errors.Join(o.it.Error(), errNoColumns(seq))
	}
	v, err := o.it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if len(o.it.Key()) != 9 {
		return nil, fmt.Errorf("store: the key of an outline has %d bytes, want 9: %w", len(o.it.Key()),
			assay.ErrCorrupt)
	}
	first := binary.BigEndian.Uint64(o.it.Key()[1:])
	plain, err := o.sealer.open(first, v)
	if err == nil {
		err = o.row.Parse(first, plain)
	}
	if err == nil && !o.row.Has(seq) {
		err = errNoColumns(seq)
	}
	return &o.row, err
}

// Close ends the reading.
func (o *OutlineReader) Close() error { return o.it.Close() }
