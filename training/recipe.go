// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"fmt"
	"slices"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/serving/scoring"
)

// Recipe is everything that decides what a bundle will be: the same recipe on
// the same rows gives the same bundle, byte for byte.
type Recipe struct {
	Name      string
	Spec      *plantext.Spec
	Params    map[string]string // LightGBM's names
	Calibrate string
	Folds     int    // of the training rows, for out-of-fold calibration
	Policy    []byte // YAML, may be nil
	Notes     []string
	trees     int   // in place of the parameters' num_iterations; 0: as they say
	Base      *Base // a model to go on from, nil to begin anew
}

// Base is a trained model that another one begins from: with more trees, or
// with its own trees and new leaf values. Its plan is taken as it is frozen.
type Base struct {
	Plan   *features.Plan
	Model  *models.Model
	Digest string
	Refit  bool
}

// Note says in the manifest where the model comes from.
func (b *Base) Note() string {
	if b.Refit {
		return "The trees are those of model " + b.Digest + "; their leaf values were fitted again on this data."
	}
	return fmt.Sprintf("The first %d trees are those of model %s; training went on from them on this data.",
		len(b.Model.Trees), b.Digest)
}

// Fitted is one plan and the forest that was trained on its vectors.
type Fitted struct {
	Plan   *features.Plan
	Matrix *features.Matrix // of the training table, all its rows
	Rows   []int            // of that table, those trained on: what cleaning left
	Report *features.FitReport
	Result *gbdt.Result
	Forest *forest.Forest

	OutOfFold []float64 // margin of each row given for training, by a model that did not see it; nil = none was needed
}

// Fit learns a plan and a forest from the training rows. valid rows, if any,
// stop the training early.
func (r *Recipe) Fit(ctx context.Context, train, valid Subset, progress func(gbdt.Progress)) (*Fitted, error) {
	plan, report, err := r.fitPlan(ctx, train)
	if err != nil {
		return nil, err
	}
	train.Rows = report.Kept // what the plan's cleaning left
	p, err := r.trainerParams(plan)
	if err != nil {
		return nil, err
	}
	m, err := train.Matrix(ctx, plan)
	if err != nil {
		return nil, err
	}
	opt := gbdt.Options{Progress: progress}
	if len(valid.Rows) == 0 && r.trees > 0 {
		p.EarlyStoppingRound = 0 // it has happened already
	}
	if len(valid.Rows) > 0 {
		vm, err := valid.Matrix(ctx, plan)
		if err != nil {
			return nil, fmt.Errorf("validation rows: %w", err)
		}
		opt.Valid = valid.dataset(plan, vm)
	}
	data := train.dataset(plan, m)
	if r.Base == nil && r.targetEncoded() {
		// What a target encoding says of a row must not have seen its label.
		blind := &features.Matrix{Rows: m.Rows, Plan: m.Plan, Row: m.Row}
		for _, c := range m.Columns {
			blind.Columns = append(blind.Columns, slices.Clone(c))
		}
		if err := report.OutOfFold(blind); err != nil {
			return nil, err
		}
		data = train.dataset(plan, blind)
	}
	res, err := r.grow(ctx, data, p, opt)
	if err != nil {
		return nil, err
	}
	f, err := forest.Compile(res.Model)
	if err != nil {
		return nil, err
	}
	return &Fitted{Plan: plan, Matrix: m, Rows: train.Rows, Report: report, Result: res, Forest: f}, nil
}

// targetEncoded reports whether the plan learns features from labels.
func (r *Recipe) targetEncoded() bool {
	return slices.ContainsFunc(r.Spec.Features, func(f plantext.FeatureSpec) bool {
		return f.Kernel == "woe" || f.Kernel == "target_mean"
	})
}

// trainerParams turns the parameters into the trainer's, with the plan's monotone
// directions unless the parameters name their own.
func (r *Recipe) trainerParams(plan *features.Plan) (gbdt.Params, error) {
	kv := map[string]string{}
	for k, v := range r.Params {
		kv[k] = v
	}
	p, err := gbdt.ParseParams(kv)
	if err != nil {
		return p, err
	}
	if r.trees > 0 {
		p.NumIterations = r.trees
	}
	if p.MonotoneConstraints == nil {
		var any bool
		dirs := make([]int8, len(plan.Features()))
		for i, f := range plan.Features() {
			dirs[i] = f.Monotone
			any = any || f.Monotone != 0
		}
		if any {
			p.MonotoneConstraints = dirs
		}
	}
	return p, nil
}

// dataset is the subset in the form that the trainer takes.
func (p Subset) dataset(plan *features.Plan, m *features.Matrix) *gbdt.Dataset {
	d := &gbdt.Dataset{Label: p.Labels(), Weight: p.Weights()}
	rows := matrixRows(m, p.Rows)
	for j, f := range plan.Features() {
		d.Names = append(d.Names, f.Name)
		d.Categorical = append(d.Categorical, f.Categorical)
		d.Columns = append(d.Columns, pickRows(m.Columns[j], rows))
	}
	return d
}

// Margins scores the subset with a forest.
func (p Subset) Margins(ctx context.Context, plan *features.Plan, f *forest.Forest) ([]float64, error) {
	m, err := p.Matrix(ctx, plan)
	if err != nil {
		return nil, err
	}
	return matrixMargins(m, f, p.Rows), nil
}

// matrixMargins scores the matrix's vectors of the given rows of the record.
func matrixMargins(m *features.Matrix, f *forest.Forest, rows []int) []float64 {
	rows = matrixRows(m, rows)
	const block = 1024
	width := len(m.Columns)
	x := make([]float64, block*width)
	out := make([]float64, len(rows))
	for at := 0; at < len(rows); at += block {
		part := rows[at:min(at+block, len(rows))]
		for i, r := range part {
			for j, c := range m.Columns {
				x[i*width+j] = c[r]
			}
		}
		f.Margins(out[at:at+len(part)], x[:len(part)*width])
	}
	return out
}

// fitPlan learns the plan from the training rows, unless a base brings it. A
// plan or a policy that no server would open is refused here, before anything
// is trained.
func (r *Recipe) fitPlan(ctx context.Context, train Subset) (*features.Plan, *features.FitReport, error) {
	if r.Base != nil {
		if err := NeedColumns(r.Base.Plan, train.Table); err != nil {
			return nil, nil, err
		}
		return r.Base.Plan, &features.FitReport{Rows: len(train.Rows), Kept: train.Rows},
			scoring.CheckPlan(r.Base.Plan, r.Policy)
	}
	log, err := train.Play(ctx, r.Spec)
	if err != nil {
		return nil, nil, err
	}
	plan, report, err := log.Fit(ctx, train.Rows)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", train.Name, err)
	}
	if err := NeedColumns(plan, train.Table); err != nil {
		return nil, nil, err
	}
	return plan, report, scoring.CheckPlan(plan, r.Policy)
}

// grow trains a model, or goes on from the base.
func (r *Recipe) grow(ctx context.Context, d *gbdt.Dataset, p gbdt.Params, opt gbdt.Options) (*gbdt.Result, error) {
	switch {
	case r.Base == nil:
		return gbdt.Train(ctx, d, p, opt)
	case r.Base.Refit:
		m, err := gbdt.Refit(ctx, r.Base.Model, d, p)
		if err != nil {
			return nil, err
		}
		return &gbdt.Result{Model: m, BestIteration: len(m.Trees)}, nil
	}
	opt.Init = r.Base.Model
	return gbdt.Train(ctx, d, p, opt)
}
