// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"errors"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/models/eval"
)

// StageScore is what one stage of the plan is worth.
type StageScore struct {
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

// Ablate trains the recipe with raw fields alone, with derived features, and
// with windows, on the same rows, and compares them on rows held out: those
// after the training rows if held is given, else five folds.
func (r *Recipe) Ablate(ctx context.Context, u Progress, train, held Subset) ([]StageScore, error) {
	var out []StageScore
	full := r.Spec
	defer func() { r.Spec = full }()
	judged := held
	if len(held.Rows) == 0 {
		judged = train
	}
	y := judged.Labels()
	for stage := features.RawFields; stage <= features.Windowed; stage++ {
		spec, err := features.Ablate(full, stage)
		if err != nil {
			return nil, err
		}
		if len(spec.Features) == 0 || len(out) > 0 && stage == features.Windowed && len(full.Windows) == 0 {
			continue
		}
		u.Step("train on %s", stage)
		r.Spec = spec
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
		s.LogLoss = eval.LogLoss(y, s.pd, nil)
		if n := len(out); n > 0 {
			if s.diff, err = eval.CompareAUC(y, s.margins, out[n-1].margins); err != nil {
				return nil, err
			}
			s.Gain = &s.diff.Estimate
		}
		u.Done("AUC %.4f on %d features", s.AUC, s.Features)
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, errors.Join(assay.ErrInvalid, errors.New("the plan has no features to leave out"))
	}
	return out, nil
}

// stage scores the held-out rows by the recipe with one stage's spec.
func (r *Recipe) stage(ctx context.Context, u Progress, train, held Subset) (StageScore, error) {
	var s StageScore
	if len(held.Rows) == 0 {
		folds, m, err := r.CrossValidate(ctx, u, train, holdOutEach(stratifiedFolds(train.Label, train.Rows, r.Folds)))
		if err != nil {
			return s, err
		}
		s.margins, s.Features = m, folds[0].Features
	} else {
		f, err := r.Fit(ctx, train, Subset{}, nil)
		if err != nil {
			return s, err
		}
		s.Features = len(f.Plan.Features())
		if s.margins, err = held.Margins(ctx, f.Plan, f.Forest); err != nil {
			return s, err
		}
	}
	for _, m := range s.margins {
		s.pd = append(s.pd, bitmath.Sigmoid(m))
	}
	return s, nil
}
