// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay/internal/arrowsafe"
)

func readArrow(ctx context.Context, name string, b []byte, opt Options) (*Frame, error) {
	return readWithDigits(opt, func(opt Options) (*Frame, error) {
		s, err := streamArrow(ctx, name, bytes.NewReader(b), sniff(b), opt)
		if err != nil {
			return nil, err
		}
		return readAllRecords(ctx, s)
	})
}

// streamArrow opens an Arrow IPC file or stream.
func streamArrow(ctx context.Context, name string, src readerAt, form format,
	opt Options) (s *recordStream, err error) {
	defer recoverAsDamaged(name, &err)
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	r, err := arrowsafe.NewReader(src, size, form == arrowFile, boundedBy(size, opt.MaxBytes))
	if err != nil {
		return nil, damaged(name, err)
	}
	l, err := layoutOf(name, r.Schema(), &opt)
	if err != nil {
		return nil, err
	}
	s = l.stream(&opt)
	rows := 0
	s.read = func() (out arrow.Record, err error) {
		defer recoverAsDamaged(name, &err)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, damaged(name, err)
		}
		defer rec.Release()
		if int64(rows)+rec.NumRows() > opt.MaxRows {
			return nil, &BadRow{File: name, Problem: fmt.Sprintf("more than %d rows", opt.MaxRows)}
		}
		cols := make([]arrow.Array, len(l.fileColumns))
		for i, c := range l.fileColumns {
			cols[i] = rec.Column(r.RecordColumn(c))
		}
		out, err = l.normalise(name, cols, int(rec.NumRows()), &opt, rows, &s.bad)
		rows += int(rec.NumRows())
		return out, err
	}
	return s, nil
}
