// SPDX-License-Identifier: Apache-2.0

//go:build unix

package bounded

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipes: a pipe that nobody writes to is refused at once, not waited for.
func TestPipes(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{pipe, t.TempDir(), "/dev/zero"} {
		if b, err := ReadRegularFile(path, 100); !errors.Is(err, errNotRegular) {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
	if b, err := ReadFile("/dev/zero", 100); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a device without end: %d bytes, %v", len(b), err)
	}
}
