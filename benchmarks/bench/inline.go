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

// figureMark is a figure in the text of a page:
//
//	<!-- fig NAME -->12.3x<!-- /fig -->
//
// The text between the two comments is written from the results. A second word,
// low or high, asks for the least or the greatest run instead of the value. A
// line may break wherever the mark has a space.
var figureMark = regexp.MustCompile(`<!--\s+fig\s+([^\s<>]+)(?:\s+(low|high))?\s+-->([^<]*)<!--\s+/fig\s+-->`)

// figureMarkStart finds the start of every mark, also of one without an end.
var figureMarkStart = regexp.MustCompile(`<!--\s+fig\b`)

// notMeasured is written in place of a figure that the results do not hold.
const notMeasured = "(not measured)"

// fillMarks writes the figures into a page's text, and names those that r lacks.
func fillMarks(page []byte, r *results) (out []byte, missing []string, err error) {
	if all, whole := len(figureMarkStart.FindAll(page, -1)), len(figureMark.FindAll(page, -1)); all != whole {
		return nil, nil, fmt.Errorf("%d of %d marks are not of the form <!-- fig NAME -->...<!-- /fig -->",
			all-whole, all)
	}
	out = figureMark.ReplaceAllFunc(page, func(old []byte) []byte {
		m := figureMark.FindSubmatch(old)
		name, text := string(m[1]), notMeasured
		if f, ok := r.get(name); ok {
			switch string(m[2]) {
			case "low":
				f.Value = f.Low
			case "high":
				f.Value = f.High
			}
			text = formatValue(f)
		} else {
			missing = append(missing, name)
		}
		start, end := bytes.Index(old, []byte("-->"))+len("-->"), bytes.LastIndex(old, []byte("<!--"))
		return slices.Concat(old[:start], []byte(text), old[end:])
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
			if bytes.Contains(b, []byte(tablesBegin)) || figureMarkStart.Match(b) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
