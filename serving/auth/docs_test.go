// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the roles into docs/serving.md")

// TestDocsRoles holds docs/serving.md to the one table of roles.
func TestDocsRoles(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| method | " + strings.Join(roleNames[:], " | ") + " |\n|---|" + strings.Repeat(":-:|", len(roleNames)) + "\n")
	methods := Methods()
	for _, m := range slices.Sorted(maps.Keys(methods)) {
		fmt.Fprintf(&b, "| `%s` |", m[1:])
		for i := range roleNames {
			switch {
			case methods[m] == Public:
				b.WriteString(" anyone |")
			case methods[m]&(1<<i) != 0:
				b.WriteString(" yes |")
			default:
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	path := filepath.Join("..", "..", "docs", "serving.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), "-update -->\n")
	got, tail, ok2 := strings.Cut(rest, "<!-- /roles -->")
	if !ok || !ok2 || !strings.HasSuffix(head, "TestDocsRoles ") {
		t.Fatal("docs/serving.md has no markers for the roles")
	}
	if got == b.String() {
		return
	}
	if !*update {
		t.Fatal("docs/serving.md is not current: go test ./serving/auth -run Docs -update")
	}
	if err := os.WriteFile(path, []byte(head+"-update -->\n"+b.String()+"<!-- /roles -->"+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
