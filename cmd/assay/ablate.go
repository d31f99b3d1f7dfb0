// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models/eval"
)

// stageScore is what one stage of the plan is worth.
type stageScore struct {
	Stage    string         `json:"stage"`
	Features int            `json:"features"`
	AUC      float64        `json:"auc"`
	KS       float64        `json:"ks"`
	LogLoss  float64        `json:"logloss"`
	Gain     *eval.Estimate `json:"auc_gain,omitempty"` // over the stage before, paired
	margins  []float64      // by held-out row
	pd       []float64
	diff     eval.Difference
}

// ablate trains the recipe with raw fields alone, with derived features, and
// with windows, on the same rows, and compares them on rows held out: those
// after the training rows if held is given, else five folds.
func (r *recipe) ablate(ctx context.Context, u *ui, train, held part) ([]stageScore, error) {
	var out []stageScore
	full := r.spec
	defer func() { r.spec = full }()
	judged := held
	if len(held.rows) == 0 {
		judged = train
	}
	y := judged.labels()
	for stage := features.RawFields; stage <= features.Windowed; stage++ {
		spec, err := full.Ablate(stage)
		if err != nil {
			return nil, err
		}
		if len(spec.Features) == 0 || len(out) > 0 && stage == features.Windowed && len(full.Windows) == 0 {
			continue
		}
		u.step("train on %s", stage)
		r.spec = spec
		s, err := r.stage(ctx, u, train, held)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", stage, err)
		}
		s.Stage = stage.String()
		c, err := eval.NewCurve(y, s.margins)
		if err != nil {
			return nil, err
		}
		s.AUC = c.AUC()
		s.KS, _ = c.KS()
		s.LogLoss = eval.LogLoss(y, s.pd)
		if n := len(out); n > 0 {
			if s.diff, err = eval.CompareAUC(y, s.margins, out[n-1].margins); err != nil {
				return nil, err
			}
			s.Gain = &s.diff.Estimate
		}
		u.done("AUC %.4f on %d features", s.AUC, s.Features)
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, errors.Join(assay.ErrInvalid, errors.New("the plan has no features to leave out"))
	}
	return out, nil
}

// stage scores the held-out rows by the recipe as it stands.
func (r *recipe) stage(ctx context.Context, u *ui, train, held part) (stageScore, error) {
	var s stageScore
	if len(held.rows) == 0 {
		folds, m, err := r.crossValidate(ctx, u, train, leaveOneOut(stratifiedFolds(train.label, train.rows, r.folds)))
		if err != nil {
			return s, err
		}
		s.margins, s.Features = m, folds[0].Features
	} else {
		f, err := r.fit(ctx, train, part{}, nil)
		if err != nil {
			return s, err
		}
		s.Features = len(f.plan.Features())
		if s.margins, err = held.margins(ctx, f.plan, f.forest); err != nil {
			return s, err
		}
	}
	for _, m := range s.margins {
		s.pd = append(s.pd, sigmoid(m))
	}
	return s, nil
}

func printStages(u *ui, stages []stageScore, how string) {
	u.printf("%s\n", u.bold("stage              features     AUC     KS  log-loss   gain over the one before (95 %)"))
	for _, s := range stages {
		gain := ""
		if s.Gain != nil {
			gain = fmt.Sprintf("%+.4f  (%+.4f to %+.4f)", s.Gain.Value, s.Gain.Low, s.Gain.High)
		}
		u.printf("%-18s %8d  %.4f  %.3f  %8.4f   %s\n", s.Stage, s.Features, s.AUC, s.KS, s.LogLoss, gain)
	}
	u.printf("%s\n", u.faint(how))
}

// runAblate compares the stages of a plan.
func (f *evaluateFlags) runAblate(ctx context.Context, u *ui) error {
	since, before, err := f.times()
	if err != nil {
		return err
	}
	params, err := parseKV(f.params)
	if err != nil {
		return err
	}
	r := &recipe{params: params, folds: 5}
	if r.spec, err = readSpec(ctx, f.plan); err != nil {
		return err
	}
	f.readAs(r.spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	r.name = t.name
	train, err := t.judged(u, r.spec, time.Time{}, before)
	if err != nil {
		return err
	}
	held, how := part{}, "five stratified folds over the rows; intervals are DeLong's, paired"
	if !before.IsZero() {
		if since.IsZero() {
			since = before
		}
		if held, err = t.judged(u, r.spec, since, time.Time{}); err != nil {
			return err
		}
		how = fmt.Sprintf("trained on %d rows before %s, judged on %d rows since %s; intervals are DeLong's, paired",
			len(train.rows), before.Format(time.DateOnly), len(held.rows), since.Format(time.DateOnly))
	}
	stages, err := r.ablate(ctx, u, train, held)
	if err != nil {
		return err
	}
	if f.json {
		return u.json(stages)
	}
	printStages(u, stages, how)
	return nil
}
