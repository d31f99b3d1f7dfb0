// SPDX-License-Identifier: Apache-2.0

// Package peak says how much memory the process had resident at most.
//
// The process says it itself. What its parent is told when it ends (ru_maxrss)
// is no measure of it: Linux begins that count at what the parent had resident
// when it started the process, so that the child of a benchmark that holds a
// table of gigabytes has a peak of gigabytes. benchmarks/peers/peak.py is the same for Python.
// TestOwnPeak is the proof.
package peak

import (
	"os"
	"strconv"
	"strings"
)

// Bytes is the greatest memory that this process has had resident so far; 0
// where the system does not say.
func Bytes() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ofUsage()
	}
	for line := range strings.Lines(string(text)) {
		if w := strings.Fields(line); len(w) == 3 && w[0] == "VmHWM:" {
			if kib, err := strconv.ParseFloat(w[1], 64); err == nil {
				return kib * 1024
			}
		}
	}
	return ofUsage()
}
