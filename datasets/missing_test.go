// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"os"
	"strings"
	"testing"
)

// TestMarksAreDocumented: docs/plan.md lists the marks, all and in order.
func TestMarksAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "`" + strings.Join(MissingMarks, "` `") + "`\n"; !strings.Contains(string(doc), want) {
		t.Errorf("docs/plan.md does not list\n%s", want)
	}
}
