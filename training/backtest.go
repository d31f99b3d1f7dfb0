// SPDX-License-Identifier: Apache-2.0

package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval/report"
)

// Recipe is what trained the bundle, as far as its manifest tells: the plan's
// spec, the parameters, and as many trees as it has. nil for a model that was
// trained elsewhere.
func (s *Scorer) Recipe() *Recipe {
	m := &s.Bundle.Manifest
	if m.Model.Trainer != "assay" {
		return nil
	}
	return &Recipe{Name: m.Name, Spec: s.Plan.Spec(), Params: maps.Clone(m.Params),
		Calibrate: s.Bundle.Calibration.Method, Folds: 3, trees: m.Model.Trees}
}

// addBacktest trains the recipe again and again, forward in time, on what the log
// held when each period began, and judges it on the period.
func (e *Evaluation) addBacktest(ctx context.Context, u Progress, in *report.Input) error {
	switch {
	case e.BacktestPeriods < 1 && e.Recipe != nil:
		in.BacktestSkipped = "no period was asked for"
		return nil
	case e.Train.Table == nil:
		in.BacktestSkipped = "the rows that trained the model were not given"
		return nil
	case e.Recipe == nil:
		in.BacktestSkipped = "the model was trained elsewhere, or its recipe was not handed on"
		return nil
	case e.Train.clock == nil:
		in.BacktestSkipped = "no column says when the training rows were decided: a plan can name one, or --time"
		return nil
	}
	in.OutcomesAtOnce = e.Train.log == nil
	all := e.Train.Table.All()
	all.Rows = slices.Clone(all.Rows)
	slices.SortStableFunc(all.Rows, func(a, b int) int { return cmp.Compare(all.timeMicros(a), all.timeMicros(b)) })
	// The periods are of equal numbers of rows and fill the later half.
	half := len(all.Rows) / 2
	for k := range e.BacktestPeriods {
		from, to := half+k*(len(all.Rows)-half)/e.BacktestPeriods, half+(k+1)*(len(all.Rows)-half)/e.BacktestPeriods
		// Rows of one time are not parted: a period takes all that share its first.
		from, to = all.sameTime(from), all.sameTime(to)
		if from >= to || from == 0 {
			continue
		}
		p, err := e.period(ctx, Subset{all.Table, all.Rows[from:to]})
		if errors.Is(err, assay.ErrInvalid) || errors.Is(err, models.ErrCalibration) {
			u.Note("backtest: the period from %s is left out: %v", all.timeOf(all.Rows[from]).Format(time.DateOnly),
				err)
			continue
		}
		if err != nil {
			return fmt.Errorf("backtest from %s: %w", all.timeOf(all.Rows[from]).Format(time.DateOnly), err)
		}
		in.Backtest = append(in.Backtest, *p)
	}
	if len(in.Backtest) == 0 {
		in.BacktestSkipped = "no period has rows that could be trained on before it and judged in it"
	}
	return nil
}

// sameTime moves a position in rows sorted by time back to the first row of its
// time.
func (p Subset) sameTime(k int) int {
	for k > 0 && k < len(p.Rows) && p.timeMicros(p.Rows[k]) == p.timeMicros(p.Rows[k-1]) {
		k--
	}
	return k
}

// period trains on the log as it was when the subset's first row came, and
// scores the subset. Rows whose outcome was open then are not trained on.
func (e *Evaluation) period(ctx context.Context, test Subset) (*report.Period, error) {
	quiet := Quiet{}
	first, last := test.Rows[0], test.Rows[len(test.Rows)-1]
	then, err := test.asOf(quiet, e.Recipe, test.timeOf(first))
	if err != nil {
		return nil, err
	}
	f, err := e.Recipe.Fit(ctx, then, Subset{}, nil)
	if err != nil {
		return nil, err
	}
	cal, _, err := e.Recipe.calibration(ctx, quiet, then)
	if err != nil {
		return nil, err
	}
	rows := slices.Sorted(slices.Values(test.Rows))
	held := Subset{test.Table, rows}
	margins, err := held.Margins(ctx, f.Plan, f.Forest)
	if err != nil {
		return nil, err
	}
	p := &report.Period{From: test.timeOf(first), To: test.timeOf(last), Trained: len(then.Rows), Label: held.Labels(),
		Weight: held.Weights(), Margin: margins}
	for _, m := range margins {
		p.PD = append(p.PD, cal.Apply(m))
	}
	return p, nil
}

// asOf is the log as it was at a time: its rows up to the first that came
// then or later, and the outcomes that those rows tell of. Of a labelled table,
// it is the rows decided before.
func (p Subset) asOf(u Progress, r *Recipe, at time.Time) (Subset, error) {
	if p.log == nil {
		return p.Table.All().between(time.Time{}, at)
	}
	end := 0
	for end < p.Table.NumRows() && p.timeOf(end).Before(at) {
		end++
	}
	frame := *p.Frame
	frame.Record = p.Frame.Record.NewSlice(0, int64(end))
	t := &Table{Name: p.Name, Frame: &frame, rulesApplied: true, TimeColumn: p.TimeColumn, weightColumn: p.weightColumn}
	if p.Weight != nil {
		t.Weight = p.Weight[:end]
	}
	then, err := t.KnownOutcomes(u, r.Spec, time.Time{}, time.Time{})
	if err == nil && len(then.Rows) == 0 {
		return then, fmt.Errorf("%w: no outcome was known by then", assay.ErrInvalid)
	}
	return then, err
}
