// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/gbdt"
)

// TestForwardLeavesTheHorizon: a fold forward in time trains on rows whose
// outcome was known when the rows that it tests began.
func TestForwardLeavesTheHorizon(t *testing.T) {
	day := func(n int) int64 { return int64(n) * 86_400_000_000 }
	var at []int64
	for i := range 100 {
		at = append(at, day(i))
	}
	folds, err := gbdt.ForwardFolds(at, 3)
	if err != nil {
		t.Fatal(err)
	}
	var before []int
	for _, f := range folds {
		before = append(before, len(f.Train))
	}
	folds, err = leaveGap(folds, at, 10*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range folds {
		// The rows are one a day: the last nine of them before the test are left out.
		if got, want := len(f.Train), before[k]-9; got != want || f.Train[got-1] != f.Test[0]-10 {
			t.Errorf("fold %d trains on %d rows up to %d and tests from %d, want %d rows", k, got, f.Train[got-1], f.Test[0], want)
		}
	}
	if _, err := leaveGap(folds, at, 90*24*time.Hour); err == nil || !strings.Contains(err.Error(), "fold 1 of 3 has no rows to train on") {
		t.Errorf("a horizon longer than the log: %v", err)
	}
}

// TestForwardThroughTheCommand: --cv-by forward leaves the label's horizon
// between the rows that a fold trains on and those that it tests.
func TestForwardThroughTheCommand(t *testing.T) {
	s := newShop(t) // 225 days
	forward := []string{"--calibrate", "none", "--cv", "3", "--cv-by", "forward"}
	plan, log := s.write(strings.Replace(byEvent, "30d", "10d", 1), s.rows)
	stdout, stderr, code := s.train(plan, log, forward...)
	if code != 0 || !strings.Contains(stdout, "mean AUC") {
		t.Errorf("a horizon of ten days: %d, %s%s", code, stdout, stderr)
	}
	// Of 125 days whose outcome is known, the first fold trains on a quarter, which is known after its test has begun.
	plan, log = s.write(strings.Replace(byEvent, "30d", "100d", 1), s.rows)
	stdout, stderr, code = s.train(plan, log, forward...)
	const refused = "fold 1 of 3 has no rows to train on whose outcome was known"
	if code == 0 || !strings.Contains(stderr, refused) || !strings.Contains(stderr, "the horizon is 100d") {
		t.Errorf("a horizon of a hundred days: %d, %s%s", code, stdout, stderr)
	}
	// The same rows with a label that was known at once have no gap.
	plan, log = s.write("column: bad", s.rows)
	if stdout, stderr, code = s.train(plan, log, forward...); code != 0 {
		t.Errorf("a label column: %d, %s%s", code, stdout, stderr)
	}
}
