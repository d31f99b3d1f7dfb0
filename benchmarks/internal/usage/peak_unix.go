// SPDX-License-Identifier: Apache-2.0

//go:build unix

package usage

import (
	"runtime"
	"syscall"
)

// peakFromRusage is the peak where there is no /proc. macOS counts bytes, from
// zero for each process.
func peakFromRusage() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss)
	}
	return float64(u.Maxrss) * 1024
}
