// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/serving/scoring"
)

// base is a trained model that another one begins from: with more trees, or
// with its own trees and new leaf values. Its plan is taken as it is frozen.
type base struct {
	plan   *features.Plan
	model  *models.Model
	digest string
	refit  bool
}

// openBase reads the bundle that --continue or --refit names; nil for neither.
func openBase(continued, refit string) (*base, error) {
	dir := continued + refit
	switch {
	case dir == "":
		return nil, nil
	case continued != "" && refit != "":
		return nil, usagef("--continue and --refit exclude each other: one grows trees, the other keeps them")
	}
	s, err := openScorer(dir)
	if err != nil {
		return nil, err
	}
	return &base{plan: s.plan, model: s.bundle.Model, digest: s.bundle.Digest.String(), refit: refit != ""}, nil
}

// note says in the manifest where the model comes from.
func (b *base) note() string {
	if b.refit {
		return "The trees are those of model " + b.digest + "; their leaf values were fitted again on this data."
	}
	return fmt.Sprintf("The first %d trees are those of model %s; training went on from them on this data.", len(b.model.Trees), b.digest)
}

// fitPlan learns the plan from the training rows, unless a base brings it. A
// plan or a policy that no server would open is refused here, before anything
// is trained.
func (r *recipe) fitPlan(ctx context.Context, train part) (*features.Plan, *features.FitReport, error) {
	if r.base != nil {
		if err := needColumns(r.base.plan, train.table); err != nil {
			return nil, nil, err
		}
		return r.base.plan, &features.FitReport{Rows: len(train.rows), Kept: train.rows}, scoring.CheckPlan(r.base.plan, r.policy)
	}
	log, err := train.play(ctx, r.spec)
	if err != nil {
		return nil, nil, err
	}
	plan, report, err := log.Fit(ctx, train.rows)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", train.name, err)
	}
	if err := needColumns(plan, train.table); err != nil {
		return nil, nil, err
	}
	return plan, report, scoring.CheckPlan(plan, r.policy)
}

// grow trains a model, or goes on from the base.
func (r *recipe) grow(ctx context.Context, d *gbdt.Dataset, p gbdt.Params, opt gbdt.Options) (*gbdt.Result, error) {
	switch {
	case r.base == nil:
		return gbdt.Train(ctx, d, p, opt)
	case r.base.refit:
		m, err := gbdt.Refit(ctx, r.base.model, d, p)
		if err != nil {
			return nil, err
		}
		return &gbdt.Result{Model: m, BestIteration: len(m.Trees)}, nil
	}
	opt.Init = r.base.model
	return gbdt.Train(ctx, d, p, opt)
}
