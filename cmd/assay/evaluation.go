// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"time"

	"github.com/assayrisk/assay/training"

	"github.com/assayrisk/assay/models/eval"
)

// gather reads all that the flags name.
func (f *evaluateFlags) gather(ctx context.Context, u *ui) (*training.Evaluation, error) {
	if f.train == "" && f.before != "" {
		return nil, usagef("--before %s is about the training rows: name them with --train (--since bounds the rows "+
			"that are judged)", f.before)
	}
	if f.periods < 0 || f.periods > 120 {
		return nil, usagef("--backtest %d: want 0 to 120 periods", f.periods)
	}
	s, err := training.OpenScorer(f.model)
	if err != nil {
		return nil, err
	}
	if f.policy != "" {
		if s.Policy, err = policyFor(s, f.policy); err != nil {
			return nil, err
		}
	}
	if f.label == "" {
		f.label = s.Bundle.Manifest.Data.Label
	}
	if f.weight == "" {
		f.weight, f.mayLackWeight = s.Bundle.Manifest.Data.Weight, true
	}
	e := &training.Evaluation{Scorer: s, Purpose: f.purpose, Segments: f.segments, Groups: f.groups, Movable: f.movable}
	for _, dir := range f.challengers {
		r, err := training.OpenScorer(dir)
		if err != nil {
			return nil, err
		}
		e.Challengers = append(e.Challengers, r)
	}
	all := slices.Clone(e.Challengers)
	if f.champion != "" {
		if e.Champion, err = training.OpenScorer(f.champion); err != nil {
			return nil, err
		}
		all = append(all, e.Champion)
	}
	f.readAs(s.Plan.Spec(), all...)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	since, before, err := f.times()
	if err != nil {
		return nil, err
	}
	if e.Test, err = t.KnownOutcomes(u, s.Plan.Spec(), since, time.Time{}); err != nil {
		return nil, err
	}
	if n := len(t.All().Rows) - len(e.Test.Rows); n > 0 {
		e.Exclusions = append(e.Exclusions, eval.Exclusion{Rule: "decided before " + f.since, Rows: n})
	}
	if f.train != "" {
		tr := t
		if f.train != f.data {
			if tr, err = f.readFile(ctx, u, f.train); err != nil {
				return nil, err
			}
		}
		if e.Train, err = tr.KnownOutcomes(u, s.Plan.Spec(), time.Time{}, before); err != nil {
			return nil, err
		}
		e.Recipe, e.BacktestPeriods, e.Harden = s.Recipe(), f.periods, f.harden
	}
	if f.declined != "" {
		df := f.tableFlags
		df.unlabelled = true // nobody knows what would have become of them
		df.mayLackWeight = true
		d, err := df.readFile(ctx, u, f.declined)
		if err != nil {
			return nil, err
		}
		if err := s.Accept(u, d); err != nil {
			return nil, err
		}
		e.Declined = d.All()
	}
	if f.against != "" {
		if e.PolicyBefore, err = policyFor(s, f.against); err != nil {
			return nil, err
		}
	}
	if e.Economics, err = f.costs.economics(e.Test); err != nil {
		return nil, err
	}
	return e, f.gatherServed(ctx, u, e)
}
