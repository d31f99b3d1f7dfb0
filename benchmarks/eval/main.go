// SPDX-License-Identifier: Apache-2.0

// Command eval measures how long a report takes.
//
//	go run ./benchmarks/eval                            a million made-up rows
//	go run ./benchmarks/eval -set lending_club -out D   a report of a real set, with all sections
//
// It prints lines "RATIO name value", and how many seconds and how much memory
// the report took. With -python it also times scikit-learn and scipy on the
// same rows (benchmarks/peers/eval_metrics.py).
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
	set := flag.String("set", "", "name or file of a real data set, in place of made-up rows")
	label := flag.String("label", "", "label column of the set")
	out := flag.String("out", "", "directory for report.html and report.json; empty writes none")
	python := flag.String("python", "", "python interpreter with scikit-learn and scipy")
	flag.Parse()
	ctx := context.Background()
	var err error
	if *set != "" {
		err = realSet(ctx, *set, *label, *out)
	} else {
		err = madeUp(ctx, *rows, *features, *out, *python)
	}
	if err != nil {
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
