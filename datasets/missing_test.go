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
	text := strings.Join(strings.Fields(string(doc)), " ") // the page's lines may break anywhere
	if want := " `" + strings.Join(MissingMarks, "` `") + "` In a field"; !strings.Contains(text, want) {
		t.Errorf("docs/plan.md does not list\n%s", want)
	}
}
