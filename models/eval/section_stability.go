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

// stability is section 8.
func (b *builder) stability() (Section, error) {
	in := b.in
	s := Section{ID: "stability", Title: "Stability",
		Lead: "Whether the applicants and the model's performance stay what they were when the model was built."}
	if in.Train == nil && in.Time == nil && in.Backtest == nil {
		s.Absent = "It takes the scores of the training rows, or the time of each evaluated row."
		b.notAsked(s.ID, "no training scores and no times were given", shiftQuestion, forwardQuestion)
		return s, nil
	}
	s.text("The population stability index (PSI) compares two distributions over ten bins: below %s is usually read "+
		"as stable, above %s as shifted. With few rows it is above 0 by chance alone; the tables print what chance "+
		"gives on average.", numfmt.Plain.Print(b.th.PSILook), numfmt.Plain.Print(b.th.PSIFail))
	if in.Train != nil {
		b.trainingShift(&s)
	} else {
		b.notAsked(s.ID, "no training scores were given", shiftQuestion)
	}
	if in.Time != nil {
		b.monthly(&s)
	}
	if len(in.Backtest) > 0 {
		b.backtest(&s)
	} else {
		why := in.Unbacktested
		if why == "" {
			why = "that takes periods, each scored by a model trained on what was known before it, and none were given"
		}
		s.text("The recipe was not trained again forward in time: %s.", why)
		b.verdict(forwardQuestion, CannotTell, s.ID, "the recipe was not trained again forward in time", "–",
			notGiven())
	}
	return s, nil
}

// trainingPD are the PDs of the training rows that others are compared with: by
// models that did not train on the row, where those are known. The PDs of
// a model's own training rows lie further apart than those of any other rows.
func (t *Train) trainingPD() (pd []float64, what string) {
	if t.OutOfFoldPD != nil {
		return t.OutOfFoldPD, "training, out of fold"
	}
	return t.PD, "training"
}

func (b *builder) trainingShift(s *Section) {
	in := b.in
	reference, what := in.Train.trainingPD()
	cuts := weightedCuts(reference, in.Train.Weight, 10)
	expected, actual := countBins(cuts, reference, in.Train.Weight), countBins(cuts, in.PD, in.Weight)
	trained, seen := b.train.mass(), b.curve.mass()
	psi := stabilityIndex(expected, actual, trained.half(), seen.half())
	chance := chancePSI(len(cuts)+1, trained.effective(), seen.effective())
	b.add("psi_score", Estimate{Value: numfmt.Number(psi), Low: numfmt.NaN(), High: numfmt.NaN(), N: len(in.PD),
		Chance: numfmt.Pointer(chance)})
	b.shiftVerdict(psi, chance, what)
	t := Table{Title: "Score against training",
		Caption: fmt.Sprintf("Bins are the tenths of the PDs of %s. The parts add up to a PSI of %s, with half a row "+
			"added where a bin is empty on one side; with no shift, samples of this size give %s on average.", what,
			numfmt.Fixed3.Print(psi), numfmt.Fixed3.Print(chance)),
		Columns: []Column{{Name: "PD"}, {Name: "Training", Format: numfmt.Percent},
			{Name: "Evaluated", Format: numfmt.Percent},
			{Name: "Part of the PSI", Format: numfmt.Fixed4}}}
	f := chart.Figure{ID: "score-shift", Title: "Score against training",
		X: chart.Axis{Label: "share of the rows", Format: numfmt.Percent},
		Caption: "Plain bars: " + what + ", about a tenth each by construction. Hatched bars: the evaluated rows. " +
			"Where a hatched bar is longer, there are more such applicants now.",
		Alt: "Shares of training and evaluated rows over ten bins of the PD."}
	tr, ev := chart.Series{Name: "training", Mark: chart.HBars}, chart.Series{Name: "evaluated", Mark: chart.HBars}
	for k, name := range pdBins(cuts) {
		n, m := trained.sum, seen.sum
		e, a := expected[k]/n, actual[k]/m
		t.Rows = append(t.Rows,
			[]Cell{T(name), V(e), V(a), V(psiPart(expected[k], actual[k], n, m, trained.half(), seen.half()))})
		f.Y.Labels, tr.X, ev.X = append(f.Y.Labels, name), append(tr.X, numfmt.Number(e)),
			append(ev.X, numfmt.Number(a))
	}
	f.Series = []chart.Series{tr, ev}
	s.figure(f)
	if v, ok := b.shiftFigure(); ok {
		s.figure(v)
	}
	s.table(t)
}

// shiftVerdict judges the PSI of the score above what chance gives, out of fold
// alone, and looks at variables.
func (b *builder) shiftVerdict(psi, chance float64, what string) {
	in := b.in
	light := judge(psi-chance, b.th.PSILook, b.th.PSIFail, false)
	finding := fmt.Sprintf("PSI of the score against %s %s (chance gives %s)", what,
		numfmt.Fixed3.Print(psi), numfmt.Fixed3.Print(chance))
	if in.Train.OutOfFoldPD == nil {
		light = CannotTell
		finding = "out-of-fold scores of the training rows were not given, and those of a model's own rows always " +
			"lie further apart; " + finding
	}
	if n, most := b.shifted(); n > 0 {
		if light == Pass {
			light = Look
		}
		finding += fmt.Sprintf("; %d of %d variables past %s, most of all %s with %s", n, len(b.cols),
			numfmt.Plain.Print(b.th.PSIFail), in.Features[most].Name, numfmt.Fixed3.Print(b.cols[most].psi))
	}
	g := b.rows(leastForShift)
	if n := b.train.mass().worth(); n < leastForShift {
		g = Grounds{Rows: n, LeastRows: leastForShift, Of: "training rows"}
	}
	b.verdict(shiftQuestion, light, "stability", finding,
		fmt.Sprintf("above chance: pass up to %s, fail past %s; look when a variable is past %s",
			numfmt.Plain.Print(b.th.PSILook), numfmt.Plain.Print(b.th.PSIFail), numfmt.Plain.Print(b.th.PSIFail)), g)
}

// leastForShift is the number of rows on each side below which chance alone
// gives a PSI near where a verdict would change.
const leastForShift = 100

// shifted counts the variables whose PSI is past the red bound by more than
// chance gives, and names the one that moved most.
func (b *builder) shifted() (n, most int) {
	most = -1
	for j := range b.cols {
		p := b.cols[j].psi
		if math.IsNaN(p) || p-b.cols[j].psiChance <= b.th.PSIFail {
			continue
		}
		n++
		if most < 0 || p > b.cols[most].psi {
			most = j
		}
	}
	return n, most
}

func pdBins(cuts []float64) []string {
	var names []string
	for k := range len(cuts) + 1 {
		switch {
		case len(cuts) == 0:
			names = append(names, "all")
		case k == 0:
			names = append(names, "≤ "+numfmt.Percent.Print(cuts[0]))
		case k == len(cuts):
			names = append(names, "> "+numfmt.Percent.Print(cuts[k-1]))
		default:
			names = append(names, numfmt.Percent.Print(cuts[k-1])+" – "+numfmt.Percent.Print(cuts[k]))
		}
	}
	return names
}

// shiftFigure shows the PSI of the variables that moved most.
func (b *builder) shiftFigure() (chart.Figure, bool) {
	order := make([]int, 0, len(b.cols))
	for j := range b.cols {
		if !math.IsNaN(b.cols[j].psi) {
			order = append(order, j)
		}
	}
	if len(order) == 0 {
		return chart.Figure{}, false
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(b.cols[j].psi, b.cols[i].psi) })
	f := chart.Figure{ID: "variable-shift", Title: "Variables against training", X: chart.Axis{Label: "PSI"},
		Caption: "Population stability index of each variable between training and evaluated rows, largest first (at " +
			"most twelve).",
		Alt: "Bars of PSI by variable."}
	s := chart.Series{Mark: chart.HBars}
	for k, j := range order {
		if k == 12 {
			break
		}
		f.Y.Labels, s.X = append(f.Y.Labels, b.in.Features[j].Name), append(s.X, numfmt.Number(b.cols[j].psi))
	}
	f.Series = []chart.Series{s}
	return f, true
}

func (b *builder) monthly(s *Section) {
	in := b.in
	names, code := months(in.Time)
	rows := rowsOf(Category{Levels: names, Code: code})[:len(names)]
	reference, weight, refName := in.PD, in.Weight, "the whole evaluated sample"
	if in.Train != nil {
		reference, refName = in.Train.trainingPD()
		weight = in.Train.Weight
	}
	cuts := weightedCuts(reference, weight, 10)
	expected, before := countBins(cuts, reference, weight), massOf(weight, len(reference))
	t := Table{Title: "By month of decision",
		Caption: "Rows decided in one month are a vintage. PSI compares the month's scores with " +
			refName + ". " + fewWords,
		Columns: []Column{{Name: "Month"}, {Name: "Rows", Format: numfmt.Count}, {Name: "Bad", Format: numfmt.Count},
			{Name: "Observed", Format: numfmt.Percent}, {Name: "Predicted", Format: numfmt.Percent},
			{Name: "AUC", Format: numfmt.Fixed3},
			{Name: "95 % from", Format: numfmt.Fixed3}, {Name: "to", Format: numfmt.Fixed3},
			{Name: "Brier", Format: numfmt.Fixed4},
			{Name: "PSI", Format: numfmt.Fixed3}, {Name: "Chance PSI", Format: numfmt.Fixed3}}}
	auc := chart.Series{Name: "AUC", Mark: chart.Dots, X: chart.Positions(len(names))}
	obs, pred := chart.Series{Name: "observed", Mark: chart.Dots, X: chart.Positions(len(names))},
		chart.Series{Name: "predicted", Mark: chart.Line,
			X: chart.Positions(len(names))}
	psis := chart.Series{Name: "PSI", Mark: chart.Dots, X: chart.Positions(len(names))}
	for k, r := range rows {
		label, pd, weight := subset(in.Label, r), subset(in.PD, r), weightsOf(in.Weight, r)
		c := b.curveOf(r)
		d, w, now := c.enough(), c.rate(), c.mass()
		psi := stabilityIndex(expected, countBins(cuts, pd, weight), before.half(), now.half())
		chance := chancePSI(len(cuts)+1, now.effective(), before.effective())
		t.Rows = append(t.Rows, []Cell{T(names[k]), countCell(now.sum), countCell(c.badMass.sum), V(float64(w.Value)),
			V(b.meanPD(r)), V(float64(d.Value)), V(float64(d.Low)), V(float64(d.High)),
			V(brierScore(label, pd, weight)), V(psi), V(chance)})
		auc.Y, auc.Low, auc.High = append(auc.Y, d.Value), append(auc.Low, d.Low), append(auc.High, d.High)
		obs.Y, obs.Low, obs.High = append(obs.Y, w.Value), append(obs.Low, w.Low), append(obs.High, w.High)
		pred.Y, psis.Y = append(pred.Y, numfmt.Number(b.meanPD(r))), append(psis.Y, numfmt.Number(psi))
	}
	b.decidedLater(s)
	x := chart.Axis{Label: "month of the decision", Labels: names}
	all := numfmt.Number(b.curve.AUC())
	span := []numfmt.Number{-0.5, numfmt.Number(len(names)) - 0.5}
	s.figure(chart.Figure{ID: "auc-by-month", Title: "Discrimination by month", X: x, Y: chart.Axis{Label: "AUC"},
		Alt: "AUC by month with intervals.",
		Caption: "Dots with 95 % intervals; the dashed line is the whole sample. A falling series says that the " +
			"model ages.",
		Series: []chart.Series{auc,
			{Name: "whole sample", Mark: chart.Reference, X: span, Y: []numfmt.Number{all, all}}}})
	s.figure(chart.Figure{ID: "rate-by-month", Title: "Predicted and observed by month", X: x,
		Y:   chart.Axis{Label: "bad rate", Format: numfmt.Percent},
		Alt: "Observed bad rate with intervals and mean predicted PD, by month.",
		Caption: "Dots: observed, with Wilson 95 % intervals. Dashed line: the mean PD of the month. Where the line " +
			"leaves the whiskers, the level of the PDs is off.", Series: []chart.Series{obs, pred}})
	s.figure(chart.Figure{ID: "psi-by-month", Title: "Score PSI by month", X: x, Y: chart.Axis{Label: "PSI"},
		Alt:     "PSI of the score by month.",
		Caption: "Dashed lines at the usual bounds. Small months lie higher by chance.",
		Series: []chart.Series{psis,
			{Mark: chart.Reference, X: span,
				Y: []numfmt.Number{numfmt.Number(b.th.PSILook), numfmt.Number(b.th.PSILook)}},
			{Mark: chart.Reference, X: span,
				Y: []numfmt.Number{numfmt.Number(b.th.PSIFail), numfmt.Number(b.th.PSIFail)}}}})
	s.table(t)
	if len(in.Features) > 0 && len(names) > 1 && len(names) <= 60 {
		s.table(b.monthlyVariables(names, code))
	}
}

// monthlyVariables gives each variable's PSI in the month where it is largest.
func (b *builder) monthlyVariables(names []string, code []int32) Table {
	const least = 50
	t := Table{Title: "Variables by month", Folded: true,
		Caption: fmt.Sprintf("PSI of each month against training (or against all evaluated rows where training "+
			"values are not given). Months with fewer than %d rows are left out.", least),
		Columns: []Column{{Name: "Variable"}, {Name: "Mean PSI", Format: numfmt.Fixed3},
			{Name: "Largest", Format: numfmt.Fixed3},
			{Name: "in month"}, {Name: "By chance there", Format: numfmt.Fixed3}}}
	t.Rows = make([][]Cell, len(b.in.Features))
	before := b.curve.mass()
	if b.train != nil {
		before = b.train.mass()
	}
	b.each(len(b.in.Features), func(j int) {
		f, c := &b.in.Features[j], &b.cols[j]
		size := c.bins.size()
		seen, rows := make([]float64, size*len(names)), make([]mass, len(names))
		for i, v := range f.Values {
			m, w := int(code[i]), weightAt(b.in.Weight, i)
			seen[m*size+c.bins.of(v)] += w
			rows[m].add(w)
		}
		sum, n, top, at, chance := 0.0, 0, math.NaN(), "", math.NaN()
		for m, name := range names {
			if rows[m].worth() < least {
				continue
			}
			now := seen[m*size : (m+1)*size]
			p := stabilityIndex(c.expected, now, before.half(), rows[m].half())
			sum, n = sum+p, n+1
			if math.IsNaN(top) || p > top {
				top, at = p, name
				chance = chancePSI(usedBins(c.expected, now), before.effective(), rows[m].effective())
			}
		}
		t.Rows[j] = []Cell{T(f.Name), V(ratio(sum, float64(n))), V(top), T(at), V(chance)}
	})
	return t
}
