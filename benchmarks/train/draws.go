// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/models/gbdt"
)

// rowsPerDraw is about how many training rows a sample has.
const rowsPerDraw = 300_000

// compareDraws trains Assay and LightGBM on the same samples of a case's
// training rows, with the sample's number as the seed of both, and prints the mean
// difference of AUC on all test rows with its standard error. It tells whether a
// difference in one run comes from the trainers or from the sample.
func compareDraws(ctx context.Context, cases []string, dir string, draws int, c *comparison) error {
	var rows []string
	for _, name := range cases {
		at := filepath.Join(dir, name)
		m, err := readMeta(at)
		if err != nil {
			return fmt.Errorf("%w: run the case first, which makes its table", err)
		}
		share := min(1, rowsPerDraw/float64(m.Rows))
		var areas [2][]float64
		for k, t := range []string{"assay", "col"} {
			areas[k], err = c.aucByDraw(ctx, t, at, draws, share)
			if err != nil {
				return err
			}
		}
		diff := make([]float64, draws)
		for k := range diff {
			diff[k] = areas[0][k] - areas[1][k]
		}
		mean, spread := meanAndDeviation(diff)
		f := figure.Of("AUCDIFF", name+"_draws", diff)
		f.Value = mean
		fmt.Println(f)
		fmt.Println(figure.Figure{Kind: "STDERR", Name: name + "_draws", Value: spread / math.Sqrt(float64(draws))})
		a, aSpread := meanAndDeviation(areas[0])
		b, bSpread := meanAndDeviation(areas[1])
		rows = append(rows, fmt.Sprintf("| %s | %.0f | %d | %.5f (%.5f) | %.5f (%.5f) | %+.5f ± %.5f |",
			name, share*float64(m.Rows), draws, a, aSpread, b, bSpread, mean, spread/math.Sqrt(float64(draws))))
	}
	fmt.Println("\n| case | rows, about | draws | Assay, mean (deviation) | LightGBM, mean (deviation) | mean " +
		"difference ± standard error |\n|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Println(r)
	}
	return nil
}

// aucByDraw is a trainer's AUC with each sample.
func (c *comparison) aucByDraw(ctx context.Context, trainer, at string, draws int,
	share float64) (auc []float64, err error) {
	t, err := startTrainer(ctx, trainer, at, c.python, c.peers)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	for k := range draws {
		o, err := t.train(request{Seed: k + 1, Rounds: c.rounds, Threads: c.threads, Draw: k + 1, Share: share})
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%s, draw %d: %s %.5f\n", filepath.Base(at), k+1, trainer, o.AUC)
		auc = append(auc, o.AUC)
	}
	return auc, nil
}

// meanAndDeviation returns the mean of x and its standard deviation.
func meanAndDeviation(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(max(1, len(x)-1)))
}

// sampleRows returns the rows of sample number draw: those whose hash of their and
// its number (the finaliser of splitmix64) is in the lowest share. train_table.py
// has the same rule.
func sampleRows(d *gbdt.Dataset, draw int, share float64) *gbdt.Dataset {
	out := &gbdt.Dataset{Columns: make([][]float64, len(d.Columns)), Categorical: d.Categorical}
	var rows []int
	for i := range d.Label {
		z := uint64(i) + uint64(draw)<<32
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		if (z^z>>31)>>32 < uint64(share*(1<<32)) {
			rows = append(rows, i)
		}
	}
	pick := func(v []float64) []float64 {
		w := make([]float64, len(rows))
		for k, i := range rows {
			w[k] = v[i]
		}
		return w
	}
	out.Label = pick(d.Label)
	for j, c := range d.Columns {
		out.Columns[j] = pick(c)
	}
	return out
}
