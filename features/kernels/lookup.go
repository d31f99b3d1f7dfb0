// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"
	"slices"

	"github.com/assayrisk/assay/features/plantext"
)

// lookupKernels read a table of the plan.
func lookupKernels() []Kernel {
	return []Kernel{{
		Name: "lookup", MinInputs: 1, MaxInputs: 2, Lookup: true,
		Formula: "the value of the table's latest row of the key that holds from the time on, or from before it",
		Missing: "missing; also when the table has no such row, or the row no value",
		Params: "`table: NAME`, of `lookups`; the inputs are a text field, if the table has keys, and a time " +
			"(default " + plantext.EventTime + "), if it has dates",
		Example: "rows=a:2024-01-01:1,a:2024-02-01:2,b:2024-01-01:3 x=a at=2024-02-15 -> 2", Apply: applyLookup,
	}}
}

// LookupTable is a lookup as its kernel reads it: the rows of one key follow each other in
// the order of their dates.
type LookupTable struct {
	Keyed, Dated bool
	From         []int64
	Values       []float64
	ByCode       [][2]int32 // by raw code of the key: its rows, none where both are equal
}

// applyLookup reads the value of the latest row of the key that begins at the
// time or earlier.
func applyLookup(dst []float64, in [][]float64, l *Learned) {
	t := l.Lookup
	times := in[len(in)-1]
	for i := range dst {
		dst[i] = math.NaN()
		span := [2]int32{0, int32(len(t.From))}
		if t.Keyed {
			c := in[0][i]
			if !(c >= 0 && int(c) < len(t.ByCode)) {
				continue
			}
			span = t.ByCode[int(c)]
		}
		n := int(span[1] - span[0])
		if t.Dated {
			at := times[i]
			if at != at {
				continue
			}
			n, _ = slices.BinarySearchFunc(t.From[span[0]:span[1]], int64(at), func(from, at int64) int {
				if from <= at {
					return -1
				}
				return 1
			})
		}
		if n > 0 {
			dst[i] = t.Values[int(span[0])+n-1]
		}
	}
}
