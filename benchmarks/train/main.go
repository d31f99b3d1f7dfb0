// SPDX-License-Identifier: Apache-2.0

// Train times Assay's trainer beside LightGBM and XGBoost on the same rows
// with the same parameters, in alternating runs, each run a process of its
// own. It prints the median of the runs:
//
//	RATIO train_vs_lightgbm_<case>        LightGBM's seconds over ours (the better of row-wise and column-wise)
//	RATIO train_vs_lightgbm_quant_<case>  the same for LightGBM's quantised training
//	RATIO train_vs_xgboost_<case>         XGBoost hist, lossguide
//	RATIO train_memory_<case>             LightGBM's peak resident set over ours, whole processes
//	AUCDIFF <case>                        our AUC on the test rows minus LightGBM's
//
// Seconds run from the raw table in memory to the finished model: finding
// bins, binning and boosting. Tables are written to -dir on first use.
//
//	go run ./benchmarks/train -python python3 -flights flights-3m.parquet
//	go run ./benchmarks/train -python python3 -folds
//	go run ./benchmarks/train -stream 10000000
//
// The last one bins so many rows of 28 columns from chunks, without the raw
// table, and prints BYTES_PER_CELL of the whole process.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// outcome is what one run of one trainer prints as JSON.
type outcome struct {
	Bin   float64 `json:"bin_s"`
	Train float64 `json:"train_s"`
	AUC   float64 `json:"auc"`
	Peak  float64 `json:"peak_mb"`
}

func (o outcome) seconds() float64 { return o.Bin + o.Train }

func main() {
	var (
		cases   = flag.String("cases", "", "comma-separated cases, or sets with -folds; all of them when empty")
		dir     = flag.String("dir", filepath.Join(os.TempDir(), "assay-bench-train"), "where tables are kept")
		shared  = flag.String("shared", "../shared/data", "directory of airline100k.csv and credit_data.csv")
		flights = flag.String("flights", "", "path of flights-3m.parquet")
		python  = flag.String("python", "python3", "interpreter that has lightgbm and xgboost")
		peers   = flag.String("peers", "benchmarks/peers", "directory of the peers' scripts")
		only    = flag.String("trainers", "assay,row,col,quant,xgboost", "trainers to run")
		runs    = flag.Int("runs", 5, "alternating runs of each trainer")
		threads = flag.Int("threads", 2, "threads of each trainer")
		folds   = flag.Bool("folds", false, "compare AUC with LightGBM on five folds of the credit sets instead")
		stream  = flag.Int("stream", 0, "measure the memory of so many streamed rows instead")
		one     = flag.String("one", "", "train the table in this directory once and print JSON")
	)
	flag.Parse()
	if *one != "" {
		if err := runOne(*one, *threads); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *stream > 0 {
		if err := measureStream(*stream, 28, *threads); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *folds {
		if err := compareFolds(*cases, *dir, *shared, *python, *peers, *threads); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	failed := false
	for _, c := range makers {
		if *cases != "" && !slices.Contains(strings.Split(*cases, ","), c.name) {
			continue
		}
		at := filepath.Join(*dir, c.name)
		if _, err := os.Stat(filepath.Join(at, "meta.json")); err != nil {
			if err := c.make(at, *shared, *flights); err != nil {
				fmt.Printf("SKIP %s: %v\n", c.name, err)
				continue
			}
		}
		if err := compare(c.name, at, *python, *peers, strings.Split(*only, ","), *runs, *threads); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", c.name, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// compare runs the trainers on one case and prints its lines.
func compare(name, at, python, peers string, trainers []string, runs, threads int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	got := map[string][]outcome{}
	for range runs {
		for _, t := range trainers {
			var cmd *exec.Cmd
			switch t {
			case "assay":
				cmd = exec.Command(self, "-one", at, "-threads", strconv.Itoa(threads))
			case "xgboost":
				cmd = exec.Command(python, filepath.Join(peers, "train_xgboost.py"), at, strconv.Itoa(threads))
			default:
				cmd = exec.Command(python, filepath.Join(peers, "train_lightgbm.py"), at, strconv.Itoa(threads), t)
			}
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("%s: %w", t, err)
			}
			var o outcome
			if err := json.Unmarshal(out, &o); err != nil {
				return fmt.Errorf("%s printed %q: %w", t, out, err)
			}
			got[t] = append(got[t], o)
		}
	}
	med := map[string]outcome{}
	for _, t := range trainers {
		o := median(got[t])
		med[t] = o
		fmt.Printf("%-12s %-8s bins %6.2f s  boosting %7.2f s  total %7.2f s  AUC %.5f  peak %.0f MB\n", name, t, o.Bin, o.Train, o.seconds(), o.AUC, o.Peak)
	}
	ours, ok := med["assay"]
	if !ok {
		return nil
	}
	ratio := func(label string, peer float64, own float64) { fmt.Printf("RATIO %s_%s %.2f\n", label, name, peer/own) }
	row, hasRow := med["row"]
	if col, hasCol := med["col"]; hasCol && (!hasRow || col.seconds() < row.seconds()) {
		row, hasRow = col, true
	}
	if hasRow {
		ratio("train_vs_lightgbm", row.seconds(), ours.seconds())
		ratio("train_memory", row.Peak, ours.Peak)
		fmt.Printf("AUCDIFF %s %+.5f\n", name, ours.AUC-row.AUC)
	}
	if q, ok := med["quant"]; ok {
		ratio("train_vs_lightgbm_quant", q.seconds(), ours.seconds())
	}
	if x, ok := med["xgboost"]; ok {
		ratio("train_vs_xgboost", x.seconds(), ours.seconds())
	}
	return nil
}

// median takes each field's median over the runs.
func median(o []outcome) outcome {
	pick := func(f func(outcome) float64) float64 {
		v := make([]float64, len(o))
		for i := range o {
			v[i] = f(o[i])
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return outcome{
		Bin: pick(func(o outcome) float64 { return o.Bin }), Train: pick(func(o outcome) float64 { return o.Train }),
		AUC: pick(func(o outcome) float64 { return o.AUC }), Peak: pick(func(o outcome) float64 { return o.Peak }),
	}
}
