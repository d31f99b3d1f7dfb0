// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// Writer writes one snapshot.
type Writer struct {
	files  *Files
	number uint64
	file   vfs.File
	size   int64
	buffer []byte
}

// writeBytes is how much a Writer gathers before it writes.
const writeBytes = 1 << 20

// Begin begins the snapshot of a number. Rows that an earlier attempt at the same number left are written over.
func (s *Files) Begin(number uint64) (*Writer, error) {
	if slices.Contains(s.Numbers(), number) {
		return nil, fmt.Errorf("state: there is a snapshot of %d already: %w", number, assay.ErrPrecondition)
	}
	f, err := s.fs.Create(s.path(number, rowsSuffix), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return &Writer{files: s, number: number, file: f, buffer: []byte(rowsMagic)}, nil
}

// Add writes a row under the keys of its parties. label says which row it is: Read must be given the same.
func (w *Writer) Add(parties []vault.ID, label, row []byte) (Place, error) {
	key, ad, err := w.files.rowKey(w.number, parties, label)
	if err != nil {
		return Place{}, fmt.Errorf("state: a row: %w", err)
	}
	n := 8 + vault.Overhead + len(row)
	if n > maxRowBytes {
		return Place{}, fmt.Errorf("state: a row of %d bytes, at most %d: %w", n, maxRowBytes, assay.ErrInvalid)
	}
	at := placeOf(w.number, w.size+int64(len(w.buffer)), n)
	w.buffer = binary.BigEndian.AppendUint64(w.buffer, w.number)
	w.buffer = key.Seal(w.buffer, row, ad)
	return at, w.flush(writeBytes)
}

// Copy writes a row of an older snapshot again, sealed as it is.
func (w *Writer) Copy(from Place) (Place, error) {
	b, err := w.files.raw(from)
	if err != nil {
		return Place{}, err
	}
	at := placeOf(w.number, w.size+int64(len(w.buffer)), len(b))
	w.buffer = append(w.buffer, b...)
	return at, w.flush(writeBytes)
}

// flush writes the buffer if it has so many bytes.
func (w *Writer) flush(atLeast int) error {
	if len(w.buffer) < atLeast {
		return nil
	}
	n, err := w.file.Write(w.buffer)
	w.size += int64(n)
	w.buffer = w.buffer[:0]
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// Size is the number of bytes of rows written so far.
func (w *Writer) Size() int64 { return w.size + int64(len(w.buffer)) }

// Finish makes the rows durable, then the state, with which the snapshot counts.
func (w *Writer) Finish(state []byte) error {
	err := w.flush(1)
	if err == nil {
		err = w.file.Sync()
	}
	if err = errors.Join(err, w.file.Close()); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	s := w.files
	err = atomicfile.Replace(s.fs, s.path(w.number, stateSuffix), func(out io.Writer) error {
		b := s.programme.Seal([]byte(stateMagic), state, binary.BigEndian.AppendUint64(nil, w.number))
		_, err := out.Write(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, w.number)
	slices.Sort(s.states)
	return nil
}

// Abandon drops what was written.
func (w *Writer) Abandon() error {
	return errors.Join(w.file.Close(), w.files.fs.Remove(w.files.path(w.number, rowsSuffix)))
}
