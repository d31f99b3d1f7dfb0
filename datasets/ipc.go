// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/assayrisk/assay/internal/arrowsafe"
)

func readArrow(ctx context.Context, name string, b []byte, opt Options) (*Frame, error) {
	return readExactly(opt, func(opt Options) (*Frame, error) {
		s, err := streamArrow(ctx, name, bytes.NewReader(b), sniff(b), opt)
		if err != nil {
			return nil, err
		}
		return collect(ctx, s)
	})
}

// streamArrow opens an Arrow IPC file or stream.
func streamArrow(ctx context.Context, name string, src readerAt, form format, opt Options) (s *recordStream, err error) {
	defer guard(name, &err)
	next, schema, err := openArrow(name, src, form, &opt)
	if err != nil {
		return nil, err
	}
	l, err := layoutOf(name, schema, &opt)
	if err != nil {
		return nil, err
	}
	s = l.stream(&opt)
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
		cols := make([]arrow.Array, len(l.at))
		for i, c := range l.at {
			cols[i] = rec.Column(c)
		}
		out, err = l.normalise(name, cols, int(rec.NumRows()), &opt, rows, &s.bad)
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
			return nil, nil, unknownType(name, err)
		}
		if _, err := src.Seek(0, io.SeekStart); err != nil {
			return nil, nil, err
		}
		r, err := ipc.NewReader(src, mem)
		if err != nil {
			return nil, nil, unknownType(name, err)
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
		return nil, nil, unknownType(name, err)
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	r, err := ipc.NewFileReader(src, mem)
	if err != nil {
		return nil, nil, unknownType(name, err)
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

// unknownType tells a schema with types that the library does not know (whole
// numbers of 128 bits, decimals of 32 and 64, dictionaries of text views) from
// one that is damaged.
func unknownType(name string, err error) error {
	what := err.Error()
	for _, words := range []string{"not implemented", "not supported", "unsupported", "bitwidth"} {
		if strings.Contains(what, words) {
			return &BadRow{File: name, Problem: "a column has a type that is not read (" + what + "): write it as float64, " +
				"int64, decimal128 or text " +
				"(polars: write_parquet, or write_ipc with compat_level=CompatLevel.oldest(), and cast Int128 to Decimal)"}
		}
	}
	return damaged(name, err)
}
