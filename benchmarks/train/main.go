// SPDX-License-Identifier: Apache-2.0

// Train compares Assay's trainer with LightGBM and XGBoost on the same rows with
// the same parameters, in alternating runs, five by default. It takes half an hour
// and prints medians of the runs, with the least and the greatest:
//
//	RATIO train_vs_lightgbm_<case>        LightGBM's seconds over ours (the better of row-wise and column-wise)
//	RATIO train_vs_lightgbm_quant_<case>  the same for LightGBM's quantised training
//	RATIO train_vs_xgboost_<case>         XGBoost hist, lossguide
//	RATIO train_memory_<case>             LightGBM's peak resident set over ours, whole processes
//	MB train_peak_<case>, train_peak_lightgbm_<case>
//	AUCDIFF <case>                        our AUC on the test rows minus LightGBM's
//	S train_<case>                        our seconds
//
// With -within, a case that would take more than its share of that time makes
// three or four runs instead of five; each figure says how many.
//
// Both of LightGBM's layouts, row-wise and column-wise, make the first two runs,
// and the faster one makes the others: LightGBM itself tries both and keeps one.
//
// Seconds count from the raw table in memory to the finished model: finding bins,
// binning and boosting. A trainer's process keeps the table from run to run,
// except in the cases that take about a second: there each run is a new process.
// The peak is that of a process's first run. Tables are written to -dir on first
// use. All trainers use their default seed, so that every run grows the same
// trees; with -seeds all trainers use the seed k in run k, and AUCDIFF varies with
// it.
//
//	go run ./benchmarks/train -python python3 -flights flights-3m.parquet
//	go run ./benchmarks/train -python python3 -folds
//	go run ./benchmarks/train -python python3 -draws 20 -cases sparse500k,flights3m
//	go run ./benchmarks/train -stream 10000000
//
// -folds compares the AUC of Assay and LightGBM on five folds of public credit
// sets and prints a table (folds.md has one).
//
// -draws trains Assay and LightGBM on so many samples of about 300,000 rows of the
// tables that exist already, and prints the mean difference of AUC with its
// standard error: AUCDIFF <case>_draws, STDERR <case>_draws (draws.md).
//
// -stream trains on so many rows of 28 columns that are never in memory as raw
// numbers, with the library and with `assay train --stream` on a Parquet file, and
// prints the peak memory of the whole processes: BYTES train_stream_*_per_cell.
//
// The files: cases.go and flights.go make the tables, table.go stores them;
// trainer.go starts a trainer's process and asks it, one.go is ours; compare.go,
// folds.go, draws.go and stream.go are the four comparisons.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	var (
		cases   = flag.String("cases", "", "comma-separated cases, or sets with -folds; all of them when empty")
		dir     = flag.String("dir", filepath.Join(os.TempDir(), "assay-bench-train"), "where tables are kept")
		shared  = flag.String("shared", "../shared/data", "directory of airline100k.csv, and of the sets of -folds")
		flights = flag.String("flights", "", "path of flights-3m.parquet")
		python  = flag.String("python", "python3", "interpreter that has lightgbm and xgboost")
		peers   = flag.String("peers", "benchmarks/peers", "directory of the peers' scripts")
		only    = flag.String("trainers", "assay,row,col,quant,xgboost", "trainers to run")
		runs    = flag.Int("runs", 5, "alternating runs of each trainer")
		threads = flag.Int("threads", 2, "threads of each trainer")
		folds   = flag.Bool("folds", false, "compare AUC with LightGBM on five folds of the credit sets instead")
		stream  = flag.Int("stream", 0, "measure the memory of so many streamed rows instead")
		rounds  = flag.Int("rounds", 100, "boosting iterations")
		seeds   = flag.Bool("seeds", false, "use the seed k in run k instead of the default one")
		draws   = flag.Int("draws", 0, "compare AUC with LightGBM on so many samples of the rows of -cases instead")
		within  = flag.Duration("within", 0,
			"plan to finish all cases within this time, with at least three runs each (0: all runs)")
		one = flag.String("one", "",
			"internal: train on the table in this directory as standard input asks, and print JSON")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := &comparison{python: *python, peers: *peers, trainers: strings.Split(*only, ","), runs: *runs,
		threads: *threads, rounds: *rounds, seeds: *seeds}
	if *within > 0 {
		c.until = time.Now().Add(*within)
	}
	var err error
	switch {
	case *one != "":
		err = answerRequests(*one, os.Stdin, os.Stdout)
	case *stream > 0:
		err = measureStream(ctx, *stream, 28, *threads, *dir)
	case *draws > 0:
		err = compareDraws(ctx, strings.Split(*cases, ","), *dir, *draws, c)
	case *folds:
		err = compareFolds(ctx, *cases, *dir, *shared, c)
	default:
		err = compareCases(ctx, *cases, *dir, *shared, *flights, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compareCases makes the tables that do not exist yet and runs the trainers on
// each. A case that fails does not stop the next.
func compareCases(ctx context.Context, only, dir, shared, flights string, c *comparison) error {
	var failed []error
	todo := slices.Clone(tableCases)
	if only != "" {
		wanted := strings.Split(only, ",")
		todo = slices.DeleteFunc(todo, func(m tableCase) bool { return !slices.Contains(wanted, m.name) })
	}
	left := 0.0
	for _, m := range todo {
		left += m.weight
	}
	for _, m := range todo {
		share := c.share(m.weight, left)
		left -= m.weight
		at := filepath.Join(dir, m.name)
		if _, err := os.Stat(filepath.Join(at, "meta.json")); err != nil {
			if err := m.make(at, shared, flights); err != nil {
				fmt.Printf("SKIP %s: %v\n", m.name, err)
				continue
			}
		}
		if err := c.compare(ctx, m.name, at, m.cold, share); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(failed...)
}
