// SPDX-License-Identifier: Apache-2.0

// Features times the feature plan of the synthetic supply chain (datasets/scf):
// offline against the same plan written for polars, online event by event. It
// takes 40 seconds and prints
//
//	RATIO features_offline_vs_polars    polars' seconds over ours, same table, each with all cores
//	RATE features_offline_rows          events of the log that Matrix processes a second
//	NS features_online                  one application through Validate, Vector and Observe: 40 features, 12 windows
//	NS features_online_vector           Vector alone
//	COUNT features_online_allocs        allocations of Vector and Observe
//	NS features_online_scf ...          the same for the whole scf plan
//	RATIO features_hot_key              time of an event of a key of a million events over that of a thousand events
//	RATIO features_hot_key_vs_fresh     the same over that of a key whose windows are nearly empty
//	BYTES features_key                  memory per key of a million keys with two windows each
//	BYTES features_key_and_window       the same per key and window
//
// Other modes measure something else instead:
//
//	-online    only single events
//	-skew      a log with one very busy key, against polars (skew.go); minutes
//	-ablate    AUC, KS and log-loss with raw fields, derived features and windows (worth.go); minutes
//	-training  a plan for each fold, and the outcomes of a busy key (training.go)
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
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
)

func main() {
	var (
		events = flag.Int("events", 1_000_000, "events of the log")
		runs   = flag.Int("runs", 3, "alternating runs of each")
		python = flag.String("python", "", "interpreter that has polars; empty: no peer")
		peers  = flag.String("peers", "benchmarks/peers", "directory of the peers' scripts")
		keys   = flag.Int("keys", 1_000_000, "keys of the memory figure")
		ablate = flag.Bool("ablate", false, "measure instead what features are worth: AUC, KS and log-loss by stage")
		alone  = flag.Bool("online", false, "measure only single events")
		skewed = flag.Bool("skew", false,
			"measure instead a log of nearly a million buyers, one of whom has an eighth of the events")
		skewN  = flag.Int("skew-events", 5_000_000, "with -skew: events of the log")
		peerGB = flag.Float64("peer-memory", 0,
			"with -skew: GiB that polars may use; 0: what the machine has available, less two")
		skewOn = flag.String("skew-run", "",
			"internal, started by -skew: compute the features of the log in this file and print JSON")
		train  = flag.Bool("training", false, "measure instead what folds and outcomes cost compared with one replay")
		shared = flag.String("shared", "../shared/data", "directory of ibm_ar_invoices.csv, for -ablate")
	)
	flag.Parse()
	run := func() error { return compareWithPolars(*events, *runs, *keys, *python, *peers) }
	if *ablate {
		run = func() error { return measureWorth(*events, *shared) }
	}
	if *alone {
		run = func() error { return measureOnlineOnly(*events) }
	}
	if *train {
		run = func() error { return measureTraining(*events, *runs) }
	}
	if *skewed {
		run = func() error { return measureSkew(*skewN, *runs, skewInterpreter{*python, *peers, peerMemory(*peerGB)}) }
	}
	if *skewOn != "" {
		run = func() error { return computeSkew(*skewOn) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks/features:", err)
		os.Exit(1)
	}
}

// supplyChain generates the log of the synthetic supply chain, and fits its plan
// on the first half.
func supplyChain(events int) (*features.Plan, arrow.Record, error) {
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return nil, nil, err
	}
	start := time.Now()
	rec, err := features.EventTable(s, scf.New(scf.Config{Seed: 1, Events: events}).Events())
	if err != nil {
		return nil, nil, err
	}
	fmt.Printf("# %d synthetic events generated and put into a table in %.1f s\n", events, time.Since(start).Seconds())
	rows, _, _, err := features.ReadLabels(s, rec)
	if err != nil {
		return nil, nil, err
	}
	p, _, err := features.Fit(context.Background(), s, rec, rows[:len(rows)/2])
	return p, rec, err
}

// compareWithPolars computes the features of the log here and with polars, in
// turn, and then measures single events and keys.
func compareWithPolars(events, runs, keys int, python, peers string) error {
	p, rec, err := supplyChain(events)
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
		if err := writeParquet(table, rec); err != nil {
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
		if len(r.Means) < 20 {
			return fmt.Errorf("the peer computes %d features", len(r.Means))
		}
		if err := compareMeans(columnMeans(p, m), r.Means); err != nil {
			return err
		}
		theirs = append(theirs, r.Seconds)
	}
	fmt.Printf("RATE features_offline_rows %.0f\n", float64(rec.NumRows())/figure.Median(ours))
	if theirs != nil {
		fmt.Println(figure.Over("features_offline_vs_polars", theirs, ours))
	}
	if err := measureOnline(p, rec, events); err != nil {
		return err
	}
	return measureKeys(keys)
}

// measureOnlineOnly measures single events and nothing else.
func measureOnlineOnly(events int) error {
	p, rec, err := supplyChain(min(events, 300_000))
	if err != nil {
		return err
	}
	return measureOnline(p, rec, events)
}

// measureOnline measures single events with the whole scf plan, and with one of
// 40 features and 12 windows.
func measureOnline(p *features.Plan, rec arrow.Record, events int) error {
	if err := timeOnline("online_scf", p, events); err != nil {
		return err
	}
	q, err := planOfSize(rec, 40, 12)
	if err != nil {
		return err
	}
	return timeOnline("online", q, events)
}
