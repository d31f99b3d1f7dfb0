// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/training"
)

// reportFlags are those of `assay features --report`.
type reportFlags struct {
	on, json      bool
	before, later string
	cfg           features.SelectConfig
	drop          int // folds, 0: do not
	tolerance     float64
	params        string
}

func (r *reportFlags) register(c *cobra.Command) {
	fl := c.Flags()
	fl.BoolVar(&r.on, "report", false, "print what each feature is worth")
	fl.BoolVar(&r.json, "json", false, "with --report: print one JSON object instead of a table")
	fl.StringVar(&r.before, "before", "",
		"with --report: training rows are those before that day or time (default: the first 70 % by time)")
	fl.StringVar(&r.later, "later", "",
		"with --report: rows that came later, a file like --data's, for a table without times")
	fl.Float64Var(&r.cfg.MinIV, "min-iv", 0.01, "with --report: drop a feature whose information value is less")
	fl.Float64Var(&r.cfg.MaxPSI, "max-psi", 0.25, "with --report: drop a feature whose stability index is greater")
	fl.Float64Var(&r.cfg.MaxCorrelation, "max-correlation", 0.98,
		"with --report: drop a feature whose ranks correlate more with a better one's")
	fl.IntVar(&r.drop, "drop-by-gain", 0,
		"with --report: also drop features that a model does not miss, by cross-validation on that many folds")
	fl.Float64Var(&r.tolerance, "tolerance", 0.0002, "with --drop-by-gain: the AUC that a dropped feature may cost")
	fl.StringVar(&r.params, "params", "num_iterations=100,num_leaves=15",
		"with --drop-by-gain: training parameters, k=v,...")
}

// featureReport is what `assay features --report --json` prints. Its keys are
// stable.
type featureReport struct {
	Plan     string         `json:"plan"`
	Train    int            `json:"train_rows"`
	Later    int            `json:"later_rows"`
	Split    string         `json:"split"`
	Features []featureScore `json:"features"`
	Keep     []string       `json:"keep"`
}

type featureScore struct {
	Name        string             `json:"name"`
	IV          float64            `json:"iv"`
	Bins        int                `json:"bins"`
	Missing     float64            `json:"missing"`
	PSI         *float64           `json:"psi"` // null without later rows
	Months      map[string]float64 `json:"psi_by_month,omitempty"`
	Group       int                `json:"group"`
	Correlation float64            `json:"correlation"`
	Keep        bool               `json:"keep"`
	Why         string             `json:"why,omitempty"`
}

// runReport scores the features and prints the table.
func (f *featuresFlags) runReport(ctx context.Context, u *ui) error {
	if f.report.drop < 0 || f.report.drop == 1 || f.report.drop > 100 {
		return usagef("--drop-by-gain %d: want 2 to 100 folds", f.report.drop)
	}
	s, err := f.selection(ctx, u)
	if err != nil {
		return err
	}
	u.Step("score %d features on %d rows", len(s.plan.Features()), len(s.train))
	scores, err := features.Select(s.plan.Features(), s.matrix, s.label, s.train, s.later, f.report.cfg)
	if err != nil {
		return err
	}
	months, psi := s.byMonth()
	if f.report.drop > 0 {
		if err := f.dropByGain(ctx, u, s, scores); err != nil {
			return err
		}
	}
	u.Done("%d to keep", kept(scores))
	if f.report.json {
		return u.json(s.json(scores, months, psi))
	}
	if err := features.WriteSelection(u.out, scores); err != nil {
		return err
	}
	u.printf("%s\n", u.faint(s.how))
	for i := range scores {
		worst, moved := -1, 0
		for k := range months {
			if psi[i][k] <= f.report.cfg.MaxPSI {
				continue
			}
			if moved++; worst < 0 || psi[i][k] > psi[i][worst] {
				worst = k
			}
		}
		if moved > 0 {
			u.printf("%s moved in %d of %d later months, most in %s: stability index %.3f\n", scores[i].Name, moved,
				len(months), months[worst], psi[i][worst])
		}
	}
	return nil
}

func kept(scores []features.FeatureScore) (n int) {
	for i := range scores {
		if scores[i].Keep {
			n++
		}
	}
	return n
}

func (s *selection) json(scores []features.FeatureScore, months []string, psi [][]float64) featureReport {
	out := featureReport{Plan: s.plan.Digest().String(), Train: len(s.train), Later: len(s.later),
		Split: s.how, Keep: []string{}}
	for i, x := range scores {
		y := featureScore{Name: x.Name, IV: x.IV, Bins: x.Bins, Missing: x.Missing, Group: x.Group,
			Correlation: x.Correlation, Keep: x.Keep, Why: x.Why}
		if x.PSI == x.PSI {
			y.PSI, y.Months = &x.PSI, map[string]float64{}
		}
		for k, m := range months {
			y.Months[m] = psi[i][k]
		}
		if x.Keep {
			out.Keep = append(out.Keep, x.Name)
		}
		out.Features = append(out.Features, y)
	}
	return out
}

// dropByGain cross-validates a model with ever fewer of the features that are
// left, on the training rows alone, and marks those that it does not miss.
func (f *featuresFlags) dropByGain(ctx context.Context, u *ui, s *selection, scores []features.FeatureScore) error {
	kv, err := training.ParseParams(f.report.params)
	if err != nil {
		return err
	}
	p, err := gbdt.ParseParams(kv)
	if err != nil {
		return err
	}
	var rows []int
	var label []float64
	for _, r := range s.train {
		if y := s.label[r]; y == y {
			rows, label = append(rows, r), append(label, y)
		}
	}
	folds, err := gbdt.StratifiedFolds(label, f.report.drop, 1)
	if err != nil {
		return err
	}
	infos := s.plan.Features()
	left, tried := kept(scores), 0
	auc := func(ctx context.Context, keep []int) (float64, error) {
		u.Progress("model %d of %d, on %d features", tried+1, left+1, len(keep))
		tried++
		d := &gbdt.Dataset{Label: label}
		q := p
		q.Metric, q.MonotoneConstraints = []string{"auc"}, nil
		for _, i := range keep {
			d.Names, d.Categorical = append(d.Names, infos[i].Name), append(d.Categorical, infos[i].Categorical)
			d.Columns = append(d.Columns, pickRows(s.blind.Columns[i], rows))
			q.MonotoneConstraints = append(q.MonotoneConstraints, infos[i].Monotone)
		}
		res, err := gbdt.CrossValidate(ctx, d, q, folds, gbdt.Options{})
		if err != nil {
			return 0, err
		}
		return res.Metrics[0].Mean, nil
	}
	keep, err := features.DropByGain(ctx, scores, f.report.tolerance, auc)
	if err != nil {
		return err
	}
	for i := range scores {
		if scores[i].Keep && !slices.Contains(keep, i) {
			scores[i].Keep, scores[i].Why = false, fmt.Sprintf("a model without it ranks as well on %d folds",
				f.report.drop)
		}
	}
	return nil
}
