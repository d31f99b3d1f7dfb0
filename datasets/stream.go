// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
)

// inferRows is how many records of a text file Stream looks at to find the kind
// of each column.
const inferRows = 10_000

// RecordStream reads a table one record batch at a time. It is an
// array.RecordReader: call Next, then Record (valid until the next call), and
// Err once Next has returned false. Close, or Release, ends it.
type RecordStream interface {
	Retain()
	Release()
	Schema() *arrow.Schema
	Next() bool
	Record() arrow.Record
	Err() error
	Label() string            // the label column, "" if there is none
	Skipped() ([]BadRow, int) // the first rows left out, and how many were
	Columns() []ColumnNote    // what is to be said of single columns
	Close() error
}

// Stream reads a file that need not fit in memory. The kinds of a CSV file's
// columns are those of its first 10,000 rows; a later cell of another kind
// makes a bad row.
func Stream(ctx context.Context, path string, opt Options) (RecordStream, error) {
	opt = opt.withDefaults()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file: %w", path, assay.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	s, err := openStream(ctx, filepath.Base(path), f, opt)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.close = f.Close
	return s, nil
}

func openStream(ctx context.Context, file string, f *os.File, opt Options) (*recordStream, error) {
	head := make([]byte, 16)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	unpack := func(r io.Reader) (io.Reader, error) { return r, nil }
	if p := packingOf(head[:n]); p != nil {
		unpack = func(r io.Reader) (io.Reader, error) { return p.open(file, r) }
		r, err := unpack(f)
		if err != nil {
			return nil, err
		}
		if n, err = io.ReadFull(r, head); err != nil && !errors.Is(err, io.EOF) &&
			!errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		if sniff(head[:n]) != csvFile {
			return nil, &BadRow{File: file, Problem: "a file that is no CSV inside one of " + p.name +
				" cannot be read in " +
				"pieces: unpack it first"}
		}
	}
	switch sniff(head[:n]) {
	case parquetFile:
		return streamParquet(ctx, file, f, opt)
	case arrowFile, arrowStream:
		return streamArrow(ctx, file, f, sniff(head[:n]), opt)
	case sheetFile:
		b, err := bounded.ReadAll(f, opt.MaxBytes)
		if errors.Is(err, bounded.ErrTooLarge) {
			return nil, &BadRow{File: file, Problem: fmt.Sprintf("the spreadsheet has more than %d bytes and is read "+
				"whole: raise MaxBytes, or save it as CSV", opt.MaxBytes)}
		}
		if err != nil {
			return nil, err
		}
		return streamRows(ctx, file, func() (*cellTable, error) { return openSheet(file, b, &opt) }, opt)
	}
	return streamRows(ctx, file, func() (*cellTable, error) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		r, err := unpack(f)
		if err != nil {
			return nil, err
		}
		return openCSV(file, r, &opt)
	}, opt)
}

// streamRows reads a table of cells a batch at a time.
func streamRows(ctx context.Context, file string, open func() (*cellTable, error), opt Options) (*recordStream, error) {
	t, columns, label, err := planRows(ctx, file, open, &opt, inferRows)
	if err != nil {
		return nil, err
	}
	s := &recordStream{schema: schemaOf(t.header, kindsOfReadings(columns)), label: label,
		bad: badRows{skip: opt.SkipBadRows}, columns: columnNotes(t, columns)}
	s.read = func() (arrow.Record, error) { return readBatch(ctx, t, columns, &opt, &s.bad, opt.BatchRows) }
	return s, nil
}

// recordStream is the one implementation behind RecordStream and Read. read
// returns the next record; io.EOF may come with a last one.
type recordStream struct {
	refs    atomic.Int64
	schema  *arrow.Schema
	label   string
	bad     badRows
	columns []ColumnNote
	read    func() (arrow.Record, error)
	close   func() error
	rec     arrow.Record
	err     error
	done    bool
}

// stream is a stream of the layout's columns; read is yet to be set.
func (l *layout) stream(opt *Options) *recordStream {
	return &recordStream{schema: schemaOf(l.names, l.kinds), label: l.label, bad: badRows{skip: opt.SkipBadRows},
		columns: l.notes}
}

func (s *recordStream) Retain() { s.refs.Add(1) }

// Release drops one reference; the first owner holds one that counts as zero.
func (s *recordStream) Release() {
	if s.refs.Add(-1) < 0 {
		_ = s.Close()
	}
}

// Close releases the file. It may be called twice.
func (s *recordStream) Close() error {
	if s.rec != nil {
		s.rec.Release()
		s.rec = nil
	}
	s.done = true
	if s.close == nil {
		return nil
	}
	c := s.close
	s.close = nil
	return c()
}

func (s *recordStream) Schema() *arrow.Schema    { return s.schema }
func (s *recordStream) Record() arrow.Record     { return s.rec }
func (s *recordStream) Err() error               { return s.err }
func (s *recordStream) Label() string            { return s.label }
func (s *recordStream) Columns() []ColumnNote    { return s.columns }
func (s *recordStream) Skipped() ([]BadRow, int) { return s.bad.list, s.bad.count }

// Next reads the next record that has rows.
func (s *recordStream) Next() bool {
	if s.rec != nil {
		s.rec.Release()
		s.rec = nil
	}
	for !s.done {
		rec, err := s.read()
		if err != nil {
			s.done = true
			if !errors.Is(err, io.EOF) {
				s.err = err
				return false
			}
		}
		if rec == nil {
			continue
		}
		if rec.NumRows() == 0 {
			rec.Release()
			continue
		}
		s.rec = rec
		return true
	}
	return false
}

// recoverAsDamaged turns a panic of a format library on damaged bytes into an error.
func recoverAsDamaged(file string, err *error) {
	if r := recover(); r != nil {
		*err = damaged(file, fmt.Errorf("%v", r))
	}
}

func damaged(file string, err error) error {
	return fmt.Errorf("%s: the file is damaged or not what its first bytes say: %w: %w", file, err, assay.ErrCorrupt)
}

// readerAt is what the Parquet and Arrow readers want.
type readerAt interface {
	io.ReaderAt
	io.ReadSeeker
}

var (
	_ readerAt = (*os.File)(nil)
	_ readerAt = (*bytes.Reader)(nil)
)
