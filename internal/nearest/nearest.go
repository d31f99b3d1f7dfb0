// SPDX-License-Identifier: Apache-2.0

// Package nearest finds the word that a person most likely meant, for messages
// about names that are not known: a column, a field, a flag, a role.
package nearest

import (
	"strings"
	"unicode"
)

// maxRunes bounds the words that are compared: the work grows with its square.
const maxRunes = 64

// Find returns the known word that is nearest to the given one: it differs only in
// case and the marks between letters, or by insertions, deletions, replacements
// and swaps of neighbours of at most a third of its letters. Of two that are
// equally near it returns the earlier one; "" if none is near.
func Find(given string, known []string) string {
	g := fold(given)
	if len(g) == 0 || len(g) > maxRunes {
		return ""
	}
	best, least := "", max(1, len(g)/3)+1
	for _, k := range known {
		f := fold(k)
		if len(f) == 0 || len(f) > maxRunes || k == given {
			continue
		}
		if d := distance(g, f); d < least && d < max(len(g), len(f)) {
			best, least = k, d
		}
	}
	return best
}

// Hint returns `; did you mean "word"?`, to be appended to a message, or "" if no
// known word is near.
func Hint(given string, known []string) string {
	if w := Find(given, known); w != "" {
		return `; did you mean "` + w + `"?`
	}
	return ""
}

// fold drops case and everything but letters and digits. A word without letters
// and digits stays as it is.
func fold(s string) []rune {
	var out []rune
	for _, r := range strings.ToLower(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, r)
		}
	}
	if out == nil {
		return []rune(s)
	}
	return out
}

// distance is the optimal string alignment distance.
func distance(a, b []rune) int {
	var before []int // the row before the last
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		if before == nil {
			before = make([]int, len(b)+1)
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
