// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"io/fs"
	"path/filepath"
)

// Disk is the size of all regular files below a directory, in bytes.
func Disk(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
