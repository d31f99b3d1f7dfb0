// SPDX-License-Identifier: Apache-2.0

package training

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

// TuneOptions say how parameter settings are tried.
type TuneOptions struct {
	Settings int    // how many are tried
	Folds    int    // of the training rows; 0: 5
	By       string // how they are divided, see Divide
	Log      string // file of the trials, one JSON object a line, which a search goes on from; "": none
}

// Tune tries parameter settings on folds of the training rows and leaves the
// best in the recipe. The plan is fitted once, on all of them: what it learns
// (dictionaries, clip bounds) is the same for every setting.
func (r *Recipe) Tune(ctx context.Context, u Progress, train Subset, o TuneOptions) (err error) {
	u.Step("try %d parameter settings", o.Settings)
	plan, report, err := r.fitPlan(ctx, train)
	if err != nil {
		return err
	}
	m, err := train.Matrix(ctx, plan)
	if err != nil {
		return err
	}
	if err := report.OutOfFold(m); err != nil {
		return err
	}
	p, err := r.trainerParams(plan)
	if err != nil {
		return err
	}
	k := o.Folds
	if k == 0 {
		k = 5
	}
	positions := Subset{train.Table, train.Rows}
	divisions, err := Divide(positions, k, o.By, r.Spec)
	if err != nil {
		return err
	}
	at := make(map[int]int, len(train.Rows))
	for i, row := range train.Rows {
		at[row] = i
	}
	for i := range divisions { // rows of the record become rows of the data set
		for _, rows := range [][]int{divisions[i].Train, divisions[i].Test} {
			for j := range rows {
				rows[j] = at[rows[j]]
			}
		}
	}
	opt := gbdt.TuneOptions{Trials: o.Settings}
	if opt.Done, err = readTrials(o.Log); err != nil {
		return err
	}
	var log *os.File
	if o.Log != "" {
		if log, err = os.OpenFile(o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.Close()) }()
	}
	var failed error
	opt.Each = func(t gbdt.Trial) {
		u.Progress("setting %d of %d: %s %.4f", t.Number, o.Settings, t.Metric, t.Mean)
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
	if r.Params == nil {
		r.Params = map[string]string{}
	}
	maps.Copy(r.Params, res.Best.Params)
	r.Params["num_iterations"] = fmt.Sprint(res.Params.NumIterations)
	r.Notes = append(r.Notes,
		fmt.Sprintf("Parameters are the best of %d settings on %d folds of the training rows (%s %.4f); the best of "+
			"many flatters.",
			len(res.Trials), k, res.Best.Metric, res.Best.Mean))
	u.Done("the best is setting %d, %s %.4f (standard deviation over folds %.4f): %s", res.Best.Number, res.Best.Metric,
		res.Best.Mean, res.Best.Std, FormatParams(res.Best.Params))
	return nil
}
