// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
)

type trainFlags struct {
	tableFlags
	plan, params, valid, calibrate, policy, out, name string
	before, cvBy, tuneLog, continued, refit           string
	folds, cv, tune                                   int
	json, stream                                      bool
}

func trainCommand(u *ui) *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train --data F --out BUNDLE",
		Short: "Fit a plan, train a model, calibrate it, write a bundle",
		Example: "  assay train --data credit_data --out bundle\n" +
			"  assay train --data loans.csv --label defaulted --params num_leaves=15,learning_rate=0.05 --out bundle",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			need := []string{"data", "out"}
			if f.cv > 0 && f.tune == 0 {
				need = need[:1]
			}
			if err := requireFlags(c, need...); err != nil {
				return err
			}
			return f.run(c.Context(), u)
		},
	}
	fl := c.Flags()
	f.register(c, "training rows")
	f.registerLabel(c)
	f.registerTime(c)
	f.registerWeight(c, "every row counts once")
	fl.StringVar(&f.plan, "plan", "",
		"feature plan, YAML (default: inferred from the data, and written next to the bundle as BUNDLE.plan.yaml, to "+
			"be edited)")
	fl.StringVar(&f.params, "params", "", "training parameters under LightGBM's names, k=v,...")
	fl.StringVar(&f.valid, "valid", "", "rows for early stopping, a file like --data's")
	fl.StringVar(&f.before, "before", "", "train on rows decided before that day or time")
	fl.StringVar(&f.calibrate, "calibrate", models.CalibrationPlatt,
		"margin to probability, fitted out of fold: isotonic, platt, beta or none")
	fl.IntVar(&f.folds, "folds", 5, "folds of the training rows for the calibration")
	fl.IntVar(&f.cv, "cv", 0, "cross-validate on that many stratified folds, print the table, and write no bundle")
	fl.StringVar(&f.cvBy, "cv-by", "stratified",
		"how --cv and --tune divide: stratified, forward (in time), or a column whose values are kept together")
	fl.IntVar(&f.tune, "tune", 0, "try that many parameter settings on the folds and train with the best")
	fl.StringVar(&f.tuneLog, "tune-log", "", "file of the trials, one JSON object a line; a search goes on from it")
	fl.StringVar(&f.continued, "continue", "",
		"bundle to go on from: its plan, its trees, and --params' num_iterations more of them")
	fl.StringVar(&f.refit, "refit", "", "bundle whose trees are kept, with leaf values fitted to these rows")
	fl.BoolVar(&f.stream, "stream", false,
		"read the rows in pieces, for a table larger than memory: only the binned matrix is kept")
	fl.StringVar(&f.policy, "policy", "",
		"decision policy, YAML (default: cut-offs on the probability, at half and one and a half times the base rate)")
	fl.StringVar(&f.out, "out", "", "directory of the bundle to write")
	fl.StringVar(&f.name, "name", "", "the model's name (default: that of the --out directory)")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	return c
}

// trainSummary is what `assay train --json` prints. Its keys are stable.
type trainSummary struct {
	Bundle   string             `json:"bundle"`
	Model    string             `json:"model"`
	Plan     string             `json:"plan"`
	Rows     int                `json:"n"`
	BadRate  float64            `json:"bad_rate"`
	Features int                `json:"features"`
	Trees    int                `json:"trees"`
	Metrics  map[string]float64 `json:"metrics"`
}

func (f *trainFlags) run(ctx context.Context, u *ui) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.out != "" {
		if err := checkBundleTarget(f.out); err != nil {
			return err
		}
	}
	before, err := parseTime("before", f.before)
	if err != nil {
		return err
	}
	r, err := f.recipe(ctx)
	if err != nil {
		return err
	}
	f.readAs(r.Spec)
	if f.stream {
		return f.runStream(ctx, u, r)
	}
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	if r.Name == "" {
		r.Name = bundleName(f.out, t.Name)
	}
	if r.Spec == nil {
		if r.Spec, err = training.InferSpec(u, t); err != nil {
			return err
		}
		r.Spec.Time = f.timed
	}
	train, err := t.KnownOutcomes(u, r.Spec, time.Time{}, before)
	if err != nil {
		return err
	}
	switch {
	case f.tune > 0:
		err = r.Tune(ctx, u, train, training.TuneOptions{Settings: f.tune, Folds: f.cv, By: f.cvBy, Log: f.tuneLog})
	case f.cv > 0:
		return f.crossValidate(ctx, u, r, train)
	}
	if err != nil {
		return err
	}
	valid, err := f.validation(ctx, u, r, t)
	if err != nil {
		return err
	}
	b, fit, err := r.Build(ctx, u, train, valid)
	if err != nil {
		return err
	}
	for _, p := range []training.Subset{train, valid} {
		if p.Table == nil {
			continue
		}
		if err := training.NeedColumns(fit.Plan, p.Table); err != nil {
			return err
		}
		if err := training.NoteUnseen(u, fit.Plan, p.Table); err != nil {
			return err
		}
	}
	return f.finish(ctx, u, b, r.Spec)
}

// check reports flags that exclude each other or are out of range.
func (f *trainFlags) check() error {
	goesOn := f.continued+f.refit != ""
	switch {
	case f.folds < 2 || f.folds > 100 || f.cv < 0 || f.cv == 1 || f.cv > 100:
		return usagef("--folds %d, --cv %d: want 2 to 100", f.folds, f.cv)
	case goesOn && (f.plan != "" || f.tune > 0 || f.stream):
		return usagef("--continue and --refit take the bundle's plan and all rows at once: leave out --plan, --tune " +
			"and --stream")
	case f.continued != "" && f.refit != "":
		return usagef("--continue and --refit exclude each other: one grows trees, the other keeps them")
	case f.tune < 0 || f.tune > 10_000:
		return usagef("--tune %d: want 1 to 10000", f.tune)
	case f.stream && f.weight != "":
		return usagef("--stream takes every row as one: leave out --weight, or read the table at once")
	case f.stream && (f.cv > 0 || f.tune > 0 || f.before != ""):
		return usagef("--stream trains on all rows in one go: leave out --cv, --tune and --before")
	}
	return nil
}

// recipe is what the flags say of the model, before any row is read. Its spec is
// nil where it is to be inferred.
func (f *trainFlags) recipe(ctx context.Context) (*training.Recipe, error) {
	params, err := training.ParseParams(f.params)
	if err != nil {
		return nil, err
	}
	r := &training.Recipe{Name: f.name, Params: params, Calibrate: f.calibrate, Folds: f.folds}
	if dir := f.continued + f.refit; dir != "" {
		s, err := training.OpenScorer(dir)
		if err != nil {
			return nil, err
		}
		r.Base = &training.Base{Plan: s.Plan, Model: s.Bundle.Model, Digest: s.Bundle.Digest.String(),
			Refit: f.refit != ""}
		r.Spec, r.Notes = s.Plan.Spec(), []string{r.Base.Note()}
	} else if r.Spec, err = readSpec(ctx, f.plan); err != nil {
		return nil, err
	}
	r.Policy, err = chosenPolicy(f.policy)
	return r, err
}

// validation reads the rows that stop the training early; none without --valid.
func (f *trainFlags) validation(ctx context.Context, u *ui, r *training.Recipe, t *training.Table) (training.Subset,
	error) {
	if f.valid == "" {
		return training.Subset{}, nil
	}
	flags := f.tableFlags
	flags.label = t.Frame.Label
	v, err := flags.readFile(ctx, u, f.valid)
	if err != nil {
		return training.Subset{}, err
	}
	return v.KnownOutcomes(u, r.Spec, time.Time{}, time.Time{})
}

// runStream trains on a table that need not fit in memory. It is read twice:
// to count its rows and draw the sample that plan and bins are fitted on, and
// to bin them.
func (f *trainFlags) runStream(ctx context.Context, u *ui, r *training.Recipe) error {
	if r.Name == "" {
		r.Name = bundleName(f.out, strings.TrimSuffix(filepath.Base(f.data), filepath.Ext(f.data)))
	}
	b, err := r.TrainStream(ctx, u, f.data, f.options())
	if err != nil {
		return err
	}
	return f.finish(ctx, u, b, r.Spec)
}

// finish writes the bundle, with the plan next to it if it was inferred, and
// says what is in it. A command that has been cancelled writes nothing.
func (f *trainFlags) finish(ctx context.Context, u *ui, b *models.Bundle, plan *plantext.Spec) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped before %s was written: %w", f.out, err)
	}
	if f.plan == "" && f.continued+f.refit == "" {
		if err := writePlan(u, f.out, plan); err != nil {
			return err
		}
	} else if err := removeOldPlan(u, f.out, b.Plan); err != nil {
		return err
	}
	if err := training.WriteBundle(f.out, b); err != nil {
		return err
	}
	s := trainSummary{
		Bundle: f.out, Model: b.Digest.String(), Plan: b.Manifest.Plan.String(), Rows: b.Manifest.Data.Rows,
		BadRate: b.Manifest.Data.BadRate, Features: b.Manifest.Model.Features, Trees: b.Manifest.Model.Trees,
		Metrics: b.Manifest.Metrics,
	}
	if f.json {
		return u.json(s)
	}
	u.printf("%s  %s\n", u.bold("bundle"), f.out)
	u.printf("model   %s\nplan    %s\n", s.Model, s.Plan)
	u.printf("trained on %d rows (%.1f %% bad): %d trees on %d features\n", s.Rows, 100*s.BadRate, s.Trees, s.Features)
	for _, k := range sortedKeys(s.Metrics) {
		u.printf("%-10s %.4f\n", k, s.Metrics[k])
	}
	return nil
}

// crossValidate prints the folds' table.
func (f *trainFlags) crossValidate(ctx context.Context, u *ui, r *training.Recipe, t training.Subset) error {
	u.Step("train on %d folds", f.cv)
	divisions, err := training.Divide(t, f.cv, f.cvBy, r.Spec)
	if err != nil {
		return err
	}
	folds, _, err := r.CrossValidate(ctx, u, t, divisions)
	if err != nil {
		return err
	}
	u.Done("%d models", len(folds))
	if f.json {
		mean, se := training.MeanAUC(folds)
		return u.json(struct {
			AUC   float64              `json:"auc"`
			SE    float64              `json:"auc_se"`
			Rows  int                  `json:"n"`
			Folds []training.FoldScore `json:"folds"`
		}{mean, se, len(t.Rows), folds})
	}
	printFolds(u, folds)
	return nil
}

// readSpec reads a plan and the tables that it looks values up in; nil for no path.
func readSpec(ctx context.Context, path string) (*plantext.Spec, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	spec, err := features.ParseSpec(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return spec, training.ReadLookups(ctx, spec, path)
}

// printFolds shows the folds as a table.
func printFolds(u *ui, folds []training.FoldScore) {
	u.printf("%s\n", u.bold("fold   rows  bad rate     AUC     KS  log-loss  trees"))
	for i, f := range folds {
		u.printf("%4d  %5d  %8s  %.4f  %.3f  %8.4f  %5d\n", i+1, f.Rows, numfmt.Share(f.BadRate), f.AUC,
			f.KS, f.LogLoss, f.Trees)
	}
	mean, se := training.MeanAUC(folds)
	u.printf("mean AUC %s, standard error of the mean %.4f\n", u.bold(fixed(mean, 4)), se)
}
