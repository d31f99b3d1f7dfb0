// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"context"
	"slices"
	"testing"
)

func crossValidate(t testing.TB, d *Data, c Config) float64 {
	t.Helper()
	fold := folds(d.Label)
	var sum float64
	for k := range 5 {
		l, err := FitLogistic(context.Background(), d.where(func(i int) bool { return fold[i] != k }), c)
		if err != nil {
			t.Fatal(err)
		}
		test := d.where(func(i int) bool { return fold[i] == k })
		score := make([]float64, len(test.Label))
		for i := range score {
			score[i] = l.Score(test.row(i))
		}
		sum += auc(test.Label, score)
	}
	return sum / 5
}

func TestCreditData(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, tc := range []struct {
		set  string
		want float64 // mean AUC over five folds
	}{
		{"credit_data.csv", 0.84}, // plain logistic regression: 0.8395
		{"lending_club.csv", 0.72},
		{"german.csv", 0.77},
	} {
		t.Run(tc.set, func(t *testing.T) {
			got := crossValidate(t, shared(t, tc.set), Config{})
			t.Logf("five-fold AUC %.4f", got)
			if got < tc.want {
				t.Errorf("five-fold AUC %.4f, want at least %.3f", got, tc.want)
			}
		})
	}
}

func TestForestOnCreditData(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	d := shared(t, "credit_data.csv")
	fold := folds(d.Label)
	train, test := d.where(func(i int) bool { return fold[i] != 0 }), d.where(func(i int) bool { return fold[i] == 0 })
	var first []float64
	for range 2 {
		f, err := FitForest(context.Background(), train, ForestConfig{Seed: 1, Trees: 20, MaxRows: 1000})
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Scores(context.Background(), test.Columns)
		if err != nil {
			t.Fatal(err)
		}
		if a := auc(test.Label, s); a < 0.80 {
			t.Errorf("AUC %.4f, want at least 0.80", a)
		} else {
			t.Logf("AUC %.4f", a)
		}
		if first != nil && !slices.Equal(first, s) {
			t.Error("two forests of one seed differ")
		}
		first = s
	}
}
