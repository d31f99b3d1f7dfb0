// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrInUse marks a journal that another process has open.
var ErrInUse = errors.New("another process has the journal open")

// InUse says of an error of opening dir's journal whether its lock is held.
func InUse(dir string, err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		return fmt.Errorf("%s is in use: %w: stop the server that runs on it, or name another directory (%w)", dir,
			ErrInUse, err)
	}
	return err
}
