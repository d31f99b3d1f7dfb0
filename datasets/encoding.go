// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// headBytes is how much of a text is looked at before it is read.
const headBytes = 64 << 10

// plainText returns a text as UTF-8 without a mark in front and with line ends
// that a CSV reader knows. Encodings are told by the mark, or by where the zero
// bytes of Latin letters are.
func plainText(file string, src io.Reader) (*bufio.Reader, error) {
	r := bufio.NewReaderSize(src, headBytes)
	head, err := r.Peek(headBytes)
	if len(head) == 0 && err != nil && err != io.EOF {
		return nil, err
	}
	if err := refuseUnread(file, head); err != nil {
		return nil, err
	}
	switch even, odd := zeros(head); {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), odd && !even:
		r = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(r), headBytes)
	case bytes.HasPrefix(head, []byte("\xfe\xff")), even && !odd:
		r = bufio.NewReaderSize(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(r), headBytes)
	case even && odd:
		return nil, &BadRow{File: file, Problem: "this is no text: it has zero bytes; want CSV, XLSX, Parquet or Arrow"}
	}
	if head, _ = r.Peek(headBytes); bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3)
		head = head[3:]
	}
	if bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 {
		r = bufio.NewReaderSize(&lineFeeds{r}, headBytes)
	}
	return r, nil
}

// zeros reports whether a fifth of the bytes at even, and at odd places is
// zero; both are true of bytes that are no text.
func zeros(b []byte) (even, odd bool) {
	b = b[:min(len(b), 1024)]
	var n [2]int
	for i, c := range b {
		if c == 0 {
			n[i&1]++
		}
	}
	switch few := len(b) / 10; {
	case n[0]+n[1] == 0:
		return false, false
	case n[0] > few && n[1] <= few/4:
		return true, false
	case n[1] > few && n[0] <= few/4:
		return false, true
	}
	return true, true
}

// lineFeeds turns the line ends of old Macs into those of everybody else.
type lineFeeds struct{ r io.Reader }

// Read implements io.Reader.
func (l *lineFeeds) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	for i := range b[:n] {
		if b[i] == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}
