// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
)

const batch = 1024

// measureRows trains on tables of growing length and scores them.
func measureRows(ctx context.Context, short bool) error {
	const columns = 20
	model, err := world.Train(ctx, world.Shape{Trees: 100, Leaves: 31},
		world.Table(world.Shape{Rows: 20_000, Columns: columns}, 1))
	if err != nil {
		return err
	}
	f, err := forest.Compile(model)
	if err != nil {
		return err
	}
	for _, n := range sizesToRun(short, 10_000, 100_000, 1_000_000, 10_000_000) {
		s := world.Shape{Rows: n, Columns: columns, Trees: 20, Leaves: 31}
		d := world.Table(s, 1)
		times := 1
		if n <= 1_000_000 {
			times = 3
		}
		var took []float64
		for range times {
			start := time.Now()
			if _, err := world.Train(ctx, s, d); err != nil {
				return err
			}
			took = append(took, time.Since(start).Seconds())
		}
		printFigure("S", "train_all", n, took...)
		x := rowMajor(d)
		d = nil
		runtime.GC()
		out := make([]float64, n)
		took = nil
		for range times {
			start := time.Now()
			f.Margins(out, x)
			took = append(took, time.Since(start).Seconds())
		}
		printFigure("S", "predict_rows_all", n, took...)
	}
	return nil
}

// rowMajor is a table as the predictor expects it, row by row.
func rowMajor(d *gbdt.Dataset) []float64 {
	k := len(d.Columns)
	x := make([]float64, len(d.Label)*k)
	for j, c := range d.Columns {
		for i, v := range c {
			x[i*k+j] = v
		}
	}
	return x
}

// measureTrees scores with the first trees of one model, more and more of them.
func measureTrees(ctx context.Context, short bool) error {
	s := world.Shape{Rows: 10_000, Columns: 20, Trees: 3000, Leaves: 31}
	if short {
		s.Trees = 30
	}
	d := world.Table(s, 1)
	model, err := world.Train(ctx, s, d)
	if err != nil {
		return err
	}
	x := rowMajor(d)
	for _, n := range sizesToRun(short, 10, 30, 100, 300, 1000, 3000) {
		if n > len(model.Trees) {
			break
		}
		firstTrees := *model
		firstTrees.Trees = model.Trees[:n]
		if err := timeScoring("predict_trees", n, &firstTrees, x, s.Columns); err != nil {
			return err
		}
	}
	return nil
}

// measureColumns scores with models of more and more columns.
func measureColumns(ctx context.Context, short bool) error {
	for _, n := range sizesToRun(short, 10, 30, 100, 300, 1000) {
		s := world.Shape{Rows: 10_000, Columns: n, Trees: 100, Leaves: 31}
		d := world.Table(s, 1)
		model, err := world.Train(ctx, s, d)
		if err != nil {
			return err
		}
		if err := timeScoring("predict_features", n, model, rowMajor(d), n); err != nil {
			return err
		}
	}
	return nil
}

// timeScoring times one row, one row of a batch, and one explanation.
func timeScoring(plot string, size int, m *models.Model, x []float64, columns int) error {
	f, err := forest.Compile(m)
	if err != nil {
		return err
	}
	at, n := 0, len(x)/columns
	next := func() []float64 {
		at = (at + 1) % n
		return x[at*columns : (at+1)*columns]
	}
	const length = 60 * time.Millisecond
	printFigure("NS", plot+"_one_row", size, timeCalls(length, func() { f.Margin(next()) })...)
	out := make([]float64, batch)
	batches := timeCalls(length, func() {
		from := at % (n - batch)
		at += batch
		f.Margins(out, x[from*columns:(from+batch)*columns])
	})
	for i := range batches {
		batches[i] /= batch
	}
	printFigure("NS", plot+"_in_batches", size, batches...)
	phi := make([]float64, columns+1)
	printFigure("NS", plot+"_explanation", size, timeCalls(length, func() { f.Contributions(phi, next()) })...)
	return nil
}
