// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/features/screening"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/selection"
)

// reportFlags are those of `assay features --report`.
type reportFlags struct {
	on, json      bool
	before, later string
	cfg           screening.Config
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

// choose reads the table that --data names, and the plan: that of a bundle, or
// one that is fitted on the training rows alone.
func (f *featuresFlags) choose(ctx context.Context, u *ui) (*selection.Selection, error) {
	before, err := parseTime("before", f.report.before)
	if err != nil {
		return nil, err
	}
	o := selection.Options{Before: before}
	if f.model != "" {
		if o.Plan, _, err = bundlePlan(f.model); err != nil {
			return nil, err
		}
		o.Spec = o.Plan.Spec()
	} else if o.Spec, err = readSpec(ctx, f.plan); err != nil {
		return nil, err
	}
	f.readAs(o.Spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	s, err := selection.New(ctx, u, t, o)
	if err != nil || f.report.later == "" {
		return s, err
	}
	if s.HasTimes() {
		return nil, usagef("--later is for a table without times; this one is split in time already")
	}
	later, err := f.readFile(ctx, u, f.report.later)
	if err != nil {
		return nil, err
	}
	return s, s.AddLater(ctx, u, later, f.data, f.report.later)
}

// runReport scores the features and prints the table.
func (f *featuresFlags) runReport(ctx context.Context, u *ui) error {
	if f.report.drop < 0 || f.report.drop == 1 || f.report.drop > 100 {
		return usagef("--drop-by-gain %d: want 2 to 100 folds", f.report.drop)
	}
	s, err := f.choose(ctx, u)
	if err != nil {
		return err
	}
	u.Step("score %d features on %d rows", len(s.Plan.Features()), len(s.Train))
	scores, err := s.Score(f.report.cfg)
	if err != nil {
		return err
	}
	months, psi := s.StabilityByMonth()
	if f.report.drop > 0 {
		params, err := training.ParseParams(f.report.params)
		if err != nil {
			return err
		}
		if err := s.DropByGain(ctx, u, scores, selection.GainOptions{Folds: f.report.drop,
			Tolerance: f.report.tolerance, Params: params}); err != nil {
			return err
		}
	}
	u.Done("%d to keep", selection.Kept(scores))
	if f.report.json {
		return u.json(newFeatureReport(s, scores, months, psi))
	}
	if err := screening.Write(u.out, scores); err != nil {
		return err
	}
	u.printf("%s\n", u.faint(s.Split))
	f.report.printMoved(u, scores, months, psi)
	return nil
}

// printMoved names the features that were not stable in some later months.
func (r *reportFlags) printMoved(u *ui, scores []screening.Score, months []string, psi [][]float64) {
	for i := range scores {
		worst, moved := -1, 0
		for k := range months {
			if psi[i][k] <= r.cfg.MaxPSI {
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
}

func newFeatureReport(s *selection.Selection, scores []screening.Score, months []string,
	psi [][]float64) featureReport {
	out := featureReport{Plan: s.Plan.Digest().String(), Train: len(s.Train), Later: len(s.Later),
		Split: s.Split, Keep: []string{}}
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
