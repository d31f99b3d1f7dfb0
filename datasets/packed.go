// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
)

// maxZstdWindow bounds the memory that a zstd frame may ask for: what the zstd
// program allows without being told otherwise.
const maxZstdWindow = 128 << 20

// packing is a way in which a whole file is compressed.
type packing struct {
	name   string
	magic  string
	unpack func(io.Reader) (io.Reader, error)
}

var packings = []packing{
	{"gzip", "\x1f\x8b", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
		return d, err
	}},
	{"bzip2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
}

// packingOf tells from a file's first bytes how it is compressed, nil if it is
// not.
func packingOf(head []byte) *packing {
	for i := range packings {
		if m := packings[i].magic; bytes.HasPrefix(head, []byte(m)) &&
			(m != "BZh" || bytes.Contains(head[:min(len(head),
				10)], []byte("1AY&SY"))) {
			return &packings[i]
		}
	}
	return nil
}

// unpackAll unpacks a file in memory into at most limit bytes.
func unpackAll(file string, b []byte, limit int64) ([]byte, error) {
	p := packingOf(b)
	if p == nil {
		return b, nil
	}
	r, err := p.open(file, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := bounded.ReadAll(r, limit)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, &BadRow{File: file, Problem: fmt.Sprintf("unpacked by %s the file has more than %d bytes; raise "+
			"MaxBytes", p.name, limit)}
	}
	return out, err
}

// open returns what is packed in r; errors of its reading name the file.
func (p *packing) open(file string, r io.Reader) (io.Reader, error) {
	u, err := p.unpack(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, p.damaged(file, err)
	}
	return &unpacking{p, file, u}, nil
}

func (p *packing) damaged(file string, err error) error {
	return fmt.Errorf("%s: the %s data are damaged or cut off: %w: %w", file, p.name, err, assay.ErrCorrupt)
}

// unpacking names the file in errors of its reading.
type unpacking struct {
	*packing
	file string
	r    io.Reader
}

// Read implements io.Reader.
func (u *unpacking) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = u.damaged(u.file, err)
	}
	return n, err
}
