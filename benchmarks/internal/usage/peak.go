// SPDX-License-Identifier: Apache-2.0

// Package usage says what processes and directories use: the peak memory of
// this process, the processor time and memory of others, bytes on disk.
//
// A process reports its own peak. What its parent is told when it ends
// (ru_maxrss) is no measure of it: Linux starts that count at what the parent
// had resident when it started the process, so that the child of a benchmark
// that holds a table of gigabytes has a peak of gigabytes.
// benchmarks/peers/peak.py does the same in Python. TestOwnPeak is the proof.
package usage

import (
	"os"
	"strconv"
	"strings"
)

// PeakBytes is the most memory that this process has had resident so far; 0
// where the system does not say.
func PeakBytes() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return peakFromRusage()
	}
	for line := range strings.Lines(string(text)) {
		if w := strings.Fields(line); len(w) == 3 && w[0] == "VmHWM:" {
			if kib, err := strconv.ParseFloat(w[1], 64); err == nil {
				return kib * 1024
			}
		}
	}
	return peakFromRusage()
}

// PeakMiB is PeakBytes in MiB.
func PeakMiB() float64 { return PeakBytes() / (1 << 20) }
