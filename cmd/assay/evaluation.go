// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
	"github.com/assayrisk/assay/training"
)

// gatherInput reads all that the flags name.
func (f *evaluateFlags) gatherInput(ctx context.Context, u *ui) (*training.Evaluation, error) {
	if f.train == "" && f.before != "" {
		return nil, usagef("--before %s is about the training rows: name them with --train (--since bounds the rows "+
			"that are judged)", f.before)
	}
	if f.periods < 0 || f.periods > 120 {
		return nil, usagef("--backtest %d: want 0 to 120 periods", f.periods)
	}
	since, before, err := f.times()
	if err != nil {
		return nil, err
	}
	e, err := f.openBundles()
	if err != nil {
		return nil, err
	}
	s := e.Scorer
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	if e.Test, err = t.KnownOutcomes(u, s.Plan.Spec(), since, time.Time{}); err != nil {
		return nil, err
	}
	if n := len(t.All().Rows) - len(e.Test.Rows); n > 0 {
		e.Exclusions = append(e.Exclusions, report.Exclusion{Rule: "decided before " + f.since, Rows: n})
	}
	if f.train != "" {
		trained := t
		if f.train != f.data {
			if trained, err = f.readFile(ctx, u, f.train); err != nil {
				return nil, err
			}
		}
		if e.Train, err = trained.KnownOutcomes(u, s.Plan.Spec(), time.Time{}, before); err != nil {
			return nil, err
		}
		e.Recipe, e.BacktestPeriods, e.Harden = s.Recipe(), f.periods, f.harden
	}
	if err := f.readDeclined(ctx, u, e); err != nil {
		return nil, err
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

// openBundles opens the model, its challengers and the champion, and settles how
// the tables are read that they score.
func (f *evaluateFlags) openBundles() (*training.Evaluation, error) {
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
		c, err := training.OpenScorer(dir)
		if err != nil {
			return nil, err
		}
		e.Challengers = append(e.Challengers, c)
	}
	rivals := slices.Clone(e.Challengers)
	if f.champion != "" {
		if e.Champion, err = training.OpenScorer(f.champion); err != nil {
			return nil, err
		}
		rivals = append(rivals, e.Champion)
	}
	f.readAs(s.Plan.Spec(), rivals...)
	return e, nil
}

// readDeclined reads the applications that were declined, if --declined names
// them: nobody knows what would have become of them.
func (f *evaluateFlags) readDeclined(ctx context.Context, u *ui, e *training.Evaluation) error {
	if f.declined == "" {
		return nil
	}
	flags := f.tableFlags
	flags.unlabelled, flags.mayLackWeight = true, true
	t, err := flags.readFile(ctx, u, f.declined)
	if err != nil {
		return err
	}
	if err := e.Scorer.Accept(u, t); err != nil {
		return err
	}
	e.Declined = t.All()
	return nil
}

// costFlags say what decisions are worth.
type costFlags struct {
	profit, loss float64
	amount, unit string
}

func (f *costFlags) register(c *cobra.Command) {
	c.Flags().Float64Var(&f.profit, "profit", 0, "what an approved good row earns, per unit of --amount")
	c.Flags().Float64Var(&f.loss, "loss", 0, "what an approved bad row costs, per unit of --amount")
	c.Flags().StringVar(&f.amount, "amount", "", "column that holds each row's exposure (default: every row counts 1)")
	c.Flags().StringVar(&f.unit, "unit", "", "currency of --profit, --loss and --amount")
}

// economics returns nil where nothing is stated.
func (f *costFlags) economics(p training.Subset) (*report.Economics, error) {
	if f.profit == 0 && f.loss == 0 && f.amount == "" && f.unit == "" {
		return nil, nil
	}
	if !(f.profit > 0 && f.loss > 0) || math.IsInf(f.profit+f.loss, 0) {
		return nil, usagef("--profit %v --loss %v: state both, above 0", f.profit, f.loss)
	}
	e := &report.Economics{Unit: f.unit, Profit: f.profit, Loss: f.loss}
	if f.amount == "" {
		return e, nil
	}
	at := p.Frame.Record.Schema().FieldIndices(f.amount)
	if len(at) == 1 {
		e.Amount = training.Numbers(p.Frame.Record.Column(at[0]), p.Rows)
	}
	if e.Amount == nil {
		return nil, fmt.Errorf("%w: %s has no column %q of numbers for --amount%s", assay.ErrInvalid, p.Name, f.amount,
			nearest.Hint(f.amount, p.Columns()))
	}
	for i, v := range e.Amount {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: --amount %s: row %d has no amount of 0 or more", assay.ErrInvalid,
				f.amount, p.RowInFile(p.Rows[i]))
		}
	}
	return e, nil
}

// policyFor reads a policy for a scorer's plan.
func policyFor(s *training.Scorer, path string) (*policy.Policy, error) {
	yaml, err := readPolicy(path)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(yaml, scoring.PolicySchema(s.Plan))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
