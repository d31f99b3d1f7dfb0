// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/usage"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

// The skewed log: a year of five million events, of which one buyer has one in
// eight, and nearly a million others a handful each. Both programs run as
// separate processes, compute the same features, and their means are compared.
// Ours runs on the whole log, and against polars on its first part: on a tenth,
// where polars' plan is what one writes at first, and on a fifth, where it is a
// lean plan that copies no window (skewpeer.go). It prints
//
//	COUNT features_skew_events, _buyers, _hot_key    events, buyers, events of the busiest buyer
//	RATIO features_skew_tenth_vs_polars              polars' seconds over ours, on a tenth
//	RATIO features_skew_tenth_memory_vs_polars       polars' peak memory over ours
//	RATIO features_skew_fifth_vs_lean_polars         the same for the lean plan, on a fifth
//	RATIO features_skew_fifth_memory_vs_lean_polars
//	RATE features_skew_rows                          events a second, on the whole log
//	BYTES features_skew_peak                         peak memory per row, on the whole log
//
// Peak memory is that of the whole process, which reads the table first. A peer
// that reaches its memory limit (-peer-memory) gets no figures, and a line says so.

const skewPlan = `
version: 1
time: time
id: id
kind: kind
lateness: 0s
entities: [buyer, seller]
fields:
  - {name: amount, on: [application, order], required: true}
windows:
  - {name: quarter, key: [buyer], on: [order], value: amount, member: seller, length: 90d, hop: 1d}
  - {name: month, key: [buyer], on: [order], value: amount, length: 30d, hop: 1d}
features:
  - {name: orders, kernel: count, window: quarter}
  - {name: ordered, kernel: window_sum, window: quarter}
  - {name: order_mean, kernel: mean, window: quarter}
  - {name: order_max, kernel: max, window: quarter}
  - {name: order_std, kernel: std, window: quarter}
  - {name: sellers, kernel: distinct, window: quarter}
  - {name: since_order, kernel: since_last, window: quarter}
  - {name: orders_month, kernel: count, window: month}
  - {name: ordered_month, kernel: window_sum, window: month}
`

const (
	skewBuyers      = 936_000 // buyers other than the hot one
	skewHotShare    = 0.1272  // the hot buyer's share of the events
	skewScoredEvery = 5       // one event in five is scored
)

// skewLog generates the log.
func skewLog(s *plantext.Spec, events int) (arrow.Record, error) {
	rng := rand.New(rand.NewPCG(4, 2))
	seen, hot := map[int]bool{}, 0
	start := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	step := 365 * 24 * time.Hour / time.Duration(events)
	rec, err := features.EventTable(s, func(yield func(*assay.Event) bool) {
		for i := range events {
			e := assay.Event{ID: "e" + strconv.Itoa(i), Kind: "order",
				Time: start.Add(time.Duration(i) * step).Truncate(time.Microsecond)}
			if i%skewScoredEvery == 0 {
				e.Kind = "application"
			}
			buyer := 0
			if rng.Float64() < skewHotShare {
				hot++
			} else {
				buyer = 1 + rng.IntN(skewBuyers)
			}
			seen[buyer] = true
			e.Entities = []assay.Entity{{Role: "buyer", ID: "B-" + strconv.Itoa(buyer)}, {Role: "seller",
				ID: "S-" + strconv.Itoa(rng.IntN(60))}}
			e.Fields = []assay.Field{{Name: "amount", Value: assay.NumberValue(math.Round(rng.ExpFloat64()*1e5) / 100)}}
			if !yield(&e) {
				return
			}
		}
	})
	fmt.Printf("COUNT features_skew_events %d\nCOUNT features_skew_buyers %d\nCOUNT features_skew_hot_key %d\n", events,
		len(seen), hot)
	return rec, err
}

// skewRun is what a program prints of one run.
type skewRun struct {
	Seconds float64            `json:"seconds"`
	Rows    int                `json:"rows"`
	Means   map[string]float64 `json:"means"`
	Peak    float64            `json:"peak"` // bytes
}

// measureSkew writes the log and runs the programs on it.
func measureSkew(events, runs int, peer skewInterpreter) error {
	dir, err := os.MkdirTemp("", "assay-bench-skew-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeSkew(events, dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, p := range skewPeers {
		if peer.python == "" {
			break
		}
		if err := p.compare(peer, self, skewFile(dir, p.share), runs); err != nil {
			return err
		}
	}
	all, err := runSkewProgram(exec.Command(self, "-skew-run", skewFile(dir, 1)))
	if err != nil {
		return err
	}
	fmt.Printf("# the whole log: %.1f s, %.0f MiB at most\n", all.Seconds, all.Peak/(1<<20))
	fmt.Printf("RATE features_skew_rows %.0f\n", float64(events)/all.Seconds)
	fmt.Printf("BYTES features_skew_peak %.0f\n", all.Peak/float64(events))
	return nil
}

// skewFile is the table of the first one in share events.
func skewFile(dir string, share int) string {
	return filepath.Join(dir, "one-in-"+strconv.Itoa(share)+".parquet")
}

// writeSkew writes the log: the whole, and the share that each peer gets.
func writeSkew(events int, dir string) error {
	s, err := features.ParseSpec([]byte(skewPlan))
	if err != nil {
		return err
	}
	rec, err := skewLog(s, events)
	if err != nil {
		return err
	}
	defer func() { rec.Release(); runtime.GC() }()
	shares := []int{1}
	for _, p := range skewPeers {
		shares = append(shares, p.share)
	}
	for _, share := range shares {
		slice := rec.NewSlice(0, int64(events/share))
		err := writeParquet(skewFile(dir, share), slice)
		slice.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// runSkewProgram runs a program that prints one skewRun.
func runSkewProgram(cmd *exec.Cmd) (*skewRun, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && overMemory(stderr.Bytes()) {
		return nil, errOverMemory
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	r := new(skewRun)
	if err := json.Unmarshal(bytes.TrimSpace(out), r); err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	return r, nil
}

// sameMeans compares our run with the peer's.
func sameMeans(ours, theirs *skewRun) error {
	if ours.Rows != theirs.Rows || len(theirs.Means) != 9 {
		return fmt.Errorf("the peer has %d rows and %d features, we have %d rows", theirs.Rows, len(theirs.Means),
			ours.Rows)
	}
	for name := range theirs.Means {
		if _, ok := ours.Means[name]; !ok {
			return fmt.Errorf("the peer has a feature %s, we have none", name)
		}
	}
	return compareMeans(ours.Means, theirs.Means)
}

// computeSkew is our side: it reads a table, computes its features, and prints
// how long that took.
func computeSkew(file string) error {
	s, err := features.ParseSpec([]byte(skewPlan))
	if err != nil {
		return err
	}
	frame, err := datasets.Read(context.Background(), file, datasets.Options{Unlabelled: true})
	if err != nil {
		return err
	}
	head := frame.Record.NewSlice(0, min(1000, frame.Record.NumRows()))
	p, _, err := features.Fit(context.Background(), s, head, nil)
	if err != nil {
		return err
	}
	start := time.Now()
	m, err := p.Matrix(context.Background(), frame.Record)
	if err != nil {
		return err
	}
	r := skewRun{Seconds: time.Since(start).Seconds(), Rows: m.Rows, Means: columnMeans(p, m)}
	r.Peak = usage.PeakBytes()
	return json.NewEncoder(os.Stdout).Encode(r)
}
