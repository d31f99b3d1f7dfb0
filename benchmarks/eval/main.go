// SPDX-License-Identifier: Apache-2.0

// Command eval measures how long a report takes.
//
//	go run ./benchmarks/eval
//
// It evaluates a million made-up rows and prints how many seconds and how much
// memory the report took. With -python it also times scikit-learn and scipy on
// the same rows (benchmarks/peers/eval_metrics.py) and prints a line
// "RATIO name value". Reports of real sets are what assay evaluate makes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	rows := flag.Int("rows", 1_000_000, "made-up rows")
	features := flag.Int("features", 20, "made-up features")
	out := flag.String("out", "", "directory for report.html and report.json; empty writes none")
	python := flag.String("python", "", "python interpreter with scikit-learn and scipy")
	flag.Parse()
	if err := madeUp(context.Background(), *rows, *features, *out, *python); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks/eval:", err)
		os.Exit(1)
	}
}

// peak returns the largest resident size of this process so far, in MB; 0
// where the system does not say.
func peak() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb / 1024
		}
	}
	return 0
}
