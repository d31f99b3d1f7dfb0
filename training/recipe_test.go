// SPDX-License-Identifier: Apache-2.0

package training_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

// TestContinueAndRefit goes on from a model: with more trees, or with its own
// trees and new leaf values.
func TestContinueAndRefit(t *testing.T) {
	t.Parallel()
	data := writeFile(t, "loans.csv", string(trainingtest.Loans(3000)))
	j, err := newJob(t, "")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := j.rows(data)
	if err != nil {
		t.Fatal(err)
	}
	build := func(base *training.Base) *models.Bundle {
		t.Helper()
		r := j.recipe("num_iterations=4,num_leaves=5")
		if r.Base = base; base != nil {
			r.Notes = []string{base.Note()}
		}
		b, _, err := r.Build(t.Context(), j, rows, training.Subset{})
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "bundle")
		if err := training.WriteBundle(dir, b); err != nil {
			t.Fatal(err)
		}
		s, err := training.OpenScorer(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s.Bundle
	}
	first := build(nil)
	s, err := training.NewScorer(first)
	if err != nil {
		t.Fatal(err)
	}
	base := training.Base{Plan: s.Plan, Model: first.Model, Digest: first.Digest.String()}
	more := build(&base)
	base.Refit = true
	again := build(&base)
	if n := len(more.Model.Trees); n != 8 || more.Manifest.Plan != first.Manifest.Plan ||
		!strings.Contains(strings.Join(more.Manifest.Notes, " "), first.Digest.String()) {
		t.Errorf("continued: %d trees, want 8; plan %s; notes %q", n, more.Manifest.Plan.Short(), more.Manifest.Notes)
	}
	for k, tree := range first.Model.Trees {
		if fmt.Sprint(tree.Threshold) != fmt.Sprint(more.Model.Trees[k].Threshold) ||
			fmt.Sprint(tree.Threshold) != fmt.Sprint(again.Model.Trees[k].Threshold) {
			t.Errorf("tree %d has other splits than before", k)
		}
	}
	if len(again.Model.Trees) != 4 || again.Manifest.Plan != first.Manifest.Plan {
		t.Errorf("refitted: %d trees, want 4", len(again.Model.Trees))
	}
}

// TestTuneGoesOn: a search that is continued from its log gives what one
// search gives.
func TestTuneGoesOn(t *testing.T) {
	t.Parallel()
	j, err := newJob(t, "")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := j.rows(writeFile(t, "loans.csv", string(trainingtest.Loans(2000))))
	if err != nil {
		t.Fatal(err)
	}
	search := func(log string, settings int) string {
		t.Helper()
		r := j.recipe("num_iterations=10")
		if err := r.Tune(t.Context(), j, rows, training.TuneOptions{Settings: settings, Folds: 3, Log: log}); err !=
			nil {
			t.Fatal(err)
		}
		b, _, err := r.Build(t.Context(), j, rows, training.Subset{})
		if err != nil {
			t.Fatal(err)
		}
		return training.FormatParams(r.Params) + string(b.ModelText)
	}
	dir := t.TempDir()
	one := search(filepath.Join(dir, "one.log"), 3)
	search(filepath.Join(dir, "two.log"), 1)
	if two := search(filepath.Join(dir, "two.log"), 3); one != two {
		t.Errorf("in one go the model is %s, in two %s", one, two)
	}
}

// TestDivide: rows of one group are in one fold, every row is tested once, and
// what cannot be divided is refused.
func TestDivide(t *testing.T) {
	t.Parallel()
	table, err := training.ReadTable(t.Context(), training.Quiet{}, "credit_data", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := table.All()
	jobs, err := all.Texts("Job")
	if err != nil {
		t.Fatal(err)
	}
	folds, err := training.Divide(all, 3, "Job", nil)
	if err != nil {
		t.Fatal(err)
	}
	where := map[string]int{}
	tested := 0
	for k, f := range folds {
		tested += len(f.Test)
		for _, r := range f.Test {
			if at, seen := where[jobs[r]]; seen && at != k {
				t.Fatalf("job %q is in folds %d and %d", jobs[r], at, k)
			}
			where[jobs[r]] = k
		}
	}
	if tested != len(all.Rows) {
		t.Errorf("%d rows are tested, want %d", tested, len(all.Rows))
	}
	if _, err := training.Divide(all, 3, "forward", nil); !refused(err, "has no times to go forward in") {
		t.Errorf("a table without times, forward in time: %v", err)
	}
	if _, err := training.Divide(all, 3, "no such column", nil); !refused(err, "has no column") {
		t.Errorf("a column that is not there: %v", err)
	}
}

// TestWhatIsWrittenOpens: a bundle that no server could open is not written, and
// the one that was there stays.
func TestWhatIsWrittenOpens(t *testing.T) {
	t.Parallel()
	j, err := newJob(t, "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := j.train(writeFile(t, "loans.csv", string(trainingtest.Loans(400))))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "b")
	if err := training.WriteBundle(out, b); err != nil {
		t.Fatal(err)
	}
	sound := b.Digest
	for name, spoil := range map[string]func(b *models.Bundle){
		"policy": func(b *models.Bundle) { b.Policy = []byte("name: x\n") },
		"plan":   func(b *models.Bundle) { b.Plan = []byte("{}") },
		"model":  func(b *models.Bundle) { b.ModelText = []byte("tree\n") },
		"digest": func(b *models.Bundle) { b.Manifest.Plan[0]++ },
	} {
		broken := *b
		spoil(&broken)
		if err := training.WriteBundle(out, &broken); !refused(err, "no server could open it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again, err := models.ReadBundle(out); err != nil || again.Digest != sound {
		t.Errorf("what was there is gone: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".bundle-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
