// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
)

// hardenLevel is the noise added in training, in standard deviations; a
// category is replaced with that probability.
const hardenLevel = 0.2

// hardened trains the recipe once more, on the training rows and a disturbed
// copy of each.
func (e *evaluation) hardened(ctx context.Context, in *eval.Input, train *scored) error {
	if !e.harden || train == nil {
		return nil
	}
	if e.recipe == nil {
		return usagef("--harden: the model was trained elsewhere, so its recipe is not known here")
	}
	p, err := e.recipe.parse(e.scorer.plan)
	if err != nil {
		return err
	}
	d := e.train.dataset(e.scorer.plan, train.matrix)
	for j, x := range eval.Noise(d.Columns, in.Features, hardenLevel, in.Seed) {
		d.Columns[j] = append(d.Columns[j], x...)
	}
	d.Label = append(d.Label, d.Label...)
	if d.Weight != nil {
		d.Weight = append(d.Weight, d.Weight...)
	}
	res, err := gbdt.Train(ctx, d, p, gbdt.Options{})
	if err != nil {
		return err
	}
	f, err := forest.Compile(res.Model)
	if err != nil {
		return err
	}
	cal := &e.scorer.bundle.Calibration
	in.Hardening = &eval.Hardening{
		Note: fmt.Sprintf("The same plan and parameters, trained on each of the %s training rows as it is and once more with noise: %.1f robust standard deviations on numbers, and categories replaced by another row's with probability %.1f. Calibrated as the model is; only its order of rows is compared.",
			eval.Count.Print(float64(len(e.train.rows))), hardenLevel, hardenLevel),
		Score: func(x []float64) float64 { return cal.Apply(f.Margin(x)) },
	}
	return nil
}
