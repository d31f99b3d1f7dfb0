// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
)

// runOne trains one table with Assay and prints the outcome.
func runOne(dir string, threads int) error {
	o, err := trainOne(dir, threads)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

// trainOne trains one table with Assay. With CPUPROFILE set, it writes a
// profile of the training there.
func trainOne(dir string, threads int) (outcome, error) {
	m, err := readMeta(dir)
	if err != nil {
		return outcome{}, err
	}
	d, err := readTable(dir, "train.f64", m, m.Rows)
	if err != nil {
		return outcome{}, err
	}
	m.Params["num_iterations"] = strconv.Itoa(m.Rounds)
	m.Params["num_threads"] = strconv.Itoa(threads)
	p, err := gbdt.ParseParams(m.Params)
	if err != nil {
		return outcome{}, err
	}
	if path := os.Getenv("CPUPROFILE"); path != "" {
		f, err := os.Create(path)
		if err != nil {
			return outcome{}, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return outcome{}, err
		}
	}
	start := time.Now()
	bins, err := gbdt.Bin(context.Background(), d, p)
	if err != nil {
		return outcome{}, err
	}
	binned := time.Now()
	r, err := bins.Train(context.Background(), p, gbdt.Options{})
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Bin: binned.Sub(start).Seconds(), Train: time.Since(binned).Seconds()}
	pprof.StopCPUProfile()
	o.Peak = peak()
	d, bins = nil, nil
	runtime.GC()
	if o.AUC, err = testAUC(dir, m, r.Model); err != nil {
		return outcome{}, err
	}
	return o, nil
}

// peak is the process's largest resident set so far, in MB.
func peak() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024
}

// testAUC is the area under the ROC curve on the test rows, ties at half.
func testAUC(dir string, m meta, model *models.Model) (float64, error) {
	d, err := readTable(dir, "test.f64", m, m.TestRows)
	if err != nil {
		return 0, err
	}
	score := make([]float64, d.Rows())
	order := make([]int, d.Rows())
	x := make([]float64, m.Features)
	for i := range score {
		for j, c := range d.Columns {
			x[j] = c[i]
		}
		score[i], order[i] = model.Margin(x), i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b]:
			return -1
		case score[a] > score[b]:
			return 1
		}
		return 0
	})
	var ranks, pos float64
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && score[order[j]] == score[order[i]] {
			j++
		}
		for _, r := range order[i:j] {
			if d.Label[r] > 0 {
				ranks += float64(i+j+1) / 2
				pos++
			}
		}
		i = j
	}
	neg := float64(len(order)) - pos
	return (ranks - pos*(pos+1)/2) / (pos * neg), nil
}
