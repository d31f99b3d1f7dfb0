// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
)

// variables is section 3.
func (b *builder) variables() (Section, error) {
	s := Section{ID: "variables", Title: "Variables",
		Lead: "What each variable says by itself, whether it moved since training, which variables say the same, and " +
			"whether the data agrees with the direction that the plan declares."}
	in := b.in
	if len(in.Features) == 0 {
		s.Absent = "It takes the columns of the features."
		b.notAsked(s.ID, "no column was given", leakQuestion, directionQuestion)
		return s, nil
	}
	v := b.cols
	groups, sampled := b.correlate(v)
	inflation := inflations(in.Features, stride(len(in.Label), correlatedRows))
	order := make([]int, len(v))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(orZero(v[j].binned.IV), orZero(v[i].binned.IV))
	})
	s.figure(ivFigure(in.Features, v, order))
	s.table(b.variableTable(v, inflation, order, sampled))
	if len(groups) > 0 {
		t := Table{Title: "Correlated groups",
			Caption: fmt.Sprintf("Numbers that a chain of rank correlations of at least %.1f ties together (%s). "+
				"Their importance is shared between them arbitrarily; explain them as one.", highRho, sampled),
			Columns: []Column{{Name: "Group", Format: numfmt.Count}, {Name: "Variables"}}}
		for k, g := range groups {
			t.Rows = append(t.Rows, []Cell{I(k + 1), Phrase(Piece{Names: g})})
		}
		s.table(t)
	}
	for k, j := range order {
		if k < 6 && !math.IsNaN(v[j].binned.IV) && len(v[j].binned.Bins) > 1 {
			s.figure(woeFigure(&in.Features[j], v[j].binned, k))
		}
	}
	s.table(woeTable(in.Features, v, order))
	b.leakVerdict(v)
	b.directionVerdict(v)
	return s, nil
}

func orZero(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

// noEffect is how far the AUC of a variable by itself may lie on the wrong side
// of 0.5 without contradicting a declared direction.
const noEffect = 0.05

// agreement compares the declared direction with the variable alone.
func agreement(declared int8, alone Estimate) string {
	low, high := alone.Low, alone.High
	if declared < 0 {
		low, high = 1-alone.High, 1-alone.Low
	}
	switch {
	case declared == 0:
		return ""
	case !low.Defined():
		return "cannot tell"
	case low > 0.5:
		return "agrees"
	case high < 0.5:
		return "disagrees"
	case low >= 0.5-noEffect:
		return "no effect by itself"
	}
	return "cannot tell"
}

func direction(d int8) string {
	switch {
	case d > 0:
		return "riskier as it rises"
	case d < 0:
		return "safer as it rises"
	}
	return ""
}

func (b *builder) variableTable(v []column, inflation []float64, order []int, sampled string) Table {
	t := Table{Title: "Variables by information value",
		Caption: "Information value: from 0.02 weak, from 0.1 medium, from 0.3 strong; more than 0.5 above what " +
			"chance gives (last columns): look for a leak from the future. By chance: what a variable without " +
			"information, or without a shift, gives on average on so many rows. AUC alone: below 0.5 the risk falls " +
			"as the value rises. PSI compares the evaluated with the training rows. Correlation is Spearman's with " +
			"the closest other number, on the rows where both are present (" + sampled +
			"). Variance inflation is 1 ÷ (1 − R²) of the variable by all other numbers, on the same rows, a missing " +
			"value as the variable's mean: past 5 to 10 the others nearly say it.",
		Columns: []Column{{Name: "Variable"}, {Name: "Information value", Format: numfmt.Fixed3},
			{Name: "AUC alone", Format: numfmt.Fixed3}, {Name: "95 % from", Format: numfmt.Fixed3},
			{Name: "to", Format: numfmt.Fixed3},
			{Name: "PSI", Format: numfmt.Fixed3}, {Name: "Declared direction"}, {Name: "The data"},
			{Name: "Closest variable"},
			{Name: "Correlation", Format: numfmt.Fixed3}, {Name: "Variance inflation", Format: numfmt.Fixed2},
			{Name: "Information value by chance", Format: numfmt.Fixed3},
			{Name: "PSI by chance", Format: numfmt.Fixed3}}}
	for _, j := range order {
		f, x := &b.in.Features[j], &v[j]
		row := []Cell{T(f.Name), V(x.binned.IV), V(float64(x.alone.Value)), V(float64(x.alone.Low)),
			V(float64(x.alone.High)), V(x.psi), T(direction(f.Monotone)), T(agreement(f.Monotone, x.alone)), T(""),
			V(x.rho), inflationCell(inflation[j]), V(x.ivChance), V(x.psiChance)}
		if x.partner >= 0 {
			row[8] = T(b.in.Features[x.partner].Name)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func ivFigure(features []Feature, v []column, order []int) chart.Figure {
	f := chart.Figure{ID: "information-value", Title: "Information value", X: chart.Axis{Label: "information value"},
		Caption: "How much a variable by itself says about good and bad. The longest bars carry the model; a bar " +
			"past 0.5 deserves suspicion.",
		Alt: "Bars of information value by variable, largest first."}
	s := chart.Series{Mark: chart.HBars}
	for k, j := range order {
		if k == 20 {
			f.Title = "Information value, first 20 variables"
			break
		}
		f.Y.Labels, s.X = append(f.Y.Labels, features[j].Name), append(s.X, numfmt.Number(v[j].binned.IV))
	}
	f.Series = []chart.Series{s}
	return f
}

func woeFigure(feature *Feature, v Binned, k int) chart.Figure {
	f := chart.Figure{ID: fmt.Sprintf("woe-%d", k), Title: "Weight of evidence of " + feature.Name,
		X: chart.Axis{Label: "weight of evidence (right: riskier than average)"},
		Caption: fmt.Sprintf("Information value %s over %d bins. Bars to the right are riskier than the average row, "+
			"to the left safer; neighbouring bins should not jump back and forth.",
			numfmt.Fixed3.Print(v.IV), len(v.Bins)),
		Alt: "Bars of weight of evidence by bin of " + feature.Name + "."}
	s := chart.Series{Mark: chart.HBars}
	for _, b := range v.Bins {
		f.Y.Labels, s.X = append(f.Y.Labels,
			fmt.Sprintf("%s (%s)", chart.Clip(b.Name, 17), numfmt.Count.Print(b.Bad+b.Good))),
			append(s.X, numfmt.Number(b.WOE))
	}
	f.Series = []chart.Series{s}
	return f
}

func woeTable(features []Feature, v []column, order []int) Table {
	t := Table{Title: "All bins", Folded: true,
		Caption: "Weight of evidence is ln(share of bad rows ÷ share of good rows) of the bin; half a row is added " +
			"where a class is empty. Of a category, a bin gathers what is not among its most frequent levels, and " +
			"what the plan itself calls other: values that were rare when the plan was fitted, or that it had not " +
			"seen.",
		Columns: []Column{{Name: "Variable"}, {Name: "Bin"}, {Name: "Good", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count}, {Name: "Bad rate", Format: numfmt.Percent},
			{Name: "Weight of evidence", Format: numfmt.Signed3}}}
	for _, j := range order {
		for _, b := range v[j].binned.Bins {
			t.Rows = append(t.Rows,
				[]Cell{T(features[j].Name), binCell(b.Name, features[j].Categories, v[j].binned.Other),
					countCell(b.Good), countCell(b.Bad), V(ratio(b.Bad, b.Bad+b.Good)), V(b.WOE)})
		}
	}
	return t
}

// binCell names a bin; what "other" gathers is spelt out.
func binCell(name string, categories, other []string) Cell {
	switch {
	case categories == nil || name != "other":
		return T(name)
	case len(other) == 0:
		return T("other: values that the plan does not name")
	}
	return Phrase(Piece{Words: "other:", Names: other}, Piece{Words: "and any value that the plan does not name"})
}

func (b *builder) directionVerdict(v []column) {
	declared, n, against := 0, map[string]int{}, []string(nil)
	for j, f := range b.in.Features {
		if f.Monotone == 0 {
			continue
		}
		declared++
		a := agreement(f.Monotone, v[j].alone)
		n[a]++
		if a == "disagrees" {
			against = append(against, f.Name)
		}
	}
	light, g := Pass, b.classes(leastOfClass)
	finding := fmt.Sprintf("of %d declared directions %d agree, %d have no effect by themselves, %d cannot be told",
		declared, n["agrees"], n["no effect by itself"], n["cannot tell"])
	switch {
	case declared == 0:
		light, finding, g = CannotTell, "no direction is declared", notGiven()
	case n["cannot tell"] > 0:
		light = CannotTell
	case len(against) > 0:
		light = Look
	}
	if len(against) > 0 {
		finding += "; against the declared direction: " + firstFew(against)
	}
	b.verdict(directionQuestion, light, "variables", finding,
		fmt.Sprintf("look when a variable's own AUC lies on the other side of 0.5 with its whole interval; cannot "+
			"tell when an interval reaches from the right side to more than %s on the wrong one (never fail: beside "+
			"the others a variable can be right)", numfmt.Fixed2.Print(noEffect)), g)
}
