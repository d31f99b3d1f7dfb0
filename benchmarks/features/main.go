// SPDX-License-Identifier: Apache-2.0

// Features times the feature plan of the synthetic supply-chain world: offline
// against the same plan written for polars, online event by event. It prints
//
//	RATIO features_offline_vs_polars    polars' seconds over ours, same table, all cores of each
//	RATE features_offline_rows          events of the log that Matrix takes a second
//	NS features_online                  one application through Validate, Vector and Observe: 40 features, 12 windows
//	NS features_online_vector           Vector alone
//	COUNT features_online_allocs        allocations of Vector and Observe
//	NS features_online_scf ...          the same of the whole scf plan
//	RATIO features_hot_key              time of an event of a key of a million events over one of a thousand
//	RATIO features_hot_key_vs_fresh     the same over that of a key whose windows are nearly empty
//	BYTES features_key                  memory of a million keys of two windows, a key
//	BYTES features_key_and_window
//
// With -skew it measures a log with one very busy key instead; see skew.go.
// With -training it measures folds and outcomes; see training.go.
//
//	go run ./benchmarks/features -python python3
//	go run ./benchmarks/features -python python3 -skew
//	go run ./benchmarks/features -training -events 400000
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
)

func main() {
	var (
		events = flag.Int("events", 1_000_000, "events of the world")
		runs   = flag.Int("runs", 3, "alternating runs of each")
		python = flag.String("python", "", "interpreter that has polars; empty: no peer")
		peers  = flag.String("peers", "benchmarks/peers", "directory of the peers' scripts")
		keys   = flag.Int("keys", 1_000_000, "keys of the memory figure")
		ablate = flag.Bool("ablate", false, "measure what engineering is worth instead: AUC, KS and log-loss by stage")
		alone  = flag.Bool("online", false, "measure single events alone")
		skewed = flag.Bool("skew", false,
			"measure a log of nearly a million buyers, one of whom has an eighth of the events, instead")
		skewN  = flag.Int("skew-events", 5_000_000, "events of that log")
		peerGB = flag.Float64("peer-memory", 0,
			"GiB that polars may take of that log; 0: what the machine has available, less two")
		skewOn = flag.String("skew-run", "",
			"compute the features of that log from a file, and print JSON (what -skew starts)")
		train  = flag.Bool("training", false, "measure what folds and outcomes cost beside one replay, instead")
		shared = flag.String("shared", "../shared/data", "directory of ibm_ar_invoices.csv, for -ablate")
	)
	flag.Parse()
	run := func() error { return speed(*events, *runs, *keys, *python, *peers) }
	if *ablate {
		run = func() error { return worth(*events, *shared) }
	}
	if *alone {
		run = func() error { return singles(*events) }
	}
	if *train {
		run = func() error { return training(*events, *runs) }
	}
	if *skewed {
		run = func() error { return skew(*skewN, *runs, skewInterpreter{*python, *peers, peerMemory(*peerGB)}) }
	}
	if *skewOn != "" {
		run = func() error { return skewSelf(*skewOn) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks/features:", err)
		os.Exit(1)
	}
}

// world generates the log and fits its plan on the first half.
func world(events int) (*features.Plan, arrow.Record, error) {
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return nil, nil, err
	}
	start := time.Now()
	rec, err := s.Table(scf.New(scf.Config{Seed: 1, Events: events}).Events())
	if err != nil {
		return nil, nil, err
	}
	fmt.Printf("# %d synthetic events generated and put into a table in %.1f s\n", events, time.Since(start).Seconds())
	rows, _, _, err := s.Labels(rec)
	if err != nil {
		return nil, nil, err
	}
	p, _, err := s.Fit(context.Background(), rec, rows[:len(rows)/2])
	return p, rec, err
}

func speed(events, runs, keys int, python, peers string) error {
	p, rec, err := world(events)
	if err != nil {
		return err
	}
	fmt.Printf("# plan: %d features in the vector, %d in all, %d windows\n", len(p.Features()),
		len(p.Spec().Features), len(p.Spec().Windows))
	var table string
	if python != "" {
		dir, err := os.MkdirTemp("", "assay-bench-features-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		table = filepath.Join(dir, "scf.parquet")
		f, err := os.Create(table)
		if err != nil {
			return err
		}
		if err := datasets.WriteParquet(f, rec); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	var ours, theirs []float64
	for range runs {
		start := time.Now()
		m, err := p.Matrix(context.Background(), rec)
		if err != nil {
			return err
		}
		ours = append(ours, time.Since(start).Seconds())
		if python == "" {
			continue
		}
		out, err := exec.Command(python, filepath.Join(peers, "features_polars.py"), table).Output()
		if err != nil {
			return fmt.Errorf("the peer: %w", err)
		}
		var r struct {
			Seconds float64            `json:"seconds"`
			Rows    int                `json:"rows"`
			Means   map[string]float64 `json:"means"`
		}
		if err := json.Unmarshal(bytes.TrimSpace(out), &r); err != nil {
			return fmt.Errorf("the peer's output: %w", err)
		}
		if r.Rows != m.Rows {
			return fmt.Errorf("the peer has %d rows, we have %d", r.Rows, m.Rows)
		}
		if err := agree(p, m, r.Means); err != nil {
			return err
		}
		theirs = append(theirs, r.Seconds)
	}
	fmt.Printf("RATE features_offline_rows %.0f\n", float64(rec.NumRows())/figure.Median(ours))
	if theirs != nil {
		fmt.Println(figure.Over("features_offline_vs_polars", theirs, ours))
	}
	if err := both(p, rec, events); err != nil {
		return err
	}
	return memory(keys)
}

// singles measures single events alone.
func singles(events int) error {
	p, rec, err := world(min(events, 300_000))
	if err != nil {
		return err
	}
	return both(p, rec, events)
}

// both measures single events of the whole scf plan and of one of 40 features
// and 12 windows.
func both(p *features.Plan, rec arrow.Record, events int) error {
	if err := online("online_scf", p, events); err != nil {
		return err
	}
	q, err := sized(rec, 40, 12)
	if err != nil {
		return err
	}
	return online("online", q, events)
}

// agree holds the peer's columns to ours: their means differ by what the tails
// of windows may, and no more.
func agree(p *features.Plan, m *features.Matrix, means map[string]float64) error {
	if len(means) < 20 {
		return fmt.Errorf("the peer computes %d features", len(means))
	}
	for i, f := range p.Features() {
		want, ok := means[f.Name]
		if !ok {
			continue
		}
		var sum, n float64
		for _, x := range m.Columns[i] {
			if x == x {
				sum, n = sum+x, n+1
			}
		}
		if got := sum / n; math.Abs(got-want) > 0.04*math.Abs(want)+0.02 {
			return fmt.Errorf("the mean of %s is %.4f here and %.4f in the peer: the two plans are not the same",
				f.Name, got, want)
		}
	}
	return nil
}
