// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// Backup copies the records and the store of a running journal to dst, which
// must not exist: dst/journal, and dst/guard/high-water as it stood at that moment. It copies
// no key: back up keys/ apart, where fewer people can read it. The log's
// directory is derived; a restored journal builds it again (Config.RebuildLog).
//
// An erasure makes the private parts in every older backup unreadable, with
// the master key of that time: take a new backup after erasing.
func (j *Journal) Backup(ctx context.Context, dst string) (err error) {
	if _, err := os.Stat(dst); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup: %s exists already: %w", dst, errors.Join(assay.ErrInvalid, err))
	}
	if err := os.MkdirAll(filepath.Join(dst, "guard"), 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dst, "journal"), 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	store := filepath.Join(dst, storeDir)
	upto, err := j.copyStore(ctx, store)
	if err == nil {
		err = j.rec.copyTo(filepath.Join(dst, recordDir), upto)
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	db, err := openStore(store, &j.cfg, func(error) {})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tree, err := loadTree(db)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	root, err := j.guard.extend(ctx, tree, tree.End())
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	cp := ledger.Checkpoint{Origin: j.key.Origin, Size: tree.End(), Root: root}
	return vault.WriteFile(filepath.Join(dst, "guard", "high-water"), []byte(cp.String()))
}

// copyStore copies the store. It knows the keys of just the records below upto,
// and no checkpoint of more than those was signed then: what comes after is left
// out of a backup.
func (j *Journal) copyStore(ctx context.Context, dst string) (upto uint64, err error) {
	j.guard.mu.Lock() // nothing is signed meanwhile
	defer j.guard.mu.Unlock()
	if err := j.waitIndexed(ctx, j.guard.mu.tree.End()); err != nil {
		return 0, err
	}
	j.keyMu.Lock() // and nothing is indexed
	defer j.keyMu.Unlock()
	if upto, err = number(j.db, metaKey(metaIndexed)); err != nil {
		return 0, err
	}
	return upto, j.db.Checkpoint(dst, pebble.WithFlushedWAL())
}

// setAside moves a damaged log directory out of the way; nothing is deleted.
func setAside(dir string) error {
	for i := 1; ; i++ {
		to := fmt.Sprintf("%s.damaged-%d", dir, i)
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(dir, to); err != nil {
				return fmt.Errorf("log: %w", err)
			}
			return os.MkdirAll(dir, 0o755)
		}
	}
}
