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

// explainedRows bounds the rows whose contributions are computed.
const explainedRows = 2000

// explanation makes the section of that name.
func (b *builder) explanation() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "explanation", Title: "Explanation",
		Introduction: "Which variables move the score, in which direction, and what led to single decisions. " +
			"Contributions (SHAP values) are in log-odds and add up to the score exactly."}
	if in.Contributions == nil || len(in.Features) == 0 {
		s.Absent = "This section needs the exact contributions of each row, and the columns of the features."
		return s, nil
	}
	rows := eval.EvenlySpaced(len(in.Label), explainedRows)
	m := len(in.Features)
	phi := make([][]float64, len(rows))
	var worst float64
	for k, i := range rows {
		phi[k] = make([]float64, m+1)
		in.Contributions(phi[k], int(i))
		sum := 0.0
		for _, p := range phi[k] {
			sum += p
		}
		if in.Margin != nil {
			worst = math.Max(worst, math.Abs(sum-in.Margin[i]))
		}
		if k%64 == 0 && b.ctx.Err() != nil {
			return s, b.ctx.Err()
		}
	}
	importance, weight := make([]float64, m), eval.Select(in.Weight, rows)
	total := eval.TallyOf(weight, len(rows)).Sum
	for k, p := range phi {
		for j := range importance {
			importance[j] += float64(eval.WeightAt(weight, k)*math.Abs(p[j])) / total
		}
	}
	order := make([]int, m)
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(importance[j], importance[i]) })
	note := sampleNote(len(rows), len(in.Label))
	s.AddFigure(importanceFigure(in.Features, importance, order, note))
	if f, ok := groupFigure(in.Features, phi, weight, note); ok {
		s.AddFigure(f)
	}
	var shuffled []shuffle
	if in.Score != nil {
		shuffled = b.sampleForStress(rows).shuffles()
	}
	if in.Usage != nil || shuffled != nil {
		s.AddTable(importanceTable(in.Features, importance, shuffled, in.Usage, order, note))
	}
	for k, j := range order {
		if k < 10 && importance[j] > 0 {
			s.AddFigure(dependence(&in.Features[j], j, rows, phi, k))
		}
	}
	if in.Margin != nil {
		s.AddText("Largest gap between a row's contributions added up and its score: %s log-odds over %s.",
			numfmt.Plain.Print(worst), note)
	}
	if in.Reasons != nil {
		s.AddTable(b.reasonTable(rows, note))
	}
	s.AddTable(b.workedDecisions())
	return s, nil
}

func importanceFigure(features []Feature, importance []float64, order []int, note string) chart.Figure {
	f := chart.Figure{ID: "importance", Title: "Importance", X: chart.Axis{Label: "mean |contribution|, log-odds"},
		Caption: "How far each variable moves the score, on average (" + note +
			"). It says how much the model uses a variable, not that the variable causes default.",
		Alt: "Bars of mean absolute contribution by variable, largest first."}
	s := chart.Series{Mark: chart.HBars}
	for k, j := range order {
		if k == 20 {
			f.Title = "Importance, first 20 variables"
			break
		}
		f.Y.Labels, s.X = append(f.Y.Labels, features[j].Name), append(s.X, numfmt.Number(importance[j]))
	}
	f.Series = []chart.Series{s}
	return f
}

// groupFigure adds contributions up within the plan's groups first.
func groupFigure(features []Feature, phi [][]float64, weight []float64, note string) (chart.Figure, bool) {
	names, of := featureGroups(features)
	if len(names) == len(features) {
		return chart.Figure{}, false
	}
	size, one := make([]float64, len(names)), make([]float64, len(names))
	total := eval.TallyOf(weight, len(phi)).Sum
	for row, p := range phi {
		clear(one)
		for j, k := range of {
			one[k] += p[j]
		}
		for k, v := range one {
			size[k] += float64(eval.WeightAt(weight, row)*math.Abs(v)) / total
		}
	}
	order := make([]int, len(names))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(size[j], size[i]) })
	f := chart.Figure{ID: "group-importance", Title: "Importance of groups",
		X: chart.Axis{Label: "mean |contribution of the group|, log-odds"},
		Caption: "As above, with contributions added up within each group of variables of the plan (" + note +
			"). Reasons are given by group.",
		Alt: "Bars of mean absolute contribution by group of variables."}
	s := chart.Series{Mark: chart.HBars}
	for i, k := range order {
		if i == 20 {
			break
		}
		f.Y.Labels, s.X = append(f.Y.Labels, names[k]), append(s.X, numfmt.Number(size[k]))
	}
	f.Series = []chart.Series{s}
	return f, true
}

// dependence plots contributions against values: dots for a number, and for each
// level of a category the mean and the middle 90 %.
func dependence(feature *Feature, j int, rows []int32, phi [][]float64, k int) chart.Figure {
	f := chart.Figure{ID: fmt.Sprintf("dependence-%d", k), Title: "What " + feature.Name + " does"}
	if feature.Categories != nil {
		by := make([][]float64, len(feature.Categories)+1)
		for r, i := range rows {
			level := len(feature.Categories)
			if v := feature.Values[i]; v >= 0 && int(v) < level {
				level = int(v)
			}
			by[level] = append(by[level], phi[r][j])
		}
		order := make([]int, 0, len(by))
		for level, p := range by {
			if len(p) > 0 {
				order = append(order, level)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return len(by[b]) - len(by[a]) })
		const shown = eval.MaxLevels
		dropped, droppedRows := 0, 0
		s := chart.Series{Mark: chart.HBars}
		for place, level := range order {
			p := by[level]
			if place >= shown {
				dropped, droppedRows = dropped+1, droppedRows+len(p)
				continue
			}
			name := "missing or unknown"
			if level < len(feature.Categories) {
				name = feature.Categories[level]
			}
			slices.Sort(p)
			f.Y.Labels, s.X = append(f.Y.Labels,
				fmt.Sprintf("%s (%s)", chart.Clip(name, 18), numfmt.Count.Print(float64(len(p))))),
				append(s.X, numfmt.Number(eval.Mean(p)))
			s.Low, s.High = append(s.Low, numfmt.Number(eval.Quantile(p, 0.05))),
				append(s.High, numfmt.Number(eval.Quantile(p, 0.95)))
		}
		f.X = chart.Axis{Label: "contribution, log-odds (right: riskier)"}
		f.Caption = "Mean contribution by level, the most frequent first (rows in brackets), with the middle 90 % of " +
			"rows as whiskers. Wide whiskers: the effect depends on other variables."
		if dropped > 0 {
			f.Caption += fmt.Sprintf(" The %d rarest levels, %d rows in all, are not shown.", dropped, droppedRows)
		}
		f.Alt = "Mean contribution to the score by level of " + feature.Name + "."
		f.Series = []chart.Series{s}
		return f
	}
	x, y, missing := []float64{}, []float64{}, []float64{}
	for r, i := range rows {
		if v := feature.Values[i]; math.IsNaN(v) {
			missing = append(missing, phi[r][j])
		} else {
			x, y = append(x, v), append(y, phi[r][j])
		}
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	lo, hi := eval.Quantile(sorted, 0.005), eval.Quantile(sorted, 0.995)
	cloud := chart.Series{Name: "row", Mark: chart.Dots}
	every := (len(x) + 399) / 400
	for i := 0; i < len(x); i += max(1, every) {
		if x[i] >= lo && x[i] <= hi {
			cloud.X, cloud.Y = append(cloud.X, numfmt.Number(x[i])), append(cloud.Y, numfmt.Number(y[i]))
		}
	}
	f.X, f.Y = chart.Axis{Label: feature.Name, Format: numfmt.FormatOf(feature.Name, feature.Values)},
		chart.Axis{Label: "contribution, log-odds"}
	f.Caption = fmt.Sprintf("Each dot is a row (%d shown, extreme 0.5 %% of values at each end left out); above 0 it "+
		"raises the risk.", len(cloud.X))
	if len(missing) > 0 {
		f.Caption += fmt.Sprintf(" Missing values contribute %s on average (%d rows).",
			numfmt.Signed3.Print(eval.Mean(missing)), len(missing))
	}
	f.Alt = "Contribution to the score against the value of " + feature.Name + "."
	f.Series = []chart.Series{{Mark: chart.Reference, X: []numfmt.Number{numfmt.Number(lo), numfmt.Number(hi)},
		Y: []numfmt.Number{0, 0}}, cloud}
	return f
}

// smallContribution, in log-odds: smaller contributions are not listed.
const smallContribution = 0.005

// featureGroups numbers the groups in the order of their first feature; a
// feature without one is a group of its own.
func featureGroups(features []Feature) (names []string, of []int) {
	return gather(features, func(f *Feature) string { return cmp.Or(f.Group, f.Name) })
}

// gather returns the distinct names of features, in the order of the first feature
// that has each, and the index of each feature's name.
func gather(features []Feature, name func(*Feature) string) (names []string, of []int) {
	index := map[string]int{}
	of = make([]int, len(features))
	for j := range features {
		n := name(&features[j])
		k, ok := index[n]
		if !ok {
			k = len(names)
			index[n], names = k, append(names, n)
		}
		of[j] = k
	}
	return names, of
}
