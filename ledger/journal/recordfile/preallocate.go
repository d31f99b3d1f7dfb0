// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The next record file is made in advance, full of zeros: a write into it changes
// neither its size nor its blocks, so that a sync waits only for the bytes and not
// for what other files do to the file system's own journal. It is made in small
// steps, to leave the disk to the records.
const (
	preallocatedName = "spare" // frozen: a file name
	firstFileBytes   = 1 << 20 // size of the first one; each next has twice the size, up to the limit
	preallocateStep  = 1 << 20
)

// WantsPreallocated receives when the next file should be made in advance: call Preallocate then.
func (r *Files) WantsPreallocated() <-chan struct{} { return r.wantPreallocated }

// Preallocate makes the next file unless there is one, slowly, until stop is closed. If it fails, the current file
// grows instead.
func (r *Files) Preallocate(stop <-chan struct{}) error {
	r.mu.Lock()
	have, size, share := r.preallocated > 0, r.nextSize, float64(r.nextSize)/float64(max(r.tailCapacity, 1))
	r.mu.Unlock()
	if have {
		return nil
	}
	path := r.fs.PathJoin(r.dir, preallocatedName)
	zero := make([]byte, min(size, preallocateStep))
	err := replaceFile(r.fs, path, func(w io.Writer) error {
		for left := size; left > 0; left -= int64(len(zero)) {
			if err := r.pace(stop, size-left, share); err != nil {
				return err
			}
			clear(zero) // a Write may change its argument
			if _, err := w.Write(zero[:min(left, int64(len(zero)))]); err != nil {
				return err
			}
			if s, ok := w.(vfs.File); ok {
				if err := s.SyncData(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, errStopped) {
		return nil
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.preallocated = size
	r.nextSize = min(2*size, r.maxFileBytes)
	r.mu.Unlock()
	return nil
}

// pace waits while the file that is made in advance is more than twice as far as the one that is being written: it is
// complete when half of the other is used.
func (r *Files) pace(stop <-chan struct{}, made int64, share float64) error {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		r.mu.Lock()
		used, room := int64(0), int64(0)
		if r.tail != nil {
			used, room = r.tail.size, r.tailCapacity
		}
		r.mu.Unlock()
		if room == 0 || float64(used)*2*share >= float64(made) {
			return nil
		}
		select {
		case <-stop:
			return errStopped
		case <-t.C:
		}
	}
}

var errStopped = errors.New("stopped")

// findPreallocated looks for the file that an earlier run made in advance.
func (r *Files) findPreallocated() error {
	st, err := r.fs.Stat(r.fs.PathJoin(r.dir, preallocatedName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	r.preallocated = st.Size()
	r.nextSize = max(r.nextSize, min(2*r.preallocated, r.maxFileBytes))
	return nil
}

// takePreallocated renames the file that was made in advance to be the one that begins with next; false: there is none.
// Only Append calls it. The file counts as there until it has its new name, or Preallocate would replace it.
func (r *Files) takePreallocated(next uint64) (bool, error) {
	r.mu.Lock()
	size := r.preallocated
	r.mu.Unlock()
	if size > 0 {
		if err := r.fs.Rename(r.fs.PathJoin(r.dir, preallocatedName), r.path(next)); err != nil {
			return false, fmt.Errorf("records: %w", err)
		}
		r.mu.Lock()
		r.preallocated = 0
		r.mu.Unlock()
	}
	select {
	case r.wantPreallocated <- struct{}{}:
	default:
	}
	if size == 0 {
		return false, nil
	}
	return true, syncDir(r.fs, r.dir)
}
