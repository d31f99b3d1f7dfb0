// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"os/user"
	"strconv"
)

// User names the operating system's user.
func User() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}
