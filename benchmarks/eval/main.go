// SPDX-License-Identifier: Apache-2.0

// Command eval measures how long a report takes.
//
//	go run ./benchmarks/eval
//
// It evaluates a million made-up rows and prints how many seconds and how much
// memory the report took. With -python it also times scikit-learn and scipy on
// the same rows (benchmarks/peers/eval_metrics.py) and prints a line
// "RATIO name value". Reports of real sets are what assay evaluate makes.
//
// With -coverage it counts instead how many intervals of reports on samples of a
// known population hold the truth, and writes the table into docs/reports.md:
//
//	go run ./benchmarks/eval -coverage -manual docs/reports.md
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/assayrisk/assay/benchmarks/internal/peak"
)

func main() {
	rows := flag.Int("rows", 1_000_000, "made-up rows")
	features := flag.Int("features", 20, "made-up features")
	out := flag.String("out", "", "directory for report.html and report.json; empty writes none")
	python := flag.String("python", "", "python interpreter with scikit-learn and scipy")
	cover := flag.Bool("coverage", false, "simulate how often intervals hold the truth")
	samples := flag.Int("samples", 1000, "with -coverage: samples of each population and size")
	resamples := flag.Int("resamples", 200, "with -coverage: bootstrap resamples of each report")
	manual := flag.String("manual", "", "with -coverage: page that the table is written into; empty writes none")
	flag.Parse()
	if *cover {
		if err := simulate(*samples, *resamples, *manual); err != nil {
			fmt.Fprintln(os.Stderr, "benchmarks/eval:", err)
			os.Exit(1)
		}
		return
	}
	if err := madeUp(context.Background(), *rows, *features, *out, *python); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks/eval:", err)
		os.Exit(1)
	}
}

// peakMB is the process's peak in MB.
func peakMB() int { return int(peak.Bytes() / (1 << 20)) }
