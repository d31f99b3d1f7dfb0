// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

func readParquet(ctx context.Context, name string, b []byte, opt Options) (*Frame, error) {
	s, err := streamParquet(ctx, name, bytes.NewReader(b), opt)
	if err != nil {
		return nil, err
	}
	return collect(ctx, s)
}

// streamParquet opens a Parquet file. The footer's claims are checked against
// the file's size before anything is allocated by them: a file of n bytes
// cannot hold more than maxRowsPerByte*n rows.
func streamParquet(ctx context.Context, name string, src readerAt, opt Options) (s *recordStream, err error) {
	defer guard(name, &err)
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if err := checkParquetFooter(name, src, size); err != nil {
		return nil, err
	}
	mem := boundedBy(size, opt.MaxBytes)
	props := parquet.NewReaderProperties(mem)
	props.BufferedStreamEnabled, props.BufferSize = true, 256<<10 // else a row group's chunks are read whole
	pr, err := file.NewParquetReader(src, file.WithReadProps(props))
	if err != nil {
		return nil, damaged(name, err)
	}
	if err := checkParquetMeta(name, pr, size, &opt); err != nil {
		return nil, err
	}
	fr, err := pqarrow.NewFileReader(pr, pqarrow.ArrowReadProperties{BatchSize: int64(opt.BatchRows)}, mem)
	if err != nil {
		return nil, damaged(name, err)
	}
	schema, err := fr.Schema()
	if err != nil {
		return nil, damaged(name, err)
	}
	names, kinds, label, err := layout(name, schema, &opt)
	if err != nil {
		return nil, err
	}
	rr, err := fr.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return nil, damaged(name, err)
	}
	s = &recordStream{schema: schemaOf(names, kinds), label: label, bad: badRows{skip: opt.SkipBadRows}}
	rows, claimed := 0, pr.NumRows()
	s.read = func() (out arrow.Record, err error) {
		defer guard(name, &err)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rec, err := rr.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, damaged(name, err)
		}
		if rec == nil {
			if int64(rows) != claimed {
				return nil, damaged(name, fmt.Errorf("%d rows were read, the footer claims %d", rows, claimed))
			}
			return nil, io.EOF
		}
		out, err = normalise(name, rec, names, kinds, &opt, rows, &s.bad)
		rows += int(rec.NumRows())
		if int64(rows) > claimed {
			return nil, damaged(name, fmt.Errorf("more rows than the %d that the footer claims", claimed))
		}
		return out, err
	}
	return s, nil
}

// layout names the columns of a schema and finds the label.
func layout(name string, schema *arrow.Schema, opt *Options) ([]string, []columnKind, string, error) {
	all := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		all[i] = f.Name
	}
	label, err := labelOf(name, all, opt)
	if err != nil {
		return nil, nil, "", err
	}
	names, kinds, err := kindsOf(name, schema, opt, label)
	return names, kinds, label, err
}

// checkParquetFooter bounds the footer's length by the file's.
func checkParquetFooter(name string, src io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < 12 {
		return damaged(name, errors.New("too short for a Parquet file"))
	}
	if _, err := src.ReadAt(tail[:], size-8); err != nil {
		return damaged(name, err)
	}
	if string(tail[4:]) != "PAR1" {
		return damaged(name, errors.New("the footer's magic bytes are missing; is the file truncated?"))
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:4])); n > size-12 || n > 64<<20 {
		return damaged(name, fmt.Errorf("a footer of %d bytes in a file of %d", n, size))
	}
	return nil
}

// maxRowsPerByte bounds what run-length encoding can do: a page of one
// repeated value takes a few bytes for a million rows.
const maxRowsPerByte = 1 << 12

func checkParquetMeta(name string, pr *file.Reader, size int64, opt *Options) error {
	rows := pr.NumRows()
	if rows < 0 || rows > opt.MaxRows {
		return &BadRow{File: name, Problem: fmt.Sprintf("the footer claims %d rows, at most %d are allowed", rows, opt.MaxRows)}
	}
	if rows/maxRowsPerByte > size {
		return damaged(name, fmt.Errorf("the footer claims %d rows in a file of %d bytes", rows, size))
	}
	var sum int64
	for i := range pr.NumRowGroups() {
		g := pr.MetaData().RowGroup(i)
		n := g.NumRows()
		if n < 0 || n > rows {
			return damaged(name, fmt.Errorf("row group %d claims %d rows", i, n))
		}
		sum += n
		for c := range g.NumColumns() {
			col, err := g.ColumnChunk(c)
			if err != nil {
				return damaged(name, err)
			}
			if _, err := compress.GetCodec(col.Compression()); err != nil {
				return &BadRow{File: name, Problem: fmt.Sprintf("column %d is compressed in a way that is not read (code %d; LZ4 is such a one): write the file with zstd, snappy or gzip", c, int(col.Compression()))}
			}
			if z := col.TotalCompressedSize(); z < 0 || z > size {
				return damaged(name, fmt.Errorf("column %d of row group %d claims %d bytes in a file of %d", c, i, z, size))
			}
			if z := col.TotalUncompressedSize(); z < 0 || z > opt.MaxBytes {
				return &BadRow{File: name, Problem: fmt.Sprintf("column %d of row group %d unpacks to %d bytes, at most %d are allowed", c, i, z, opt.MaxBytes)}
			}
		}
	}
	if sum != rows {
		return damaged(name, fmt.Errorf("row groups hold %d rows, the footer claims %d", sum, rows))
	}
	return nil
}
