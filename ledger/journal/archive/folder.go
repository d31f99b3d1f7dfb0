// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
)

// folder is an archive whose objects are files.
type folder string

func openFolder(path string) (folder, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("archive: %w", err)
	}
	return folder(abs), nil
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// away is the error of a folder that does not do what it should.
func (f folder) away(err error) error {
	return fmt.Errorf("archive: %w (is %s mounted?): %w", err, string(f), assay.ErrUnavailable)
}

// Place implements recordfile.Archive.
func (f folder) Place() string { return "the folder " + string(f) }

// Put implements recordfile.Archive.
func (f folder) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	if _, err := os.Stat(string(f)); err != nil { // it is not made: a place to mount to may be empty
		return f.away(err)
	}
	err := atomicfile.Replace(vfs.Default, f.path(name), func(w io.Writer) error {
		n, err := io.Copy(w, r)
		if err == nil && n != size {
			err = fmt.Errorf("%d bytes, want %d", n, size)
		}
		return errors.Join(err, ctx.Err())
	})
	if err != nil {
		return f.away(err)
	}
	return nil
}

// ReadAt implements recordfile.Archive.
func (f folder) ReadAt(_ context.Context, name string, b []byte, off int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	file, err := os.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(string(f)); err != nil {
			return f.away(err)
		}
		return errMissing(name)
	}
	if err != nil {
		return f.away(err)
	}
	defer file.Close()
	if _, err := file.ReadAt(b, off); errors.Is(err, io.EOF) {
		return fmt.Errorf("archive: %s is cut short: %w", name, assay.ErrCorrupt)
	} else if err != nil {
		return f.away(err)
	}
	return nil
}

// Remove implements recordfile.Archive.
func (f folder) Remove(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	for _, p := range []string{f.path(name), f.path(name) + atomicfile.TempSuffix} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f.away(err)
		}
	}
	if err := atomicfile.SyncDir(vfs.Default, string(f)); err != nil {
		return f.away(err)
	}
	return nil
}

// CheckRemoval implements recordfile.Archive. It does not see snapshots and backups that the file system makes.
func (f folder) CheckRemoval(context.Context) error {
	if st, err := os.Stat(string(f)); err != nil {
		return f.away(err)
	} else if !st.IsDir() {
		return fmt.Errorf("archive: %s is not a folder: %w", string(f), assay.ErrInvalid)
	}
	return nil
}

func errMissing(name string) error {
	return fmt.Errorf("archive: %s is not there (was it deleted, or rewritten after this directory was backed up?): %w",
		name, assay.ErrCorrupt)
}
