// SPDX-License-Identifier: Apache-2.0

package models

import (
	"os"

	"golang.org/x/sys/unix"
)

// exchangePaths gives two paths each other's content in one step.
func exchangePaths(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}
