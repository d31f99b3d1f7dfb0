// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay/training"
)

func printStages(u *ui, stages []training.StageScore, how string) {
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
	params, err := training.ParseParams(f.params)
	if err != nil {
		return err
	}
	r := &training.Recipe{Params: params, Folds: 5}
	if r.Spec, err = readSpec(ctx, f.plan); err != nil {
		return err
	}
	f.readAs(r.Spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	r.Name = t.Name
	train, err := t.KnownOutcomes(u, r.Spec, time.Time{}, before)
	if err != nil {
		return err
	}
	held, how := training.Subset{}, "five stratified folds over the rows; intervals are DeLong's, paired"
	if !before.IsZero() {
		if since.IsZero() {
			since = before
		}
		if held, err = t.KnownOutcomes(u, r.Spec, since, time.Time{}); err != nil {
			return err
		}
		how = fmt.Sprintf("trained on %d rows before %s, judged on %d rows since %s; intervals are DeLong's, paired",
			len(train.Rows), before.Format(time.DateOnly), len(held.Rows), since.Format(time.DateOnly))
	}
	stages, err := r.Ablate(ctx, u, train, held)
	if err != nil {
		return err
	}
	if f.json {
		return u.json(stages)
	}
	printStages(u, stages, how)
	return nil
}
