// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
)

// recipe is what trained the bundle, as far as its manifest tells: the plan's
// spec, the parameters, and as many trees as it has. nil for a model that was
// trained elsewhere.
func (s *scorer) recipe() *recipe {
	m := &s.bundle.Manifest
	if m.Model.Trainer != "assay" {
		return nil
	}
	return &recipe{name: m.Name, spec: s.plan.Spec(), params: maps.Clone(m.Params), calibrate: s.bundle.Calibration.Method, folds: 3, trees: m.Model.Trees}
}

// backtest trains the recipe again and again, forward in time, on what the log
// held when each period began, and judges it on the period.
func (e *evaluation) backtest(ctx context.Context, u *ui, in *eval.Input) error {
	switch {
	case e.periods < 1 && e.recipe != nil:
		in.Unbacktested = "no period was asked for"
		return nil
	case e.train.table == nil:
		in.Unbacktested = "the rows that trained the model were not given"
		return nil
	case e.recipe == nil:
		in.Unbacktested = "the model was trained elsewhere, or its recipe was not handed on"
		return nil
	case e.train.clock == nil:
		in.Unbacktested = "no column says when the training rows were decided: a plan can name one, or --time"
		return nil
	}
	in.OutcomesAtOnce = e.train.log == nil
	all := e.train.table.all()
	all.rows = slices.Clone(all.rows)
	slices.SortStableFunc(all.rows, func(a, b int) int { return cmp.Compare(all.at(a), all.at(b)) })
	// The periods are of equal numbers of rows and fill the later half.
	half := len(all.rows) / 2
	for k := range e.periods {
		from, to := half+k*(len(all.rows)-half)/e.periods, half+(k+1)*(len(all.rows)-half)/e.periods
		// Rows of one time are not parted: a period takes all that share its first.
		from, to = all.sameTime(from), all.sameTime(to)
		if from >= to || from == 0 {
			continue
		}
		p, err := e.period(ctx, part{all.table, all.rows[from:to]})
		if errors.Is(err, assay.ErrInvalid) || errors.Is(err, models.ErrCalibration) {
			u.note("backtest: the period from %s is left out: %v", all.when(all.rows[from]).Format(time.DateOnly), err)
			continue
		}
		if err != nil {
			return fmt.Errorf("backtest from %s: %w", all.when(all.rows[from]).Format(time.DateOnly), err)
		}
		in.Backtest = append(in.Backtest, *p)
	}
	if len(in.Backtest) == 0 {
		in.Unbacktested = "no period has rows that could be trained on before it and judged in it"
	}
	return nil
}

// sameTime moves a position in rows sorted by time back to the first row of its
// time.
func (p part) sameTime(k int) int {
	for k > 0 && k < len(p.rows) && p.at(p.rows[k]) == p.at(p.rows[k-1]) {
		k--
	}
	return k
}

// period trains on the log as it stood when the part's first row came, and
// scores the part. What had no outcome then is not known to the training.
func (e *evaluation) period(ctx context.Context, test part) (*eval.Period, error) {
	quiet := newUI(io.Discard, io.Discard)
	first, last := test.rows[0], test.rows[len(test.rows)-1]
	then, err := test.before(quiet, e.recipe, test.when(first))
	if err != nil {
		return nil, err
	}
	f, err := e.recipe.fit(ctx, then, part{}, nil)
	if err != nil {
		return nil, err
	}
	cal, _, err := e.recipe.calibration(ctx, quiet, then)
	if err != nil {
		return nil, err
	}
	rows := slices.Sorted(slices.Values(test.rows))
	held := part{test.table, rows}
	margins, err := held.margins(ctx, f.plan, f.forest)
	if err != nil {
		return nil, err
	}
	p := &eval.Period{From: test.when(first), To: test.when(last), Trained: len(then.rows), Label: held.labels(), Weight: held.weights(), Margin: margins}
	for _, m := range margins {
		p.PD = append(p.PD, cal.Apply(m))
	}
	return p, nil
}

// before is the log as it stood at a time: its rows up to the first that came
// then or later, and the outcomes that those rows tell of. Of a labelled table,
// it is the rows decided before.
func (p part) before(u *ui, r *recipe, at time.Time) (part, error) {
	if p.log == nil {
		return p.table.all().between(time.Time{}, at)
	}
	end := 0
	for end < p.table.rows() && p.when(end).Before(at) {
		end++
	}
	frame := *p.frame
	frame.Record = p.frame.Record.NewSlice(0, int64(end))
	t := &table{name: p.name, frame: &frame, obeyed: true, timed: p.timed, weighed: p.weighed}
	if p.weight != nil {
		t.weight = p.weight[:end]
	}
	then, err := t.judged(u, r.spec, time.Time{}, time.Time{})
	if err == nil && len(then.rows) == 0 {
		return then, fmt.Errorf("%w: no outcome was known by then", assay.ErrInvalid)
	}
	return then, err
}

// at and when say when a row was decided.
func (p part) at(row int) int64 { return int64(p.clock.at.Value(row)) }

func (p part) when(row int) time.Time { return p.clock.at.Value(row).ToTime(p.clock.unit) }
