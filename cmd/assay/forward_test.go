// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

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
