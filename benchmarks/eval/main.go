// SPDX-License-Identifier: Apache-2.0

// Eval measures how long a report on a million made-up rows takes. It prints
//
//	S eval_report                  seconds that the report took
//	MB eval_report_peak            peak memory of the process
//	MB eval_report_rows_themselves  peak memory before the report
//	RATIO eval_metrics_vs_sklearn  with -python: seconds of scikit-learn and scipy for five metrics of the
//	                               same rows over ours (benchmarks/peers/eval_metrics.py)
//
//	go run ./benchmarks/eval -python python3       eleven seconds
//
// With -coverage it counts instead how many intervals of reports on samples of
// known populations contain the truth, and writes the table into docs/reports.md.
// With -samples 2 that takes a minute, with the default very much longer.
//
//	go run ./benchmarks/eval -coverage -manual docs/reports.md
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"

	"github.com/assayrisk/assay/benchmarks/internal/usage"
)

func main() {
	rows := flag.Int("rows", 1_000_000, "made-up rows")
	features := flag.Int("features", 20, "made-up features")
	out := flag.String("out", "", "directory for report.html and report.json; empty writes none")
	python := flag.String("python", "", "python interpreter with scikit-learn and scipy")
	cover := flag.Bool("coverage", false, "simulate how often intervals contain the truth")
	samples := flag.Int("samples", 1000, "with -coverage: samples of each population and size")
	resamples := flag.Int("resamples", 200, "with -coverage: bootstrap resamples of each report")
	manual := flag.String("manual", "", "with -coverage: page to write the table into; empty writes none")
	flag.Parse()
	if *cover {
		if err := simulateCoverage(*samples, *resamples, *manual); err != nil {
			fmt.Fprintln(os.Stderr, "benchmarks/eval:", err)
			os.Exit(1)
		}
		return
	}
	if err := evaluateMadeUp(context.Background(), *rows, *features, *out, *python); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks/eval:", err)
		os.Exit(1)
	}
}

// peakMB is the process's peak in whole MiB.
func peakMB() float64 { return math.Trunc(usage.PeakMiB()) }
