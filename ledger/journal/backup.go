// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// Backup copies the records and the store of a running journal to dst, which
// must not exist: dst/journal, and dst/guard/high-water as of that moment. It
// copies no key: back up keys/ separately, where fewer people can read it. It does
// not copy the log's directory, which a restored journal builds again
// (Config.RebuildLog).
//
// An erasure replaces the master key, and so makes the private parts in every
// older backup unreadable: make a new backup after erasing.
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
	storeCopy := filepath.Join(dst, storeDir)
	upto, err := j.copyStore(ctx, storeCopy)
	if err == nil {
		j.filesMu.Lock()
		defer j.filesMu.Unlock()
		err = errors.Join(j.records.CopyTo(filepath.Join(dst, recordDir), upto),
			j.signatures.CopyTo(filepath.Join(dst, signatureDir)),
			j.dictionaries.copyTo(filepath.Join(dst, dictionaryDir)))
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	copied, err := store.Open(storeCopy, j.cfg.store(func(error) {}))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	mark, err := j.guard.HighWaterOf(ctx, copied)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return vault.WriteFile(filepath.Join(dst, "guard", "high-water"), []byte(mark.String()))
}

// copyStore copies the store. The copy knows the keys of exactly the records below
// upto, and no larger checkpoint was signed then: a backup leaves out what comes
// after.
func (j *Journal) copyStore(ctx context.Context, dst string) (upto uint64, err error) {
	err = j.guard.WithSigningPaused(func(size uint64) error {
		if err := j.waitApplied(ctx, size); err != nil {
			return err
		}
		upto, err = j.store.CopyTo(dst)
		return err
	})
	return upto, err
}
