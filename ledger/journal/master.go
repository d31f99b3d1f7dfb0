// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// openMaster returns the master keys of a directory: those that the caller gave, else those in the file.
func openMaster(dir string, cfg *Config) (vault.Keys, error) {
	path := filepath.Join(dir, "keys", "master.json")
	_, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if cfg.Keys != nil && missing {
		return cfg.Keys, nil
	}
	if cfg.Keys == nil && missing {
		if _, err := cfg.FS.Stat(cfg.FS.PathJoin(dir, storeDir)); err == nil {
			return nil, errNoMaster(path) // a new one would open nothing
		}
	}
	m, err := vault.OpenMaster(path, nil)
	if err != nil || cfg.Keys == nil {
		return m, err
	}
	return vault.HandOver(m, cfg.Keys), nil
}

func errNoMaster(path string) error {
	return fmt.Errorf("journal: %s is missing: put it back from the backup, or, if a program keeps the master key, "+
		"say which with the setting keys (--keys FILE): %w", path, assay.ErrCorrupt)
}

// checkExists refuses to read a directory that lacks the store or a key: the
// code that opens it would make new ones.
func checkExists(f vfs.FS, dir string, withMaster bool) error {
	_, err := f.Stat(f.PathJoin(dir, storeDir))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "keys", "log.key"))
	}
	if err != nil {
		return fmt.Errorf("journal: %w: put it back from the backup: %w", err, assay.ErrCorrupt)
	}
	path := filepath.Join(dir, "keys", "master.json")
	if _, err := os.Stat(path); err != nil && withMaster {
		if errors.Is(err, fs.ErrNotExist) {
			return errNoMaster(path)
		}
		return fmt.Errorf("journal: %w: %w", err, assay.ErrCorrupt)
	}
	return nil
}
