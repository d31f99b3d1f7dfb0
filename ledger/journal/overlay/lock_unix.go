// SPDX-License-Identifier: Apache-2.0

//go:build unix

package overlay

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lockShared takes a lock that other readers may hold too, but no writer. It
// makes no file: where there is none, nobody writes.
func lockShared(name string) (io.Closer, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, err
	}
	spec := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &spec); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
