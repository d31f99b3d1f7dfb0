// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/usage"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
)

// answerRequests reads requests from in, one a line, trains on the table at dir
// for each, and answers on out. With CPUPROFILE set, it writes a profile of the
// first training to that file.
func answerRequests(dir string, in io.Reader, out io.Writer) error {
	m, err := readMeta(dir)
	if err != nil {
		return err
	}
	d, err := readTable(dir, "train.f64", m, m.Rows)
	if err != nil {
		return err
	}
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	var test *gbdt.Dataset
	for profile := os.Getenv("CPUPROFILE"); ; profile = "" {
		var r request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		m.Params["num_iterations"] = strconv.Itoa(r.Rounds)
		m.Params["num_threads"] = strconv.Itoa(r.Threads)
		m.Params["seed"] = strconv.Itoa(r.Seed)
		p, err := gbdt.ParseParams(m.Params)
		if err != nil {
			return err
		}
		rows := d
		if r.Draw > 0 {
			rows = sampleRows(d, r.Draw, r.Share)
		}
		o, model, err := trainOne(rows, p, profile)
		if err != nil {
			return err
		}
		if test == nil { // not before the peak of training is known
			if test, err = readTable(dir, "test.f64", m, m.TestRows); err != nil {
				return err
			}
		}
		o.AUC = testAUC(test, model)
		debug.FreeOSMemory() // so that the next run starts as the first one did
		if err := answers.Encode(o); err != nil {
			return err
		}
	}
}

// trainOne trains once, from the raw table to the model.
func trainOne(d *gbdt.Dataset, p gbdt.Params, profile string) (o trainingResult, model *models.Model, err error) {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return o, nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return o, nil, err
		}
		defer pprof.StopCPUProfile()
	}
	start := time.Now()
	bins, err := gbdt.Bin(context.Background(), d, p)
	if err != nil {
		return o, nil, err
	}
	binned := time.Now()
	r, err := bins.Train(context.Background(), p, gbdt.Options{})
	if err != nil {
		return o, nil, err
	}
	o = trainingResult{Bin: binned.Sub(start).Seconds(), Train: time.Since(binned).Seconds(), Peak: usage.PeakMiB()}
	return o, r.Model, nil
}

// testAUC is the area under the ROC curve, ties at half.
func testAUC(d *gbdt.Dataset, model *models.Model) float64 {
	score := make([]float64, d.Rows())
	order := make([]int, d.Rows())
	x := make([]float64, len(d.Columns))
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
	return (ranks - pos*(pos+1)/2) / (pos * neg)
}
