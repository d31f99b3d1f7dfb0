// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notForTesters are variables that nobody sets to run tests: those that tests set for the processes that they start,
// and those of the programs themselves.
var notForTesters = strings.Fields(`
	ASSAY_AUDIT_DIR ASSAY_DEVCHAIN_DIR ASSAY_DEVCHAIN_FROM ASSAY_ENDLESS ASSAY_JOURNAL_CHILD ASSAY_JOURNAL_ERASER
	ASSAY_TEST_HOLD ASSAY_TEST_WRITE
	ASSAY_API_KEY ASSAY_DIR ASSAY_LISTEN ASSAY_MAX_IN_FLIGHT`)

// TestVariablesAreDocumented: CONTRIBUTING explains every variable that lengthens a test or gives it something from
// outside, and no other.
func TestVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`"(ASSAY_[A-Z0-9_]+)"`)
	read := map[string]bool{}
	for _, file := range sources(t) {
		if !strings.HasSuffix(file, ".go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			read[m[1]] = true
			if !slices.Contains(notForTesters, m[1]) && !strings.Contains(string(page), "| `"+m[1]+"` |") {
				t.Errorf("%s reads %s: give it a line in CONTRIBUTING.md, or add it to notForTesters", file, m[1])
			}
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ASSAY_[A-Z0-9_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !read[m[1]] {
			t.Errorf("CONTRIBUTING.md explains %s, which nothing reads", m[1])
		}
	}
	for _, name := range notForTesters {
		if !read[name] {
			t.Errorf("%s is in notForTesters, and nothing reads it", name)
		}
	}
}
