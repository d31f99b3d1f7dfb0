// SPDX-License-Identifier: Apache-2.0

package kernels

import "math"

// A text enters the kernels as its raw code: its place in the field's sorted
// dictionary of texts seen in training, Unknown for another text, NaN for none.
// What Fit learns about a text is then one look-up in a table.

// Unknown is the raw code of a text that training did not have, or had too
// seldom for an entry in the dictionary.
const Unknown = -1

func applyTable(dst []float64, in [][]float64, l *Learned) {
	for i, c := range in[0] {
		switch {
		case c != c:
			dst[i] = math.NaN()
		case c < 0 || int(c) >= len(l.Table):
			dst[i] = *l.Other
		default:
			dst[i] = l.Table[int(c)]
		}
	}
}

// applyCross looks up the pair (a, b) in a dense table of crossColumns columns.
func applyCross(dst []float64, in [][]float64, l *Learned) {
	a, b := in[0], in[1]
	for i := range dst {
		switch {
		case a[i] != a[i] || b[i] != b[i]:
			dst[i] = math.NaN()
		case a[i] < 0 || b[i] < 0 || int(b[i]) >= l.crossColumns ||
			int(a[i])*l.crossColumns+int(b[i]) >= len(l.crossCodes):
			dst[i] = *l.Other
		default:
			dst[i] = l.crossCodes[int(a[i])*l.crossColumns+int(b[i])]
		}
	}
}
