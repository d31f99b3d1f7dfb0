// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
	"github.com/assayrisk/assay/internal/nearest"
)

// Read reads a table into memory: a set's name (see List), or the path of a
// CSV, XLSX, Parquet (.parquet, .pq) or Arrow IPC file (.arrow, .feather, .ipc),
// plain or packed by gzip, zstd or bzip2. Files are told apart by their first
// bytes, not by their names.
//
// Errors match assay.ErrNotFound (no such file or set), assay.ErrInvalid (a
// *BadRow says where) or assay.ErrCorrupt (a damaged file, or a named set whose
// SHA-256 is not the pinned one).
func Read(ctx context.Context, nameOrPath string, opt Options) (*Frame, error) {
	if info, ok := lookup(nameOrPath); ok {
		return readNamed(ctx, info, opt)
	}
	opt = opt.withDefaults()
	b, err := readWhole(nameOrPath, opt.MaxBytes)
	if err != nil {
		return nil, err
	}
	return ReadBytes(ctx, filepath.Base(nameOrPath), b, opt)
}

// readWhole reads a file of at most limit bytes.
func readWhole(path string, limit int64) ([]byte, error) {
	b, err := bounded.ReadFile(path, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file, and no data set of that name (known sets: %s%s): %w",
			path, strings.Join(names(), ", "), nearest.Hint(path, names()), assay.ErrNotFound)
	case errors.Is(err, bounded.ErrTooLarge):
		return nil, tooLarge(path, limit)
	}
	return b, err
}

func tooLarge(path string, limit int64) error {
	return &BadRow{File: filepath.Base(path),
		Problem: fmt.Sprintf("the file has more than %d bytes; raise MaxBytes or read it with Stream", limit)}
}

// ReadBytes reads a table from memory; file is the name that errors give.
func ReadBytes(ctx context.Context, file string, b []byte, opt Options) (*Frame, error) {
	opt = opt.withDefaults()
	if int64(len(b)) > opt.MaxBytes {
		return nil, tooLarge(file, opt.MaxBytes)
	}
	digest := sha(b)
	b, err := unpackAll(file, b, opt.MaxBytes)
	if err != nil {
		return nil, err
	}
	var f *Frame
	switch sniff(b) {
	case parquetFile:
		f, err = readParquet(ctx, file, b, opt)
	case arrowFile, arrowStream:
		f, err = readArrow(ctx, file, b, opt)
	case sheetFile:
		f, err = readSheet(ctx, file, b, opt)
	default:
		f, err = readRows(ctx, file, func() (*cellTable, error) { return openCSV(file, bytes.NewReader(b), &opt) }, opt)
	}
	if err != nil {
		return nil, err
	}
	f.Digest = digest
	return f, nil
}

// labelOf finds the label column among names.
func labelOf(file string, names []string, opt *Options) (string, error) {
	if opt.Unlabelled {
		return "", nil
	}
	if opt.Label == "" {
		if slices.Contains(names, DefaultLabel) {
			return DefaultLabel, nil
		}
		return "", nil
	}
	if !slices.Contains(names, opt.Label) {
		return "", &BadRow{File: file, Column: opt.Label,
			Problem: "there is no such column to be the label; the columns " +
				"are " + listSome(names) + nearest.Hint(opt.Label, names)}
	}
	return opt.Label, nil
}

func listSome(names []string) string {
	if len(names) > 20 {
		return strings.Join(names[:20], ", ") + fmt.Sprintf(" and %d more", len(names)-20)
	}
	return strings.Join(names, ", ")
}

// readRows reads a table of cells twice: to find what its columns are, and to
// read them.
func readRows(ctx context.Context, file string, open func() (*cellTable, error), opt Options) (*Frame, error) {
	t, columns, label, err := planRows(ctx, file, open, &opt, math.MaxInt)
	if err != nil {
		return nil, err
	}
	bad := badRows{skip: opt.SkipBadRows}
	rec, err := readBatch(ctx, t, columns, &opt, &bad, math.MaxInt)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &Frame{Record: rec, Label: label, Skipped: bad.list, SkippedRows: bad.count,
		Columns: columnNotes(t, columns),
		Origin:  bad.origin(int(rec.NumRows()))}, nil
}

// planRows finds what the columns of a table of cells are from up to maxRows
// rows, and opens it again at its start.
func planRows(ctx context.Context, file string, open func() (*cellTable, error), opt *Options,
	maxRows int) (*cellTable, []columnReading, string, error) {
	t, err := open()
	if err != nil {
		return nil, nil, "", err
	}
	label, err := labelOf(file, t.header, opt)
	if err != nil {
		return nil, nil, "", err
	}
	columns, err := inferColumns(ctx, t, opt, label, maxRows)
	if err != nil {
		return nil, nil, "", err
	}
	t, err = open()
	return t, columns, label, err
}

// readAllRecords reads every record of a stream into one frame.
func readAllRecords(ctx context.Context, s *recordStream) (*Frame, error) {
	defer s.Release()
	var recs []arrow.Record
	for s.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := s.Record()
		r.Retain()
		recs = append(recs, r)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	rec, err := concat(s.Schema(), recs)
	if err != nil {
		return nil, err
	}
	return &Frame{Record: rec, Label: s.label, Skipped: s.bad.list, SkippedRows: s.bad.count, Columns: s.columns,
		Origin: s.bad.origin(int(rec.NumRows()))}, nil
}

var _ array.RecordReader = (*recordStream)(nil)
