// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
)

// testDemo returns a demo with its data loaded.
func testDemo(t *testing.T) *demo {
	t.Helper()
	d := &demo{ui: newUI(io.Discard, io.Discard), dir: t.TempDir()}
	if err := d.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestModelQuality holds the demo's recipe to figures: five folds over all rows
// (the fold of a row is the number of earlier rows with its label, modulo 5),
// and the test rows of the published split, where the published XGBoost has
// 0.8323 (Grigorev, Machine Learning Bookcamp, chapter 6). The standard error
// of an AUC on 891 rows is about 0.013.
func TestModelQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	d := testDemo(t)
	r, err := demoRecipe()
	if err != nil {
		t.Fatal(err)
	}
	all := d.table.all()
	folds, _, err := r.crossValidate(t.Context(), d.ui, all, leaveOneOut(stratifiedFolds(d.table.label, all.rows, 5)))
	if err != nil {
		t.Fatal(err)
	}
	mean, se := meanAUC(folds)
	t.Logf("five folds: mean AUC %.4f, standard error %.4f", mean, se)
	if mean < 0.842 {
		t.Errorf("five folds: mean AUC %.4f, want at least 0.842", mean)
	}
	f, err := r.fit(t.Context(), d.train, part{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.test.margins(t.Context(), f.plan, f.forest)
	if err != nil {
		t.Fatal(err)
	}
	c, err := eval.NewCurve(d.test.labels(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("published split: test AUC %.4f", c.AUC())
	if c.AUC() < 0.825 {
		t.Errorf("published split: test AUC %.4f, want at least 0.825", c.AUC())
	}
}

func TestStratifiedFolds(t *testing.T) {
	label := []float64{0, 1, 0, 0, 1, 0, 0}
	folds := stratifiedFolds(label, []int{0, 1, 2, 3, 4, 5, 6}, 3)
	want := [][]int{{0, 1, 5}, {2, 4, 6}, {3}}
	seen := map[int]int{}
	for k, f := range folds {
		for i, r := range f {
			if r != want[k][i] {
				t.Errorf("fold %d is %v, want %v", k, f, want[k])
				break
			}
			seen[r]++
		}
		for _, r := range others(folds, k) {
			for _, h := range f {
				if r == h {
					t.Errorf("row %d is in fold %d and in the others", r, k)
				}
			}
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d rows have a fold, want 7", len(seen))
	}
}

func TestEmbeddedSetsAreKnown(t *testing.T) {
	for _, s := range datasets.List() {
		if s.Embedded && (s.Rows == 0 || s.Licence == "") {
			t.Errorf("%s has %d rows and the licence %q", s.Name, s.Rows, s.Licence)
		}
	}
}

func TestParseKV(t *testing.T) {
	m, err := parseKV(" num_leaves=7, monotone_constraints=(1,-1,0),seed=1")
	if err != nil || m["num_leaves"] != "7" || m["monotone_constraints"] != "1,-1,0" || m["seed"] != "1" || len(m) != 3 {
		t.Errorf("read %v, %v", m, err)
	}
	again, err := parseKV(formatKV(m))
	if err != nil || len(again) != 3 || again["monotone_constraints"] != "1,-1,0" {
		t.Errorf("read back %v, %v", again, err)
	}
	for _, bad := range []string{"x", "=1", "a=1,a=2", "a b=1", "a=1,b"} {
		if _, err := parseKV(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestDivide(t *testing.T) {
	d := testDemo(t)
	all := d.table.all()
	jobs, err := all.texts("Job")
	if err != nil {
		t.Fatal(err)
	}
	folds, err := divide(all, 3, "Job", nil)
	if err != nil {
		t.Fatal(err)
	}
	where := map[string]int{}
	tested := 0
	for k, f := range folds {
		tested += len(f.Test)
		for _, r := range f.Test {
			if at, seen := where[jobs[r]]; seen && at != k {
				t.Fatalf("job %q stands in folds %d and %d", jobs[r], at, k)
			}
			where[jobs[r]] = k
		}
	}
	if tested != len(all.rows) {
		t.Errorf("%d rows are tested, want %d", tested, len(all.rows))
	}
	if _, err := divide(all, 3, "forward", nil); err == nil {
		t.Error("a table without times was divided forward in time")
	}
	if _, err := divide(all, 3, "no such column", nil); err == nil {
		t.Error("a column that is not there was taken")
	}
}

// TestTuneGoesOn: a search that is continued from its log gives what one
// search gives.
func TestTuneGoesOn(t *testing.T) {
	dir := t.TempDir()
	search := func(log string, trials string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "bundle") // of one name: a model is named after its directory
		_, stderr, code := assayRun(t, "train", "--data", "credit_data", "--params", "num_iterations=10", "--calibrate", "none",
			"--tune", trials, "--tune-log", log, "--cv", "3", "--out", out)
		if code != 0 {
			t.Fatal(stderr)
		}
		b, err := models.ReadBundle(out)
		if err != nil {
			t.Fatal(err)
		}
		return b.Digest.String()
	}
	one := search(filepath.Join(dir, "one.log"), "3")
	search(filepath.Join(dir, "two.log"), "1")
	if two := search(filepath.Join(dir, "two.log"), "3"); one != two {
		t.Errorf("in one go the model is %s, in two %s", one, two)
	}
}
