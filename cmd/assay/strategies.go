// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/training"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

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
func (f *costFlags) economics(p training.Part) (*eval.Economics, error) {
	if f.profit == 0 && f.loss == 0 && f.amount == "" && f.unit == "" {
		return nil, nil
	}
	if !(f.profit > 0 && f.loss > 0) || math.IsInf(f.profit+f.loss, 0) {
		return nil, usagef("--profit %v --loss %v: state both, above 0", f.profit, f.loss)
	}
	e := &eval.Economics{Unit: f.unit, Profit: f.profit, Loss: f.loss}
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
				f.amount, p.Place(p.Rows[i]))
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
