// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/assayrisk/assay/models/gbdt"
)

// search tries parameter settings on folds of the training rows and leaves the
// best in the recipe. The plan is fitted once, on all of them: what it learns
// (dictionaries, clip bounds) is the same for every setting.
func (f *trainFlags) search(ctx context.Context, u *ui, r *recipe, train part) (err error) {
	u.step("try %d parameter settings", f.tune)
	plan, report, err := r.fitPlan(ctx, train)
	if err != nil {
		return err
	}
	m, err := train.matrix(ctx, plan)
	if err != nil {
		return err
	}
	if err := report.OutOfFold(m); err != nil {
		return err
	}
	p, err := r.parse(plan)
	if err != nil {
		return err
	}
	k := f.cv
	if k == 0 {
		k = 5
	}
	positions := part{train.table, train.rows}
	divisions, err := divide(positions, k, f.cvBy, r.spec)
	if err != nil {
		return err
	}
	at := make(map[int]int, len(train.rows))
	for i, row := range train.rows {
		at[row] = i
	}
	for i := range divisions { // rows of the record become rows of the data set
		for _, rows := range [][]int{divisions[i].Train, divisions[i].Test} {
			for j := range rows {
				rows[j] = at[rows[j]]
			}
		}
	}
	opt := gbdt.TuneOptions{Trials: f.tune}
	if opt.Done, err = readTrials(f.tuneLog); err != nil {
		return err
	}
	var log *os.File
	if f.tuneLog != "" {
		if log, err = os.OpenFile(f.tuneLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.Close()) }()
	}
	var failed error
	opt.Each = func(t gbdt.Trial) {
		u.progress("setting %d of %d: %s %.4f", t.Number, f.tune, t.Metric, t.Mean)
		if log != nil {
			failed = errors.Join(failed, json.NewEncoder(log).Encode(t))
		}
	}
	if len(p.Metric) == 0 {
		p.Metric = []string{"auc"}
	}
	res, err := gbdt.Tune(ctx, train.dataset(plan, m), p, divisions, opt)
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	if r.params == nil {
		r.params = map[string]string{}
	}
	maps.Copy(r.params, res.Best.Params)
	r.params["num_iterations"] = fmt.Sprint(res.Params.NumIterations)
	r.notes = append(r.notes, fmt.Sprintf("Parameters are the best of %d settings on %d folds of the training rows (%s %.4f); the best of many flatters.",
		len(res.Trials), k, res.Best.Metric, res.Best.Mean))
	u.done("the best is setting %d, %s %.4f (standard deviation over folds %.4f): %s", res.Best.Number, res.Best.Metric, res.Best.Mean, res.Best.Std, formatKV(res.Best.Params))
	return nil
}

// readTrials reads the trials of an earlier search.
func readTrials(path string) ([]gbdt.Trial, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var out []gbdt.Trial
	for s := bufio.NewScanner(file); s.Scan(); {
		var t gbdt.Trial
		if err := json.Unmarshal(s.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("%s: line %d is not a trial: %w", path, len(out)+1, err)
		}
		out = append(out, t)
	}
	return out, nil
}
