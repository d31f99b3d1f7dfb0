// SPDX-License-Identifier: Apache-2.0

// Package overlay is a file system that shows another one and keeps every change in memory.
//
// With it, the same code opens a journal for reading as for serving: it repairs what a crash cut short and brings the
// store up to the records, and changes no file. It works on images that cannot be written.
package overlay

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS shows base with the changes that were made since.
type FS struct {
	base vfs.FS
	over vfs.FS // changed and new files, in memory

	mu      sync.Mutex
	removed map[string]bool // of base
	changed map[string]bool // in over
}

// New returns a file system that shows base.
func New(base vfs.FS) *FS {
	return &FS{base: base, over: vfs.NewMem(), removed: map[string]bool{}, changed: map[string]bool{}}
}

var _ vfs.FS = (*FS)(nil)

// side returns the file system that has a file now.
func (f *FS) side(name string) (vfs.FS, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.changed[name]:
		return f.over, nil
	case f.removed[name]:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.base, nil
}

// change marks a file as being in over.
func (f *FS) change(name string) error {
	if err := f.over.MkdirAll(f.PathDir(name), 0o755); err != nil {
		return err
	}
	f.mu.Lock()
	f.changed[name] = true
	f.mu.Unlock()
	return nil
}

// copyUp copies a file of base to over, unless over has it.
func (f *FS) copyUp(name string) error {
	side, err := f.side(name)
	if err != nil || side == f.over {
		return err
	}
	in, err := f.base.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := f.over.MkdirAll(f.PathDir(name), 0o755); err != nil {
		return err
	}
	out, err := f.over.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := out.Close(); err != nil {
		return err
	}
	return f.change(name)
}

// Create implements vfs.FS.
func (f *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.change(name); err != nil {
		return nil, err
	}
	return f.over.Create(name, c)
}

// Link implements vfs.FS.
func (f *FS) Link(old, name string) error {
	if err := f.copyUp(old); err != nil {
		return err
	}
	if err := f.change(name); err != nil {
		return err
	}
	return f.over.Link(old, name)
}

// Open implements vfs.FS.
func (f *FS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	side, err := f.side(name)
	if err != nil {
		return nil, err
	}
	return side.Open(name, opts...)
}

// OpenReadWrite implements vfs.FS.
func (f *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := f.copyUp(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := f.change(name); err != nil {
		return nil, err
	}
	return f.over.OpenReadWrite(name, c, opts...)
}

// OpenDir implements vfs.FS. Directories are opened to be synced: those in
// memory are.
func (f *FS) OpenDir(name string) (vfs.File, error) {
	if err := f.over.MkdirAll(name, 0o755); err != nil {
		return nil, err
	}
	return f.over.OpenDir(name)
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	side, err := f.side(name)
	if err != nil {
		return err
	}
	if side == f.over {
		err = f.over.Remove(name)
	} else {
		_, err = f.base.Stat(name)
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.changed, name)
	f.removed[name] = true
	return nil
}

// RemoveAll implements vfs.FS.
func (f *FS) RemoveAll(name string) error {
	names, err := f.List(name)
	if err != nil { // a file, or nothing
		if err := f.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	for _, n := range names {
		if err := f.RemoveAll(f.PathJoin(name, n)); err != nil {
			return err
		}
	}
	return nil
}

// Rename implements vfs.FS.
func (f *FS) Rename(old, name string) error {
	if err := f.copyUp(old); err != nil {
		return err
	}
	if err := f.change(name); err != nil {
		return err
	}
	if err := f.over.Rename(old, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.changed, old)
	f.removed[old] = true
	return nil
}

// ReuseForWrite implements vfs.FS.
func (f *FS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Rename(old, name); err != nil {
		return nil, err
	}
	return f.OpenReadWrite(name, c)
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(dir string, perm os.FileMode) error { return f.over.MkdirAll(dir, perm) }

// Lock implements vfs.FS: it fails if a writer holds the lock.
func (f *FS) Lock(name string) (io.Closer, error) { return lockShared(name) }

// List implements vfs.FS.
func (f *FS) List(dir string) ([]string, error) {
	names, err := f.base.List(dir)
	more, merr := f.over.List(dir)
	if err != nil && merr != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[string]bool{}
	var out []string
	for _, n := range slices.Concat(names, more) {
		n = strings.TrimSuffix(n, "/")
		path := f.PathJoin(dir, n)
		if !seen[n] && (!f.removed[path] || f.changed[path]) {
			out = append(out, n)
		}
		seen[n] = true
	}
	return out, nil
}

// Stat implements vfs.FS.
func (f *FS) Stat(name string) (vfs.FileInfo, error) {
	side, err := f.side(name)
	if err != nil {
		return nil, err
	}
	info, err := side.Stat(name)
	if err != nil && side == f.base {
		if over, oerr := f.over.Stat(name); oerr == nil { // a directory that was made
			return over, nil
		}
	}
	return info, err
}

// PathBase implements vfs.FS.
func (f *FS) PathBase(path string) string { return f.base.PathBase(path) }

// PathJoin implements vfs.FS.
func (f *FS) PathJoin(elem ...string) string { return f.base.PathJoin(elem...) }

// PathDir implements vfs.FS.
func (f *FS) PathDir(path string) string { return f.base.PathDir(path) }

// GetDiskUsage implements vfs.FS.
func (f *FS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	return f.base.GetDiskUsage(path)
}

// Unwrap implements vfs.FS.
func (f *FS) Unwrap() vfs.FS { return nil }
