// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// correlatedRows bounds the rows that correlations are computed on.
const correlatedRows = 10_000

// variables makes the section about each variable by itself.
func (b *builder) variables() (document.Section, error) {
	s := document.Section{ID: "variables", Title: "Variables",
		Introduction: "How well each variable predicts by itself, whether it has shifted since training, which " +
			"variables carry the same information, and whether the data agrees with the direction that the plan " +
			"declares."}
	in := b.in
	if len(in.Features) == 0 {
		s.Absent = "This section needs the columns of the features."
		b.notAsked(s.ID, "no column was given", leakQuestion, directionQuestion)
		return s, nil
	}
	v := b.measured
	rows := eval.EvenlySpaced(len(in.Label), correlatedRows)
	sampled, numbers := sampleNote(len(rows), len(in.Label)), make([][]float64, len(v))
	for j, f := range in.Features {
		if f.Categories == nil {
			numbers[j] = eval.Select(f.Values, rows)
		}
	}
	tied, inflation := eval.Correlate(numbers), eval.Inflations(numbers)
	order := make([]int, len(v))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(orZero(v[j].Binned.IV), orZero(v[i].Binned.IV))
	})
	s.AddFigure(ivFigure(in.Features, v, order))
	s.AddTable(b.variableTable(v, tied, inflation, order, sampled))
	if len(tied.Groups) > 0 {
		t := document.Table{Title: "Correlated groups",
			Caption: fmt.Sprintf("Numbers linked by rank correlations of at least %.1f, directly or through others "+
				"(%s). How the model divides importance among them is arbitrary; explain them as one.",
				eval.StrongCorrelation, sampled),
			Columns: []document.Column{{Name: "Group", Format: numfmt.Count}, {Name: "Variables"}}}
		for k, g := range tied.Groups {
			names := make([]string, len(g))
			for i, j := range g {
				names[i] = in.Features[j].Name
			}
			t.Rows = append(t.Rows, []document.Cell{count(k + 1), document.Phrase(document.Piece{Names: names})})
		}
		s.AddTable(t)
	}
	for k, j := range order {
		if k < 6 && !math.IsNaN(v[j].Binned.IV) && len(v[j].Binned.Bins) > 1 {
			s.AddFigure(woeFigure(&in.Features[j], v[j].Binned, k))
		}
	}
	s.AddTable(woeTable(in.Features, v, order))
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

// noEffect is how far the AUC of a variable by itself may be on the wrong side of
// 0.5 without contradicting a declared direction.
const noEffect = 0.05

// agreement says whether the AUC of the variable alone fits the declared direction.
func agreement(declared int8, alone eval.Estimate) string {
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

func (b *builder) variableTable(v []eval.Variable, tied eval.Correlations, inflation []float64, order []int,
	sampled string) document.Table {
	t := document.Table{Title: "Variables by information value",
		Caption: "Information value: from 0.02 weak, from 0.1 medium, from 0.3 strong; more than 0.5 above what " +
			"chance gives (last columns): check for a value that became known only after the decision. By chance: " +
			"what a variable without information, or without a shift, gives on average on so many rows. AUC alone: " +
			"below 0.5 the risk falls as the value rises. PSI compares the evaluated with the training rows. " +
			"Correlation is Spearman's with the closest other number, on the rows where both are present (" + sampled +
			"). Variance inflation is 1 ÷ (1 − R²) of the variable by all other numbers, on the same rows, a missing " +
			"value as the variable's mean: above 5 to 10 the others nearly determine it.",
		Columns: []document.Column{{Name: "Variable"}, {Name: "Information value", Format: numfmt.Fixed3},
			{Name: "AUC alone", Format: numfmt.Fixed3}, {Name: "95 % from", Format: numfmt.Fixed3},
			{Name: "to", Format: numfmt.Fixed3},
			{Name: "PSI", Format: numfmt.Fixed3}, {Name: "Declared direction"}, {Name: "Data agree?"},
			{Name: "Closest variable"},
			{Name: "Correlation", Format: numfmt.Fixed3}, {Name: "Variance inflation", Format: numfmt.Fixed2},
			{Name: "Information value by chance", Format: numfmt.Fixed3},
			{Name: "PSI by chance", Format: numfmt.Fixed3}}}
	for _, j := range order {
		f, x := &b.in.Features[j], &v[j]
		row := []document.Cell{text(f.Name), number(x.Binned.IV), number(float64(x.Alone.Value)),
			number(float64(x.Alone.Low)),
			number(float64(x.Alone.High)), number(x.PSI), text(direction(f.Monotone)),
			text(agreement(f.Monotone, x.Alone)), text(""),
			number(tied.Rho[j]), inflationCell(inflation[j]), number(x.IVByChance), number(x.PSIByChance)}
		if k := tied.Partner[j]; k >= 0 {
			row[8] = text(b.in.Features[k].Name)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func ivFigure(features []Feature, v []eval.Variable, order []int) chart.Figure {
	f := chart.Figure{ID: "information-value", Title: "Information value", X: chart.Axis{Label: "information value"},
		Caption: "How well each variable by itself separates good from bad. Check a bar above 0.5: such a variable " +
			"may give the outcome away.",
		Alt: "Bars of information value by variable, largest first."}
	s := chart.Series{Mark: chart.HBars}
	for k, j := range order {
		if k == 20 {
			f.Title = "Information value, first 20 variables"
			break
		}
		f.Y.Labels, s.X = append(f.Y.Labels, features[j].Name), append(s.X, numfmt.Number(v[j].Binned.IV))
	}
	f.Series = []chart.Series{s}
	return f
}

func woeFigure(feature *Feature, v eval.Binned, k int) chart.Figure {
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

func woeTable(features []Feature, v []eval.Variable, order []int) document.Table {
	t := document.Table{Title: "All bins", Folded: true,
		Caption: "Weight of evidence is ln(share of bad rows ÷ share of good rows) of the bin; half a row is added " +
			"where a class is empty. For a category, the bin named other gathers the less frequent levels and what " +
			"the plan itself calls other: values that were rare or absent when the plan was fitted.",
		Columns: []document.Column{{Name: "Variable"}, {Name: "Bin"}, {Name: "Good", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count}, {Name: "Bad rate", Format: numfmt.Percent},
			{Name: "Weight of evidence", Format: numfmt.Signed3}}}
	for _, j := range order {
		for _, b := range v[j].Binned.Bins {
			t.Rows = append(t.Rows,
				[]document.Cell{text(features[j].Name), binCell(b.Name, features[j].Categories, v[j].Binned.Other),
					countCell(b.Good), countCell(b.Bad), number(eval.Ratio(b.Bad, b.Bad+b.Good)), number(b.WOE)})
		}
	}
	return t
}

// binCell names a bin, and lists the levels that the bin "other" gathers.
func binCell(name string, categories, other []string) document.Cell {
	switch {
	case categories == nil || name != "other":
		return text(name)
	case len(other) == 0:
		return text("other: values that the plan does not name")
	}
	return document.Phrase(document.Piece{Words: "other:", Names: other},
		document.Piece{Words: "and any value that the plan does not name"})
}

func (b *builder) directionVerdict(v []eval.Variable) {
	declared, n, against := 0, map[string]int{}, []string(nil)
	for j, f := range b.in.Features {
		if f.Monotone == 0 {
			continue
		}
		declared++
		a := agreement(f.Monotone, v[j].Alone)
		n[a]++
		if a == "disagrees" {
			against = append(against, f.Name)
		}
	}
	light, g := document.Pass, b.classes(leastOfClass)
	finding := fmt.Sprintf("of %d declared directions %d agree, %d have no effect by themselves, %d cannot be told",
		declared, n["agrees"], n["no effect by itself"], n["cannot tell"])
	switch {
	case declared == 0:
		light, finding, g = document.CannotTell, "no direction is declared", notGiven()
	case n["cannot tell"] > 0:
		light = document.CannotTell
	case len(against) > 0:
		light = document.Look
	}
	if len(against) > 0 {
		finding += "; against the declared direction: " + document.FirstFew(against)
	}
	b.verdict(directionQuestion, light, "variables", finding,
		fmt.Sprintf("look when the whole interval of a variable's own AUC lies on the wrong side of 0.5; cannot tell "+
			"when the interval contains 0.5 and reaches more than %s to the wrong side (never fail: together with "+
			"other variables the declared direction can be right)", numfmt.Fixed2.Print(noEffect)), g)
}

// inflationCell shows a variance inflation factor, an infinite one in words.
func inflationCell(x float64) document.Cell {
	if math.IsInf(x, 1) {
		return text("determined by others")
	}
	return number(x)
}

func sampleNote(k, n int) string {
	if k == n {
		return fmt.Sprintf("all %s rows", numfmt.Count.Print(float64(n)))
	}
	return fmt.Sprintf("%s evenly spaced rows of %s", numfmt.Count.Print(float64(k)), numfmt.Count.Print(float64(n)))
}

// A variable that is derived from the outcome separates the classes by itself. An
// AUC between leakLook and leakFail may come from an honest, strong variable; no
// variable known at application reaches more than leakFail.
const (
	leakLook = 0.9
	leakFail = 0.99
)

// leastForLeak is the number of bad, and of good, rows needed to call a variable a
// leak: with two bad rows, both often lie beyond all good ones by chance.
const leastForLeak = 5

// leakVerdict looks for a variable that gives the outcome away.
func (b *builder) leakVerdict(v []eval.Variable) {
	light, most, top := document.Pass, -1, math.NaN()
	for j := range v {
		if p := v[j].Separation(); !math.IsNaN(p) && !(p <= top) {
			most, top = j, p
		}
	}
	finding := "no variable is defined on these rows"
	if most >= 0 {
		light = judge(top, leakLook, leakFail, false)
		finding = fmt.Sprintf("%s by itself separates good from bad with an AUC of %s, the highest of any variable",
			b.in.Features[most].Name, numfmt.Fixed3.Print(top))
		if light == document.Fail {
			finding = fmt.Sprintf("%s gives the outcome away: by itself it separates good from bad with an AUC of %s",
				b.in.Features[most].Name, numfmt.Fixed3.Print(top))
			b.report.Headline = append(b.report.Headline,
				finding+". Remove it unless its value is known when the decision is made.")
		}
	} else {
		light = document.CannotTell
	}
	g := b.classes(leastForLeak)
	if !g.Enough() && light == document.Fail {
		b.report.Headline = b.report.Headline[:len(b.report.Headline)-1]
	}
	b.verdict(leakQuestion, light, "variables", finding,
		fmt.Sprintf("AUC of one variable's values, or of its bins, in any direction: pass up to %s, fail past %s",
			numfmt.Fixed2.Print(leakLook), numfmt.Fixed2.Print(leakFail)), g)
}
