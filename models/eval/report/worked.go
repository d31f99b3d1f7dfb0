// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// workedDecisions explains ten rows: across the range of risk, at the cut-off,
// and the two kinds of worst error.
func (b *builder) workedDecisions() document.Table {
	in := b.in
	order := b.byRisk()
	n := len(order)
	type pick struct {
		why string
		row int32
	}
	var picks []pick
	seen := map[int32]bool{}
	add := func(why string, row int32) {
		if !seen[row] && len(picks) < 10 {
			seen[row] = true
			picks = append(picks, pick{why, row})
		}
	}
	add("highest risk", order[0])
	add("lowest risk", order[n-1])
	for k := n - 1; k >= 0; k-- {
		if in.Label[order[k]] == 1 {
			add("bad, yet lowest risk", order[k])
			break
		}
	}
	for _, i := range order {
		if in.Label[i] == 0 {
			add("good, yet highest risk", i)
			break
		}
	}
	cut := b.highestApproved()
	for k, i := range order {
		if in.PD[i] <= cut {
			if k > 0 {
				add("just above the cut-off", order[k-1])
			}
			add("just below the cut-off", i)
			break
		}
	}
	for _, q := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
		add(fmt.Sprintf("%.0f %% of rows are riskier", 100*q), order[int(q*float64(n-1))])
	}
	t := document.Table{Title: "Ten worked decisions",
		Caption: "Start is the expected score of the training rows in log-odds; start and contributions add up to " +
			"the margin, the score before calibration. Up to four contributions in each direction are listed; the " +
			"column of all others holds the sum of the rest. The cut-off is a PD of " + b.cutoffWords() +
			fmt.Sprintf("; section %d names another, the one of the largest value on this sample.",
				sectionNumber("strategy")),
		Columns: []document.Column{{Name: "Row"}, {Name: "Why shown"}, {Name: "Calibrated PD", Format: numfmt.Percent},
			{Name: "Outcome"}, {Name: "Start", Format: numfmt.Signed3}, {Name: "Raises the risk"},
			{Name: "Lowers the risk"},
			{Name: "All others", Format: numfmt.Signed3}, {Name: "Margin", Format: numfmt.Signed3}}}
	phi := make([]float64, len(in.Features)+1)
	for _, p := range picks {
		in.Contributions(phi, int(p.row))
		name, turned := fmt.Sprint(b.original[p.row]), "good"
		if in.Names != nil {
			name = in.Names[p.row]
		}
		if in.Label[p.row] == 1 {
			turned = "bad"
		}
		sum := 0.0
		for _, v := range phi {
			sum += v
		}
		up, upSum := b.strongest(phi, int(p.row), 1)
		down, downSum := b.strongest(phi, int(p.row), -1)
		t.Rows = append(t.Rows, []document.Cell{text(name), text(p.why), number(in.PD[p.row]), text(turned),
			number(phi[len(phi)-1]), text(up),
			text(down), number(sum - phi[len(phi)-1] - upSum - downSum), number(sum)})
	}
	return t
}

// strongest prints the four largest contributions of one sign and returns their sum.
func (b *builder) strongest(phi []float64, row int, sign float64) (text string, sum float64) {
	order := make([]int, len(b.in.Features))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(sign*phi[j], sign*phi[i]) })
	var out []string
	for _, j := range order[:min(4, len(order))] {
		if sign*phi[j] < smallContribution {
			break
		}
		f := &b.in.Features[j]
		sum += phi[j]
		out = append(out, fmt.Sprintf("%s = %s (%s)", f.Name, f.show(f.Values[row], numfmt.FormatOf(f.Name, f.Values)),
			numfmt.Signed3.Print(phi[j])))
	}
	return strings.Join(out, "; "), sum
}

// show prints a value.
func (f *Feature) show(v float64, format numfmt.Format) string {
	switch {
	case math.IsNaN(v):
		return "missing"
	case f.Categories != nil && v >= 0 && int(v) < len(f.Categories):
		return f.Categories[int(v)]
	case f.Categories != nil:
		return "other"
	}
	return format.Print(v)
}
