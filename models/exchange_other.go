// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package models

import (
	"errors"
	"io/fs"
	"os"
)

// exchange says whether b is there to be exchanged, which it cannot do.
func exchange(_, b string) error {
	if _, err := os.Stat(b); errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.ErrUnsupported
}
