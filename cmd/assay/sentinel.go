// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow/array"
)

// sentinels are numbers that programs write for "no value".
var sentinels = []float64{-9, -99, -999, -9999, -99999, -999999, 9999, 99999, 999999, 9999999, 99999999, 999999999}

// sentinelShare is the share of a column's values from which a sentinel is
// spoken of.
const sentinelShare = 0.01

// saySentinels says of columns of numbers whose least or greatest value is one
// that programs write for "no value", and occurs again and again. What it means
// only a person can say.
func saySentinels(u *ui, t *table) {
	for i, f := range t.frame.Record.Schema().Fields() {
		c, ok := t.frame.Record.Column(i).(*array.Float64)
		if !ok || f.Name == t.frame.Label || c.Len() == c.NullN() {
			continue
		}
		var valid []float64
		for row, x := range c.Float64Values() {
			if c.IsValid(row) {
				valid = append(valid, x)
			}
		}
		for _, end := range []float64{slices.Min(valid), slices.Max(valid)} {
			n := 0
			for _, x := range valid {
				if x == end {
					n++
				}
			}
			if slices.Contains(sentinels, end) && float64(n) >= sentinelShare*float64(len(valid)) && n > 1 && n < len(valid) {
				x := strconv.FormatFloat(end, 'f', -1, 64)
				u.note("%s: %d values are %s; if that means no value, write missing: [%s] at the field in the plan", f.Name, n,
					x, x)
			}
		}
	}
}
