// SPDX-License-Identifier: Apache-2.0

// Package bounded reads files and streams whole, and never more of them than
// the caller allows: what somebody else wrote decides no allocation here.
package bounded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
)

// ErrTooLarge matches the error for input that is longer than allowed.
var ErrTooLarge = errors.New("too large")

// errNotRegular is the error of ReadRegularFile for what is no file.
var errNotRegular = errors.New("not a regular file")

// tooLarge is an ErrTooLarge that says what is allowed.
type tooLarge struct{ limit int64 }

func (e tooLarge) Error() string { return fmt.Sprintf("larger than %d bytes", e.limit) }

func (tooLarge) Is(target error) bool { return target == ErrTooLarge }

// ReadAll reads r to its end. It fails with ErrTooLarge when more than limit
// bytes come, and reads at most one byte beyond the limit to find out.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, oneMore(limit)))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, tooLarge{limit}
	}
	return b, nil
}

// oneMore is the limit that shows whether there is more than limit.
func oneMore(limit int64) int64 { return min(limit, math.MaxInt64-1) + 1 }

// ReadFile reads a file of at most limit bytes. Errors name the file; the one
// for a larger file matches ErrTooLarge.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return read(f, info, limit)
}

// ReadRegularFile is ReadFile, but refuses pipes and devices. A pipe would hold
// the reader until somebody writes to it, and a device may have no end: opening
// does not wait, and what is not a regular file is not read.
func ReadRegularFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is %w", path, errNotRegular)
	}
	return read(f, info, limit)
}

// read reads an open file. Its size is only a hint: a pipe has none, and a file
// may grow while it is read.
func read(f *os.File, info os.FileInfo, limit int64) ([]byte, error) {
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is %w", f.Name(), tooLarge{limit})
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead) // one pass for a file that does not grow
	n, err := b.ReadFrom(io.LimitReader(f, oneMore(limit)))
	if err == nil && n > limit {
		err = fmt.Errorf("%s is %w", f.Name(), tooLarge{limit})
	}
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
