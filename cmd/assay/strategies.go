// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

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
func (f *costFlags) economics(p part) (*eval.Economics, error) {
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
	at := p.frame.Record.Schema().FieldIndices(f.amount)
	if len(at) == 1 {
		e.Amount = numbersOf(p.frame.Record.Column(at[0]), p.rows)
	}
	if e.Amount == nil {
		return nil, fmt.Errorf("%w: %s has no column %q of numbers for --amount%s", assay.ErrInvalid, p.name, f.amount, nearest.Hint(f.amount, p.columns()))
	}
	for i, v := range e.Amount {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: --amount %s: row %d has no amount of 0 or more", assay.ErrInvalid, f.amount, p.place(p.rows[i]))
		}
	}
	return e, nil
}

// readPolicy reads a policy for the scorer's plan.
func (s *scorer) readPolicy(path string) (*policy.Policy, error) {
	yaml, err := readPolicy(path)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(yaml, scoring.PolicySchema(s.plan))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// strategies gives each row the policy's decision, and that of the policy
// before it.
func (e *evaluation) strategies(in *eval.Input, test *scored) error {
	after, err := e.scorer.strategy(test)
	if err != nil || after == nil {
		return err
	}
	in.Outcome, in.After = after.Outcome, after
	if e.before == nil {
		return nil
	}
	old := *e.scorer
	old.policy = e.before
	in.Before, err = old.strategy(test)
	return err
}

// strategy is what the scorer's policy decides about the rows; nil without one.
func (s *scorer) strategy(sc *scored) (*eval.Strategy, error) {
	decided, err := s.decide(sc)
	if err != nil || decided == nil {
		return nil, err
	}
	out := &eval.Strategy{Name: fmt.Sprintf("%s (%s)", s.policy.Name(), s.policy.Digest().Short())}
	states := false
	loss := make([]float64, len(decided))
	for i, d := range decided {
		out.Outcome = append(out.Outcome, eval.Outcome(d.Outcome))
		if math.IsNaN(d.ExpectedLoss) {
			continue
		}
		states = true
		if pd := sc.scores[i].PD; pd > 0 { // the policy's loss is PD x LGD x net exposure
			loss[i] = d.ExpectedLoss / pd
		}
	}
	if states {
		out.Loss = loss
	}
	return out, nil
}

// split fills the fields that the report splits rows by: segments, and the
// groups that fairness is measured for.
func (e *evaluation) split(in *eval.Input) error {
	names := e.segments
	if len(names) == 0 {
		names = e.tellingCategories(in)
	}
	for _, n := range names {
		c, err := e.test.category(n)
		if err != nil {
			return err
		}
		in.Segments = append(in.Segments, c)
	}
	names = e.groups
	if len(names) == 0 {
		for _, f := range e.scorer.plan.Fields() {
			if f.Sensitive && f.Kind != assay.Instant && e.test.frame.Record.Schema().HasField(f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	for _, n := range names {
		c, err := e.test.groups(n)
		if err != nil {
			return err
		}
		in.Groups = append(in.Groups, c)
	}
	return nil
}

// groups reads a column of groups; COLUMN=LEVEL names the group that the others
// are compared with.
func (p part) groups(name string) (eval.Category, error) {
	at := strings.LastIndexByte(name, '=')
	if at < 0 || p.frame.Record.Schema().HasField(name) {
		return p.category(name)
	}
	column, level := name[:at], name[at+1:]
	c, err := p.category(column)
	if err != nil {
		return c, err
	}
	if !slices.Contains(c.Levels, level) {
		return c, usagef("--group %s: the column %s has no group %q; it has %s", name, column, level, strings.Join(c.Levels, ", "))
	}
	c.Reference = level
	return c, nil
}

// tellingCategories names the two features of two to twelve levels, columns of
// the table under the same name, that say most about the outcome.
func (e *evaluation) tellingCategories(in *eval.Input) []string {
	type telling struct {
		name string
		iv   float64
	}
	var all []telling
	for _, f := range in.Features {
		// The last level is "other".
		if n := len(f.Categories) - 1; n < 2 || n > 12 || !e.test.frame.Record.Schema().HasField(f.Name) {
			continue
		}
		if b := eval.BinVariable(in.Label, f.Values, f.Categories); !math.IsNaN(b.IV) {
			all = append(all, telling{f.Name, b.IV})
		}
	}
	slices.SortStableFunc(all, func(a, b telling) int {
		switch {
		case a.iv > b.iv:
			return -1
		case a.iv < b.iv:
			return 1
		}
		return 0
	})
	var out []string
	for _, t := range all[:min(2, len(all))] {
		out = append(out, t.name)
	}
	return out
}
