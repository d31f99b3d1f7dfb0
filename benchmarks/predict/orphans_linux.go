// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of processes whose own parent ends. It
// fails only on a kernel that does not know how.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// bury ends what is left of a group and waits for it: what that used counts as
// this process's use, and not as another's who keeps the machine busy.
func bury(group int) {
	_ = unix.Kill(-group, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(-group, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return // none is left
		}
	}
}
