// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// skewPeer is one of the two ways in which polars computes the features of the
// skewed log (benchmarks/peers/features_skew_polars.py), and how much of the log
// it gets. The plan that one writes at first makes a table of each window in
// which an aggregate filters: for half a million events that takes thirteen
// gigabytes, for a million more than most machines have. The lean plan makes no
// such table.
type skewPeer struct {
	share int // it gets the first 1/share of the log
	lean  bool
	time  string // names of its figures
	peak  string
}

var skewPeers = []skewPeer{
	{share: 10, time: "features_skew_tenth_vs_polars", peak: "features_skew_tenth_memory_vs_polars"},
	{share: 5, lean: true, time: "features_skew_fifth_vs_lean_polars",
		peak: "features_skew_fifth_memory_vs_lean_polars"},
}

// errOverMemory says that a peer ended because it reached its memory limit.
var errOverMemory = errors.New("it needed more memory than its limit")

// skewInterpreter runs the peer.
type skewInterpreter struct {
	python, peers string
	memory        int64 // limit of the peer's address space, in bytes
}

// command computes the features of a file with the lean plan or the first one.
func (i skewInterpreter) command(file string, lean bool) *exec.Cmd {
	args := []string{filepath.Join(i.peers, "features_skew_polars.py"), file, "--memory",
		strconv.FormatInt(i.memory, 10)}
	if lean {
		args = append(args, "--lean")
	}
	return exec.Command(i.python, args...)
}

// compare runs both programs on the peer's share of the log, in turn, compares
// what they computed, and prints the figures.
func (p skewPeer) compare(i skewInterpreter, self, file string, runs int) error {
	var ours, theirs, ourPeak, theirPeak []float64
	for range runs {
		a, err := runSkewProgram(exec.Command(self, "-skew-run", file))
		if err != nil {
			return err
		}
		b, err := runSkewProgram(i.command(file, p.lean))
		if errors.Is(err, errOverMemory) {
			fmt.Printf("# no figures %s and %s: polars needed more than its limit of %.1f GiB (-peer-memory); "+
				"here %.1f s and %.0f MiB\n",
				p.time, p.peak, float64(i.memory)/(1<<30), a.Seconds, a.Peak/(1<<20))
			return nil
		}
		if err != nil {
			return fmt.Errorf("the peer: %w", err)
		}
		if err := sameMeans(a, b); err != nil {
			return err
		}
		ours, theirs = append(ours, a.Seconds), append(theirs, b.Seconds)
		ourPeak, theirPeak = append(ourPeak, a.Peak), append(theirPeak, b.Peak)
	}
	plan := "as one writes it at first"
	if p.lean {
		plan = "lean"
	}
	fmt.Printf("# the first of %d parts, polars %s: %.1f s and %.0f MiB at most; here %.2f s and %.0f MiB\n", p.share,
		plan,
		figure.Median(theirs), figure.Median(theirPeak)/(1<<20), figure.Median(ours), figure.Median(ourPeak)/(1<<20))
	fmt.Println(figure.Over(p.time, theirs, ours))
	fmt.Println(figure.Over(p.peak, theirPeak, ourPeak))
	return nil
}

// overMemory says whether a program that printed this to stderr ended for lack
// of memory: polars aborts or cannot start a thread, Python raises an exception.
func overMemory(stderr []byte) bool {
	signs := []string{"memory allocation of ", "failed to spawn thread", "could not spawn threads",
		"background thread creation failed", "Cannot allocate memory", "MemoryError"}
	return slices.ContainsFunc(signs, func(sign string) bool { return bytes.Contains(stderr, []byte(sign)) })
}

// memoryForOthers is left to other processes when -peer-memory is not given.
const memoryForOthers = 2 << 30

// peerMemory is the limit of a peer's memory: what was asked for, or what the
// machine has available less memoryForOthers, or eight GiB where that is unknown.
func peerMemory(gib float64) int64 {
	if gib > 0 {
		return int64(gib * (1 << 30))
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 8 << 30
	}
	for line := range strings.Lines(string(text)) {
		if w := strings.Fields(line); len(w) == 3 && w[0] == "MemAvailable:" {
			if kib, err := strconv.ParseInt(w[1], 10, 64); err == nil {
				return max(kib<<10-memoryForOthers, 1<<30)
			}
		}
	}
	return 8 << 30
}
