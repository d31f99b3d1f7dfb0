// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// mark is a figure in the text of a page:
//
//	<!-- fig NAME -->12.3x<!-- /fig -->
//
// What stands between the two comments is written from the results. A second
// word, low or high, asks for the least or the greatest run instead of the value.
var mark = regexp.MustCompile(`<!-- fig ([^ ]+)(?: (low|high))? -->([^<\n]*)<!-- /fig -->`)

// opened finds every beginning of a mark, those without an end too.
var opened = regexp.MustCompile(`<!-- fig\b`)

// absent stands for a figure that the results do not hold.
const absent = "(not measured)"

// inline writes the figures in a page's text, and names those that r lacks.
func inline(page []byte, r *results) (out []byte, missing []string, err error) {
	if all, whole := len(opened.FindAll(page, -1)), len(mark.FindAll(page, -1)); all != whole {
		return nil, nil, fmt.Errorf("%d of %d marks are not of the form <!-- fig NAME -->...<!-- /fig --> on one line",
			all-whole, all)
	}
	out = mark.ReplaceAllFunc(page, func(old []byte) []byte {
		m := mark.FindSubmatch(old)
		name, text := string(m[1]), absent
		if f, ok := r.get(name); ok {
			switch string(m[2]) {
			case "low":
				f.Value = f.Low
			case "high":
				f.Value = f.High
			}
			text = value(f)
		} else {
			missing = append(missing, name)
		}
		return slices.Concat(old[:bytes.Index(old, []byte("-->"))+3], []byte(text), []byte("<!-- /fig -->"))
	})
	return out, missing, nil
}

// pageFiles are the pages below root that hold figures.
func pageFiles(root string) ([]string, error) {
	var names []string
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/design/*.md"} {
		found, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			b, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				return nil, err
			}
			if bytes.Contains(b, []byte(begin)) || opened.Match(b) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
