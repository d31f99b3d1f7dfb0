// SPDX-License-Identifier: Apache-2.0

package training_test

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
)

// A table becomes a bundle, and the bundle scores the table.
func Example() {
	ctx, quiet := context.Background(), training.Quiet{}
	table, err := training.ReadTable(ctx, quiet, "credit_data", datasets.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, err := training.InferSpec(quiet, table)
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := table.KnownOutcomes(quiet, spec, time.Time{}, time.Time{})
	if err != nil {
		fmt.Println(err)
		return
	}
	recipe := &training.Recipe{Name: "loans", Spec: spec, Params: map[string]string{"num_iterations": "20"},
		Calibrate: models.CalibrationPlatt, Folds: 3}
	bundle, _, err := recipe.Build(ctx, quiet, rows, training.Subset{})
	if err != nil {
		fmt.Println(err)
		return
	}
	scorer, err := training.NewScorer(bundle)
	if err != nil {
		fmt.Println(err)
		return
	}
	scored, err := scorer.Score(ctx, rows)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d trees on %d features; row 1 has grade %s\n", bundle.Manifest.Model.Trees,
		bundle.Manifest.Model.Features,
		scored.Scores[0].Grade)
	// Output: 20 trees on 13 features; row 1 has grade D
}
