// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinks finds links into the repository that lead nowhere.
func TestLinks(t *testing.T) {
	for _, name := range markdown(t) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "](")[1:] {
			link, _, ok := strings.Cut(part, ")")
			if link, _, _ = strings.Cut(link, "#"); !ok || link == "" || strings.Contains(link, "://") ||
				strings.HasPrefix(link, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(name), link)); err != nil {
				t.Errorf("%s links to %s: %v", name, link, err)
			}
		}
	}
}
