// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadAll(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100} {
		b, err := ReadAll(bytes.NewReader(make([]byte, n)), 100)
		if err != nil || len(b) != n {
			t.Errorf("%d of 100 bytes: read %d, %v", n, len(b), err)
		}
	}
	endless := &counter{}
	if b, err := ReadAll(endless, 100); !errors.Is(err, ErrTooLarge) || b != nil {
		t.Errorf("without end: read %d bytes, %v", len(b), err)
	}
	if endless.read > 101 {
		t.Errorf("%d bytes were taken to find more than 100", endless.read)
	}
	broken := errors.New("broken")
	if _, err := ReadAll(io.MultiReader(strings.NewReader("x"), failing{broken}), 100); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// counter is a stream without an end.
type counter struct{ read int }

func (c *counter) Read(p []byte) (int, error) {
	c.read += len(p)
	return len(p), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("ten bytes."), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(string, int64) ([]byte, error){
		"any file": ReadFile, "regular file": ReadRegularFile,
	} {
		for _, limit := range []int64{10, 11, 1 << 40, math.MaxInt64} {
			if b, err := read(path, limit); err != nil || string(b) != "ten bytes." {
				t.Errorf("%s, at most %d: %q, %v", name, limit, b, err)
			}
		}
		for _, limit := range []int64{0, 1, 9} {
			b, err := read(path, limit)
			if !errors.Is(err, ErrTooLarge) || b != nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, at most %d: %q, %v", name, limit, b, err)
			}
		}
		if _, err := read(path+".missing", 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s that is missing: %v", name, err)
		}
	}
}

// TestFileThatGrows: what Stat said before is no bound.
func TestFileThatGrows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("123"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("123456"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := read(f, before, 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file that grew to 6 bytes, at most 5 are allowed: %q, %v", b, err)
	}
}
