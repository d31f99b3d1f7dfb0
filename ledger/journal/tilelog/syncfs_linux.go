// SPDX-License-Identifier: Apache-2.0

package tilelog

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFileSystem makes everything durable that was written to the file system of
// dir; it returns false where the system has no such call.
func syncFileSystem(dir string) (bool, error) {
	d, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	err = errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
	return err == nil, err
}
