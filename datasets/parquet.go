// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

func readParquet(ctx context.Context, name string, b []byte, opt Options) (*Frame, error) {
	return readWithDigits(opt, func(opt Options) (*Frame, error) {
		s, err := streamParquet(ctx, name, bytes.NewReader(b), opt)
		if err != nil {
			return nil, err
		}
		return readAllRecords(ctx, s)
	})
}

// streamParquet opens a Parquet file. The footer's claims are checked against
// the file's size before anything is allocated by them: a file of n bytes
// cannot hold more than maxRowsPerByte*n rows.
func streamParquet(ctx context.Context, name string, src readerAt, opt Options) (s *recordStream, err error) {
	defer recoverAsDamaged(name, &err)
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if err := checkParquetFooter(name, src, size); err != nil {
		return nil, err
	}
	if src, err = hideUnknownTypes(name, src, size); err != nil {
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
	fr, schema, err := arrowColumns(pr, &opt, mem)
	if err != nil {
		return nil, damaged(name, err)
	}
	l, err := layoutOf(name, schema, &opt)
	if err != nil {
		return nil, err
	}
	leaves := make([]int, len(l.fileColumns))
	for i, c := range l.fileColumns {
		leaves[i] = fr.Manifest.Fields[c].ColIndex
	}
	if leaves, err = l.readable(name, pr, leaves, &opt); err != nil {
		return nil, err
	}
	rr, err := fr.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return nil, damaged(name, err)
	}
	s = l.stream(&opt)
	rows, claimed := 0, pr.NumRows()
	s.read = func() (out arrow.Record, err error) {
		defer recoverAsDamaged(name, &err)
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
		if int(rec.NumCols()) != len(l.names) {
			return nil, damaged(name, fmt.Errorf("%d columns were read, want %d", rec.NumCols(), len(l.names)))
		}
		out, err = l.normalise(name, rec.Columns(), int(rec.NumRows()), &opt, rows, &s.bad)
		rows += int(rec.NumRows())
		if int64(rows) > claimed {
			return nil, damaged(name, fmt.Errorf("more rows than the %d that the footer claims", claimed))
		}
		return out, err
	}
	return s, nil
}

// arrowColumns returns a reader of columns as Arrow's, and what they are.
func arrowColumns(pr *file.Reader, opt *Options, mem memory.Allocator) (*pqarrow.FileReader, *arrow.Schema, error) {
	props := pqarrow.ArrowReadProperties{BatchSize: int64(opt.BatchRows)}
	unread := dropForeignSchema(pr, func() bool {
		_, err := pqarrow.NewFileReader(pr, props, mem)
		return err == nil
	})
	fr, err := pqarrow.NewFileReader(pr, props, mem)
	if err != nil {
		return nil, nil, err
	}
	schema, err := fr.Schema()
	if err != nil {
		return nil, nil, err
	}
	fields := slices.Clone(schema.Fields())
	for i, f := range fields {
		if t := unread[f.Name]; t != nil {
			fields[i].Type = t
		}
	}
	return fr, arrow.NewSchema(fields, nil), nil
}

// readable leaves out the columns whose pages the library does not decode, and
// returns the leaves of those that stay. One that a caller asks for by name, or
// that may be a feature because there is no plan, is refused by its own name.
func (l *layout) readable(name string, pr *file.Reader, leaves []int, opt *Options) ([]int, error) {
	kept := &layout{label: l.label, notes: l.notes}
	var out []int
	for i, leaf := range leaves {
		problem, err := undecodable(name, pr, leaf)
		if err != nil {
			return nil, err
		}
		if problem != "" {
			if l.kinds[i] == labelKind || !opt.ignores(l.names[i]) {
				return nil, &BadRow{File: name, Column: l.names[i], Problem: problem}
			}
			kept.notes = append(kept.notes, ColumnNote{Column: l.names[i], LeftOut: true, Note: problem})
			continue
		}
		kept.names, kept.kinds, kept.fileColumns, out = append(kept.names, l.names[i]), append(kept.kinds, l.kinds[i]),
			append(kept.fileColumns, l.fileColumns[i]), append(out, leaf)
	}
	if len(out) == 0 {
		return nil, &BadRow{File: name, Problem: "no column can be read"}
	}
	*l = *kept
	return out, nil
}

// byteStreamSplit is an encoding that the library has no name for.
const byteStreamSplit parquet.Encoding = 9

// undecodable says why a column's pages cannot be decoded, "" if they can.
func undecodable(name string, pr *file.Reader, leaf int) (string, error) {
	for i := range pr.NumRowGroups() {
		col, err := pr.MetaData().RowGroup(i).ColumnChunk(leaf)
		if err != nil {
			return "", damaged(name, err)
		}
		if _, err := compress.GetCodec(col.Compression()); err != nil {
			codec := map[int]string{3: "LZO", 5: "LZ4 (Hadoop's)", 7: "LZ4_RAW"}[int(col.Compression())]
			return fmt.Sprintf("it is compressed by %s, which is not read: write the file with zstd, snappy or gzip "+
				"(pyarrow: "+
				"compression=\"zstd\")", cmp.Or(codec, fmt.Sprintf("codec %d", col.Compression()))), nil
		}
		if slices.Contains(col.Encodings(), byteStreamSplit) {
			return "it is encoded as BYTE_STREAM_SPLIT, which is not read: write the file without it (pyarrow: leave " +
				"use_byte_stream_split and column_encoding out)", nil
		}
	}
	return "", nil
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
		return &BadRow{File: name,
			Problem: fmt.Sprintf("the footer claims %d rows, at most %d are allowed", rows, opt.MaxRows)}
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
			if z := col.TotalCompressedSize(); z < 0 || z > size {
				return damaged(name,
					fmt.Errorf("column %d of row group %d claims %d bytes in a file of %d", c, i, z, size))
			}
			if z := col.TotalUncompressedSize(); z < 0 || z > opt.MaxBytes {
				return &BadRow{File: name,
					Problem: fmt.Sprintf("column %d of row group %d unpacks to %d bytes, at most %d are allowed",
						c, i, z, opt.MaxBytes)}
			}
		}
	}
	if sum != rows {
		return damaged(name, fmt.Errorf("row groups hold %d rows, the footer claims %d", sum, rows))
	}
	return nil
}
