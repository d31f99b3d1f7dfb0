// SPDX-License-Identifier: Apache-2.0

package training_test

import (
	"bytes"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

// TestTrainStream: a table read in pieces gives the model that the same rows
// give when they are read at once.
func TestTrainStream(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const rows = 70_000 // more than one piece
	data := writeFile(t, "loans.csv", string(trainingtest.Loans(rows)))
	j, err := newJob(t, "")
	if err != nil {
		t.Fatal(err)
	}
	r := j.recipe("num_iterations=5,num_leaves=7")
	pieces, err := r.TrainStream(t.Context(), j, data, j.opt)
	if err != nil {
		t.Fatal(err)
	}
	j.spec = r.Spec // as it was inferred from the pieces
	part, err := j.rows(data)
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := j.recipe("num_iterations=5,num_leaves=7").Build(t.Context(), j, part, training.Subset{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pieces.ModelText, whole.ModelText) {
		t.Error("in pieces and at once give two models")
	}
	for name, b := range map[string]*models.Bundle{"pieces": pieces, "whole": whole} {
		if b.Manifest.Data.Rows != rows || b.Manifest.Data.SHA256 != part.Frame.Digest {
			t.Errorf("%s: trained on %d rows, digest %s", name, b.Manifest.Data.Rows, b.Manifest.Data.SHA256)
		}
	}
	r = j.recipe("num_iterations=5,num_leaves=7")
	r.Calibrate = models.CalibrationPlatt
	b, err := r.TrainStream(t.Context(), j, data, j.opt)
	if err != nil {
		t.Fatal(err)
	}
	if auc := b.Manifest.Metrics["heldout.auc"]; auc < 0.6 || b.Manifest.Data.Rows != rows*9/10 ||
		b.Calibration.Method != models.CalibrationPlatt {
		t.Errorf("held-out AUC %.3f, %d rows, calibration %q", auc, b.Manifest.Data.Rows, b.Calibration.Method)
	}
}
