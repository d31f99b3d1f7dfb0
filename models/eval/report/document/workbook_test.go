// SPDX-License-Identifier: Apache-2.0

package document

import "testing"

func TestSheetNames(t *testing.T) {
	t.Parallel()
	s := sheetNames{}
	for _, c := range [][2]string{{"Rows", "Rows"}, {"rows", "rows 2"}, {"Bad rate by a/b", "Bad rate by a b"},
		{"Swap set against a very long model name", "Swap set against a very long mo"},
		{"Swap set against a very long model name", "Swap set against a very long  2"}} {
		if got := s.of(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
}
