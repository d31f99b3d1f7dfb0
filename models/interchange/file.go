// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/assayrisk/assay/internal/bounded"
)

// MaxBytes bounds a model file.
const MaxBytes = 1 << 30

// Errors that a reader's or writer's errors match.
var (
	// ErrFormat: the file is not what it claims to be.
	ErrFormat = errors.New("bad model file")
	// ErrUnsupported: the file is sound, and holds a model that cannot be
	// represented exactly.
	ErrUnsupported = errors.New("unsupported model")
)

// byteOrderMark is what some editors write before a text.
var byteOrderMark = []byte("\xef\xbb\xbf")

func readAll(r io.Reader) ([]byte, error) {
	b, err := bounded.ReadAll(r, MaxBytes)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimPrefix(b, byteOrderMark), nil
}

// clip shortens text from a file for an error message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
