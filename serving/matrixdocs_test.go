// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/assayrisk/assay/serving/auth"
)

// rolesTable shows who was let in, in Markdown: "yes" when a role's API key,
// token and certificate all were, "anyone" when no credential is needed either.
func rolesTable(got map[string]map[string]codes.Code, roles []string) string {
	in := func(credential, method string) bool {
		c := got[credential][method]
		return c != codes.Unauthenticated && c != codes.PermissionDenied
	}
	var b strings.Builder
	b.WriteString("\n| method | no credential | " + strings.Join(roles, " | ") + " |\n|---|:-:|" +
		strings.Repeat(":-:|", len(roles)) + "\n")
	for _, m := range slices.Sorted(maps.Keys(got["none"])) {
		word := map[bool]string{true: " yes |", false: " |"}
		fmt.Fprintf(&b, "| `%s` |%s", m[1:], word[in("none", m)])
		for _, r := range roles {
			b.WriteString(word[in("key "+r, m) && in("token "+r, m) && in("certificate "+r, m)])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// refusedTable shows what wrong credentials got, in Markdown.
func refusedTable(all []asCaller, got map[string]map[string]codes.Code, table map[string]auth.Roles) string {
	var b strings.Builder
	b.WriteString("\n| credential | methods without a role | all others |\n|---|---|---|\n")
	for _, c := range all {
		if c.role != "" {
			continue
		}
		public, others := map[string]bool{}, map[string]bool{}
		for m, code := range got[c.name] {
			switch {
			case table[m] != auth.Public:
				others[statusName(code)] = true
			case code == codes.Unavailable || code == codes.Unauthenticated:
				public[statusName(code)] = true
			default:
				public["answered"] = true
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.name, strings.Join(slices.Sorted(maps.Keys(public)), ", "),
			strings.Join(slices.Sorted(maps.Keys(others)), ", "))
	}
	return b.String()
}

// statusName is a code as the protocol writes it, for the codes in the table.
func statusName(c codes.Code) string {
	switch c {
	case codes.Unauthenticated:
		return "`UNAUTHENTICATED`"
	case codes.Unavailable:
		return "no connection"
	}
	return c.String()
}

var update = flag.Bool("update", false, "write the tables of docs/serving.md that tests make")

// between holds the part of docs/serving.md between two markers to want.
func between(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "docs", "serving.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), "<!-- "+name+":")
	marker, rest, ok2 := strings.Cut(rest, "-->\n")
	got, tail, ok3 := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("docs/serving.md has no markers for %s", name)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("docs/serving.md is not current: go test ./serving -run %s -update", t.Name())
	}
	if err := os.WriteFile(path, []byte(head+"<!-- "+name+":"+marker+"-->\n"+want+"<!-- /"+name+" -->"+tail),
		0o644); err != nil {
		t.Fatal(err)
	}
}
