// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"slices"
)

// evasionTable asks, for refused rows, whether moving one field to a value
// that others state is enough to be approved, and how far at least.
func (st *stressed) evasionTable() Table {
	any := false
	for _, f := range st.features {
		any = any || f.Movable
	}
	who := "Fields declared as under the applicant's control."
	if !any {
		who = "No field is declared as under the applicant's control, so every field is tried."
	}
	var refused []int
	for i, p := range st.pd {
		if p > st.cut {
			refused = append(refused, i)
		}
	}
	total := len(refused)
	if total > evasionRows {
		picked := make([]int, 0, evasionRows)
		for _, k := range stride(total, evasionRows) {
			picked = append(picked, refused[k])
		}
		refused = picked
	}
	t := Table{Title: "Evasion", Caption: fmt.Sprintf("%s Of %d refused rows in the sample, %d were tried: could the row be approved by stating another value of this field alone? Values tried are the 21 quantiles, or the levels, that other rows state. Half of those who can need at most the median move, in standard deviations; rows whose value was missing can be approved by stating one, and have no distance.", who, total, len(refused)),
		Columns: []Column{{Name: "Field"}, {Name: "Can be approved", Format: Percent}, {Name: "Median move", Unit: "sd", Format: Fixed2}, {Name: "Smallest move", Unit: "sd", Format: Fixed2}}}
	for j, f := range st.features {
		if any && !f.Movable {
			continue
		}
		values := st.values(j)
		var moves []float64
		x := make([]float64, len(st.features))
		can := 0
		for _, i := range refused {
			copy(x, st.x[i])
			best := math.Inf(1)
			for _, v := range values {
				move := math.NaN()
				if f.Categories == nil && st.sd[j] > 0 {
					move = math.Abs(v-st.x[i][j]) / st.sd[j]
				}
				if move >= best || v == st.x[i][j] {
					continue
				}
				x[j] = v
				if st.score(x) <= st.cut {
					if math.IsNaN(move) {
						move = 0
					}
					best = move
				}
			}
			if math.IsInf(best, 1) {
				continue
			}
			can++
			if !math.IsNaN(st.x[i][j]) { // from a missing value there is no distance
				moves = append(moves, best)
			}
		}
		slices.Sort(moves)
		median, least := Quantile(moves, 0.5), Quantile(moves, 0)
		if f.Categories != nil {
			median, least = math.NaN(), math.NaN()
		}
		t.Rows = append(t.Rows, []Cell{T(f.Name), V(ratio(float64(can), float64(len(refused)))), V(median), V(least)})
	}
	return t
}

func (st *stressed) values(j int) []float64 {
	if c := st.features[j].Categories; c != nil {
		return values(positions(len(c)))
	}
	var x []float64
	for _, row := range st.x {
		if !math.IsNaN(row[j]) {
			x = append(x, row[j])
		}
	}
	slices.Sort(x)
	var out []float64
	for q := range 21 {
		if v := Quantile(x, float64(q)/20); len(x) > 0 && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func values(n []Number) []float64 {
	out := make([]float64, len(n))
	for i, v := range n {
		out[i] = float64(v)
	}
	return out
}
