// SPDX-License-Identifier: Apache-2.0

package screening

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// Config holds the limits within which a feature is kept. A field that is 0 has the
// default that its comment gives.
type Config struct {
	MinIV          float64 // least information value; default 0.01, negative: none
	MaxPSI         float64 // greatest population stability index; default 0.25
	MaxCorrelation float64 // least correlation of ranks at which the weaker of two features is dropped; default 0.98
	Bins           int     // quantile bins before merging; default 20
}

// Score is what Select finds about one feature.
type Score struct {
	Name        string
	IV          float64 // information value over the bins
	Bins        int     // after merging to monotone bad rates; categories are not merged
	Missing     float64 // share of training rows
	PSI         float64 // population stability, training against later rows; NaN without later rows
	Group       int     // features of one group rank rows alike; group 0 has the highest information value
	Correlation float64 // of ranks, with the best feature of the group; 1 for that one
	Keep        bool
	Why         string // why it is not kept, "" if it is
}

// Select scores each feature of a matrix on training rows, and compares their
// distribution with that of later rows (nil: none). There is a label for each row of
// the matrix; training rows whose label is NaN are left out. The scores are in the
// order of the features.
func Select(infos []features.FeatureInfo, m *features.Matrix, labels []float64, train, later []int,
	cfg Config) ([]Score, error) {
	if len(infos) != len(m.Columns) || len(labels) != m.Rows {
		return nil, fmt.Errorf("%d features, %d columns; %d labels, %d rows: %w", len(infos), len(m.Columns),
			len(labels), m.Rows, assay.ErrInvalid)
	}
	cfg = cfg.withDefaults()
	var rows []int
	var bad float64
	for _, r := range train {
		if y := labels[r]; y == y {
			rows, bad = append(rows, r), bad+y
		}
	}
	if bad == 0 || bad == float64(len(rows)) {
		return nil, fmt.Errorf("the training rows are all good or all bad: %w", assay.ErrInvalid)
	}
	y := valuesAt(labels, rows)
	out := make([]Score, len(infos))
	for i, f := range infos {
		x := valuesAt(m.Columns[i], rows)
		b := newBinning(x, cfg.Bins, f.Categorical)
		out[i] = Score{Name: f.Name, PSI: math.NaN(), Keep: true}
		out[i].IV, out[i].Bins = b.informationValue(x, y)
		for _, v := range x {
			if v != v {
				out[i].Missing += 1 / float64(len(x))
			}
		}
		if len(later) > 0 {
			out[i].PSI = b.stabilityIndex(x, valuesAt(m.Columns[i], later))
		}
	}
	groupByCorrelation(out, infos, m, rows, cfg.MaxCorrelation)
	for i := range out {
		s := &out[i]
		switch {
		case s.IV < cfg.MinIV:
			s.Why = fmt.Sprintf("information value below %g", cfg.MinIV)
		case s.PSI > cfg.MaxPSI:
			s.Why = fmt.Sprintf("its distribution moved: stability index above %g", cfg.MaxPSI)
		}
		s.Keep = s.Why == ""
	}
	return out, nil
}

// Stability compares the training rows with several later parts, such as months. It
// returns, for each feature and each part, the population stability index over ten
// bins of about equally many training rows.
func Stability(infos []features.FeatureInfo, m *features.Matrix, train []int, parts [][]int) [][]float64 {
	const bins = 10
	out := make([][]float64, len(infos))
	for i, f := range infos {
		x := valuesAt(m.Columns[i], train)
		b := newBinning(x, bins, f.Categorical)
		for _, rows := range parts {
			out[i] = append(out[i], b.stabilityIndex(x, valuesAt(m.Columns[i], rows)))
		}
	}
	return out
}

func (c Config) withDefaults() Config {
	if c.MinIV == 0 {
		c.MinIV = 0.01
	}
	if c.MaxPSI == 0 {
		c.MaxPSI = 0.25
	}
	if c.MaxCorrelation == 0 {
		c.MaxCorrelation = 0.98
	}
	if c.Bins == 0 {
		c.Bins = 20
	}
	return c
}

// DropByGain tries to remove each feature that is kept, the least informative first.
// A feature goes if the metric without it is no more than tolerance below the best
// metric so far. The metric gets the indices of the features to use; greater is
// better, as for a cross-validated AUC. DropByGain returns the indices that remain,
// in the order of the scores.
func DropByGain(ctx context.Context, scores []Score, tolerance float64,
	metric func(ctx context.Context, keep []int) (float64, error)) ([]int, error) {
	var keep, order []int
	for i := range scores {
		if scores[i].Keep {
			keep, order = append(keep, i), append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a].IV < scores[b].IV:
			return -1
		case scores[a].IV > scores[b].IV:
			return 1
		}
		return 0
	})
	best, err := metric(ctx, keep)
	if err != nil {
		return nil, err
	}
	for _, i := range order {
		if len(keep) == 1 {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rest := slices.DeleteFunc(slices.Clone(keep), func(k int) bool { return k == i })
		v, err := metric(ctx, rest)
		if err != nil {
			return nil, err
		}
		if v >= best-tolerance {
			keep, best = rest, max(best, v)
		}
	}
	return keep, nil
}

// Write prints the scores as a table for people, the best first.
func Write(w io.Writer, scores []Score) error {
	sorted := slices.Clone(scores)
	slices.SortStableFunc(sorted, func(a, b Score) int {
		switch {
		case a.IV > b.IV:
			return -1
		case a.IV < b.IV:
			return 1
		}
		return 0
	})
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "feature\tIV\tbins\tmissing\tPSI\tgroup\tkeep\twhy not")
	for _, s := range sorted {
		psi := "-"
		if s.PSI == s.PSI {
			psi = fmt.Sprintf("%.3f", s.PSI)
		}
		keep := "yes"
		if !s.Keep {
			keep = "no"
		}
		fmt.Fprintf(t, "%s\t%.3f\t%d\t%.1f %%\t%s\t%d\t%s\t%s\n", s.Name, s.IV, s.Bins, 100*s.Missing,
			psi, s.Group, keep, s.Why)
	}
	return t.Flush()
}
