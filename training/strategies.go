// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report"
)

// addStrategies gives each row the policy's decision, and that of the policy
// before it.
func (e *Evaluation) addStrategies(in *report.Input, test *Scored) error {
	after, err := e.Scorer.strategy(test)
	if err != nil || after == nil {
		return err
	}
	in.Outcome, in.After = after.Outcome, after
	if e.PolicyBefore == nil {
		return nil
	}
	old := *e.Scorer
	old.Policy = e.PolicyBefore
	in.Before, err = old.strategy(test)
	return err
}

// strategy is what the scorer's policy decides about the rows; nil without one.
func (s *Scorer) strategy(sc *Scored) (*report.Strategy, error) {
	decided, err := s.Decide(sc)
	if err != nil || decided == nil {
		return nil, err
	}
	out := &report.Strategy{Name: fmt.Sprintf("%s (%s)", s.Policy.Name(), s.Policy.Digest().Short())}
	states := false
	loss := make([]float64, len(decided))
	for i, d := range decided {
		out.Outcome = append(out.Outcome, assay.Outcome(d.Outcome))
		if math.IsNaN(d.ExpectedLoss) {
			continue
		}
		states = true
		if pd := sc.Scores[i].PD; pd > 0 { // the policy's loss is PD x LGD x net exposure
			loss[i] = d.ExpectedLoss / pd
		}
	}
	if states {
		out.Loss = loss
	}
	return out, nil
}

// addSplits fills the fields that the report splits rows by: segments, and the
// groups that fairness is measured for.
func (e *Evaluation) addSplits(in *report.Input) error {
	names := e.Segments
	if len(names) == 0 {
		names = e.tellingCategories(in)
	}
	for _, n := range names {
		c, err := e.Test.category(n)
		if err != nil {
			return err
		}
		in.Segments = append(in.Segments, c)
	}
	names = e.Groups
	if len(names) == 0 {
		for _, f := range e.Scorer.Plan.Fields() {
			if f.Sensitive && f.Kind != assay.Instant && e.Test.Frame.Record.Schema().HasField(f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	for _, n := range names {
		c, err := e.Test.groups(n)
		if err != nil {
			return err
		}
		in.Groups = append(in.Groups, c)
	}
	return nil
}

// groups reads a column of groups; COLUMN=LEVEL names the group that the others
// are compared with.
func (p Subset) groups(name string) (report.Category, error) {
	at := strings.LastIndexByte(name, '=')
	if at < 0 || p.Frame.Record.Schema().HasField(name) {
		return p.category(name)
	}
	column, level := name[:at], name[at+1:]
	c, err := p.category(column)
	if err != nil {
		return c, err
	}
	if !slices.Contains(c.Levels, level) {
		return c, optionError("--group %s: the column %s has no group %q; it has %s", name, column, level,
			strings.Join(c.Levels, ", "))
	}
	c.Reference = level
	return c, nil
}

// tellingCategories names the two features of two to twelve levels, columns of
// the table under the same name, that say most about the outcome.
func (e *Evaluation) tellingCategories(in *report.Input) []string {
	type telling struct {
		name string
		iv   float64
	}
	var all []telling
	for _, f := range in.Features {
		// The last level is "other".
		if n := len(f.Categories) - 1; n < 2 || n > 12 || !e.Test.Frame.Record.Schema().HasField(f.Name) {
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
