// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheManualExplainsTheReport: docs/reports.md has a chapter for each
// section under the same number and name, and a line for each verdict.
func TestTheManualExplainsTheReport(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "reports.md"))
	if err != nil {
		t.Fatal(err)
	}
	manual := string(b)
	r, _, _ := render(t, full(300, 4))
	for i, s := range r.Sections {
		if head := fmt.Sprintf("## %d. %s\n", i+1, s.Title); !strings.Contains(manual, head) {
			t.Errorf("docs/reports.md has no chapter %q", strings.TrimSpace(head))
		}
	}
	for _, v := range r.Verdicts {
		if !strings.Contains(manual, "| "+v.Question+" |") {
			t.Errorf("docs/reports.md does not explain the verdict %q", v.Question)
		}
	}
}
