// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package models

import (
	"errors"
	"io/fs"
	"os"
)

// exchangePaths cannot exchange two paths here. It gives fs.ErrNotExist when b
// does not exist, so that the caller can rename a to b.
func exchangePaths(_, b string) error {
	if _, err := os.Stat(b); errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.ErrUnsupported
}
