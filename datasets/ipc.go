// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/assayrisk/assay/internal/arrowsafe"
)

func readArrow(ctx context.Context, name string, b []byte, opt Options) (*Frame, error) {
	s, err := streamArrow(ctx, name, bytes.NewReader(b), sniff(b), opt)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s)
}

// streamArrow opens an Arrow IPC file or stream.
func streamArrow(ctx context.Context, name string, src readerAt, form format, opt Options) (s *recordStream, err error) {
	defer guard(name, &err)
	next, schema, err := openArrow(name, src, form, &opt)
	if err != nil {
		return nil, err
	}
	names, kinds, label, err := layout(name, schema, &opt)
	if err != nil {
		return nil, err
	}
	s = &recordStream{schema: schemaOf(names, kinds), label: label, bad: badRows{skip: opt.SkipBadRows}}
	rows := 0
	s.read = func() (out arrow.Record, err error) {
		defer guard(name, &err)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rec, err := next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, damaged(name, err)
		}
		if int64(rows)+rec.NumRows() > opt.MaxRows {
			return nil, &BadRow{File: name, Problem: fmt.Sprintf("more than %d rows", opt.MaxRows)}
		}
		out, err = normalise(name, rec, names, kinds, &opt, rows, &s.bad)
		rows += int(rec.NumRows())
		return out, err
	}
	return s, nil
}

// openArrow returns a function that reads the next record.
func openArrow(name string, src readerAt, form format, opt *Options) (func() (arrow.Record, error), *arrow.Schema, error) {
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, nil, err
	}
	mem := ipc.WithAllocator(boundedBy(size, opt.MaxBytes))
	if form == arrowStream {
		if err := arrowsafe.CheckStream(src, size); err != nil {
			return nil, nil, damaged(name, err)
		}
		if _, err := src.Seek(0, io.SeekStart); err != nil {
			return nil, nil, err
		}
		r, err := ipc.NewReader(src, mem)
		if err != nil {
			return nil, nil, damaged(name, err)
		}
		return func() (arrow.Record, error) {
			if !r.Next() {
				if err := r.Err(); err != nil {
					return nil, err
				}
				return nil, io.EOF
			}
			return r.Record(), nil
		}, r.Schema(), nil
	}
	if err := arrowsafe.CheckFile(src, size); err != nil {
		return nil, nil, damaged(name, err)
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	r, err := ipc.NewFileReader(src, mem)
	if err != nil {
		return nil, nil, damaged(name, err)
	}
	i := 0
	return func() (arrow.Record, error) {
		if i == r.NumRecords() {
			return nil, io.EOF
		}
		rec, err := r.Record(i)
		i++
		return rec, err
	}, r.Schema(), nil
}
