// SPDX-License-Identifier: Apache-2.0

// Package atomicfile replaces files so that a crash leaves the old one or the new one, whole.
package atomicfile

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TempSuffix ends the name of a file that is about to replace another. If such a file is there at a start, a crash left
// it, and it may be removed.
const TempSuffix = ".tmp"

// Replace writes a file. When it returns nil, the new content is durable under its name.
func Replace(fs vfs.FS, path string, write func(w io.Writer) error) error {
	tmp := path + TempSuffix
	f, err := fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fs.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, fs.Remove(tmp))
	}
	return SyncDir(fs, fs.PathDir(path))
}

// SyncDir makes the names in a directory durable.
func SyncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
