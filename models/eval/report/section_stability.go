// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// stability makes the section of that name.
func (b *builder) stability() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "stability", Title: "Stability",
		Introduction: "Whether the applicants and the model's performance are still what they were when the model " +
			"was built."}
	if in.Train == nil && in.Time == nil && in.Backtest == nil {
		s.Absent = "This section needs the scores of the training rows, or the time of each evaluated row."
		b.notAsked(s.ID, "no training scores and no times were given", shiftQuestion, forwardQuestion)
		return s, nil
	}
	s.AddText("The population stability index (PSI) compares two distributions over ten bins: below %s is usually "+
		"taken as stable, above %s as shifted. With few rows it is above 0 by chance alone; the tables show the "+
		"average by chance.", numfmt.Plain.Print(b.thresholds.PSILook), numfmt.Plain.Print(b.thresholds.PSIFail))
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
		why := in.BacktestSkipped
		if why == "" {
			why = "that takes periods, each scored by a model trained on what was known before it, and none were given"
		}
		s.AddText("The recipe was not trained again forward in time: %s.", why)
		b.verdict(forwardQuestion, document.CannotTell, s.ID, "the recipe was not trained again forward in time", "–",
			notGiven())
	}
	return s, nil
}

// trainingPD returns the PDs of the training rows to compare with: out of fold where
// those are known. The PDs that a model gives its own training rows are more spread
// out than those of other rows.
func (t *Train) trainingPD() (pd []float64, what string) {
	if t.OutOfFoldPD != nil {
		return t.OutOfFoldPD, "training, out of fold"
	}
	return t.PD, "training"
}

func (b *builder) trainingShift(s *document.Section) {
	in := b.in
	reference, what := in.Train.trainingPD()
	cuts := eval.Cuts(reference, in.Train.Weight, 10)
	expected, actual := eval.CountBins(cuts, reference, in.Train.Weight), eval.CountBins(cuts, in.PD, in.Weight)
	trained, seen := b.train.Tally(), b.curve.Tally()
	psi := eval.PSI(expected, actual, trained.HalfRow(), seen.HalfRow())
	chance := eval.ChancePSI(len(cuts)+1, trained.Effective(), seen.Effective())
	b.add("psi_score", eval.Estimate{Value: numfmt.Number(psi), Low: numfmt.NaN(), High: numfmt.NaN(), N: len(in.PD),
		Chance: numfmt.Pointer(chance)})
	b.shiftVerdict(psi, chance, what)
	t := document.Table{Title: "Score against training",
		Caption: fmt.Sprintf("Bins are the tenths of the PDs of %s. Their contributions add up to a PSI of %s, with "+
			"half a row added where a bin is empty on one side; without a shift, samples of this size give %s on "+
			"average.", what,
			numfmt.Fixed3.Print(psi), numfmt.Fixed3.Print(chance)),
		Columns: []document.Column{{Name: "PD"}, {Name: "Training", Format: numfmt.Percent},
			{Name: "Evaluated", Format: numfmt.Percent},
			{Name: "Contribution to the PSI", Format: numfmt.Fixed4}}}
	f := chart.Figure{ID: "score-shift", Title: "Score against training",
		X: chart.Axis{Label: "share of the rows", Format: numfmt.Percent},
		Caption: "Plain bars: " + what + ", about a tenth each by construction. Hatched bars: the evaluated rows. " +
			"Where a hatched bar is longer, there are more such applicants now.",
		Alt: "Shares of training and evaluated rows over ten bins of the PD."}
	tr, ev := chart.Series{Name: "training", Mark: chart.HBars}, chart.Series{Name: "evaluated", Mark: chart.HBars}
	for k, name := range pdBins(cuts) {
		n, m := trained.Sum, seen.Sum
		e, a := expected[k]/n, actual[k]/m
		t.Rows = append(t.Rows,
			[]document.Cell{text(name), number(e), number(a),
				number(eval.PSIPart(expected[k], actual[k], n, m, trained.HalfRow(), seen.HalfRow()))})
		f.Y.Labels, tr.X, ev.X = append(f.Y.Labels, name), append(tr.X, numfmt.Number(e)),
			append(ev.X, numfmt.Number(a))
	}
	f.Series = []chart.Series{tr, ev}
	s.AddFigure(f)
	if v, ok := b.shiftFigure(); ok {
		s.AddFigure(v)
	}
	s.AddTable(t)
}

// shiftVerdict judges the PSI of the score less what chance gives, if out-of-fold
// scores are known, and the PSI of each variable.
func (b *builder) shiftVerdict(psi, chance float64, what string) {
	in := b.in
	light := judge(psi-chance, b.thresholds.PSILook, b.thresholds.PSIFail, false)
	finding := fmt.Sprintf("PSI of the score against %s %s (chance gives %s)", what,
		numfmt.Fixed3.Print(psi), numfmt.Fixed3.Print(chance))
	if in.Train.OutOfFoldPD == nil {
		light = document.CannotTell
		finding = "out-of-fold scores of the training rows were not given, and a model's scores of its own training " +
			"rows are always more spread out; " + finding
	}
	if n, most := b.shifted(); n > 0 {
		if light == document.Pass {
			light = document.Look
		}
		finding += fmt.Sprintf("; %d of %d variables above %s, most of all %s with %s", n, len(b.measured),
			numfmt.Plain.Print(b.thresholds.PSIFail), in.Features[most].Name, numfmt.Fixed3.Print(b.measured[most].PSI))
	}
	g := b.rows(leastForShift)
	if n := b.train.Tally().WholeRows(); n < leastForShift {
		g = document.Grounds{Rows: n, LeastRows: leastForShift, Of: "training rows"}
	}
	b.verdict(shiftQuestion, light, "stability", finding,
		fmt.Sprintf("PSI less what chance gives: pass up to %s, fail above %s; look when that of a variable is above "+
			"%s",
			numfmt.Plain.Print(b.thresholds.PSILook), numfmt.Plain.Print(b.thresholds.PSIFail),
			numfmt.Plain.Print(b.thresholds.PSIFail)), g)
}

// leastForShift is the number of rows needed on each side: with fewer, chance alone
// gives a PSI near the thresholds.
const leastForShift = 100

// shifted counts the variables whose PSI, less what chance gives, is above PSIFail,
// and returns the index of the one that moved most.
func (b *builder) shifted() (n, most int) {
	most = -1
	for j := range b.measured {
		p := b.measured[j].PSI
		if math.IsNaN(p) || p-b.measured[j].PSIByChance <= b.thresholds.PSIFail {
			continue
		}
		n++
		if most < 0 || p > b.measured[most].PSI {
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
	order := make([]int, 0, len(b.measured))
	for j := range b.measured {
		if !math.IsNaN(b.measured[j].PSI) {
			order = append(order, j)
		}
	}
	if len(order) == 0 {
		return chart.Figure{}, false
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(b.measured[j].PSI, b.measured[i].PSI) })
	f := chart.Figure{ID: "variable-shift", Title: "Variables against training", X: chart.Axis{Label: "PSI"},
		Caption: "Population stability index of each variable between training and evaluated rows, largest first (at " +
			"most twelve).",
		Alt: "Bars of PSI by variable."}
	s := chart.Series{Mark: chart.HBars}
	for k, j := range order {
		if k == 12 {
			break
		}
		f.Y.Labels, s.X = append(f.Y.Labels, b.in.Features[j].Name), append(s.X, numfmt.Number(b.measured[j].PSI))
	}
	f.Series = []chart.Series{s}
	return f, true
}

func (b *builder) monthly(s *document.Section) {
	in := b.in
	names, code := eval.Periods(in.Time)
	rows := rowsOf(Category{Levels: names, Code: code})[:len(names)]
	reference, weight, refName := in.PD, in.Weight, "the whole evaluated sample"
	if in.Train != nil {
		reference, refName = in.Train.trainingPD()
		weight = in.Train.Weight
	}
	cuts := eval.Cuts(reference, weight, 10)
	expected, before := eval.CountBins(cuts, reference, weight), eval.TallyOf(weight, len(reference))
	t := document.Table{Title: "By month of decision",
		Caption: "Rows decided in one month are a vintage. PSI compares the month's scores with " +
			refName + ". " + fewRowsNote,
		Columns: []document.Column{{Name: "Month"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count},
			{Name: "Observed", Format: numfmt.Percent}, {Name: "Predicted", Format: numfmt.Percent},
			{Name: "AUC", Format: numfmt.Fixed3},
			{Name: "95 % from", Format: numfmt.Fixed3}, {Name: "to", Format: numfmt.Fixed3},
			{Name: "Brier", Format: numfmt.Fixed4},
			{Name: "PSI", Format: numfmt.Fixed3}, {Name: "PSI by chance", Format: numfmt.Fixed3}}}
	auc := chart.Series{Name: "AUC", Mark: chart.Dots, X: chart.Positions(len(names))}
	obs, pred := chart.Series{Name: "observed", Mark: chart.Dots, X: chart.Positions(len(names))},
		chart.Series{Name: "predicted", Mark: chart.Line,
			X: chart.Positions(len(names))}
	psis := chart.Series{Name: "PSI", Mark: chart.Dots, X: chart.Positions(len(names))}
	for k, r := range rows {
		label, pd, weight := eval.Select(in.Label, r), eval.Select(in.PD, r), eval.Select(in.Weight, r)
		c := b.curveOf(r)
		d, w, now := reliableAUC(c), c.BadRateEstimate(), c.Tally()
		psi := eval.PSI(expected, eval.CountBins(cuts, pd, weight), before.HalfRow(), now.HalfRow())
		chance := eval.ChancePSI(len(cuts)+1, now.Effective(), before.Effective())
		t.Rows = append(t.Rows, []document.Cell{text(names[k]), countCell(now.Sum), countCell(c.BadTally.Sum),
			number(float64(w.Value)),
			number(b.meanPD(r)), number(float64(d.Value)), number(float64(d.Low)), number(float64(d.High)),
			number(eval.Brier(label, pd, weight)), number(psi), number(chance)})
		auc.Y, auc.Low, auc.High = append(auc.Y, d.Value), append(auc.Low, d.Low), append(auc.High, d.High)
		obs.Y, obs.Low, obs.High = append(obs.Y, w.Value), append(obs.Low, w.Low), append(obs.High, w.High)
		pred.Y, psis.Y = append(pred.Y, numfmt.Number(b.meanPD(r))), append(psis.Y, numfmt.Number(psi))
	}
	b.decidedLater(s)
	x := chart.Axis{Label: "month of the decision", Labels: names}
	all := numfmt.Number(b.curve.AUC())
	span := []numfmt.Number{-0.5, numfmt.Number(len(names)) - 0.5}
	s.AddFigure(chart.Figure{ID: "auc-by-month", Title: "Discrimination by month", X: x, Y: chart.Axis{Label: "AUC"},
		Alt: "AUC by month with intervals.",
		Caption: "Dots with 95 % intervals; the dashed line is the whole sample. A falling series means that the " +
			"model is ageing.",
		Series: []chart.Series{auc,
			{Name: "whole sample", Mark: chart.Reference, X: span, Y: []numfmt.Number{all, all}}}})
	s.AddFigure(chart.Figure{ID: "rate-by-month", Title: "Predicted and observed by month", X: x,
		Y:   chart.Axis{Label: "bad rate", Format: numfmt.Percent},
		Alt: "Observed bad rate with intervals and mean predicted PD, by month.",
		Caption: "Dots: observed, with Wilson 95 % intervals. Dashed line: the mean PD of the month. Where the line " +
			"leaves the whiskers, the level of the PDs is off.", Series: []chart.Series{obs, pred}})
	s.AddFigure(chart.Figure{ID: "psi-by-month", Title: "Score PSI by month", X: x, Y: chart.Axis{Label: "PSI"},
		Alt:     "PSI of the score by month.",
		Caption: "The dashed lines are the usual bounds. Months with few rows are higher by chance.",
		Series: []chart.Series{psis,
			{Mark: chart.Reference, X: span,
				Y: []numfmt.Number{numfmt.Number(b.thresholds.PSILook), numfmt.Number(b.thresholds.PSILook)}},
			{Mark: chart.Reference, X: span,
				Y: []numfmt.Number{numfmt.Number(b.thresholds.PSIFail), numfmt.Number(b.thresholds.PSIFail)}}}})
	s.AddTable(t)
	if len(in.Features) > 0 && len(names) > 1 && len(names) <= 60 {
		s.AddTable(b.monthlyVariables(names, code))
	}
}

// monthlyVariables gives each variable's PSI in the month where it is largest.
func (b *builder) monthlyVariables(names []string, code []int32) document.Table {
	const least = 50
	t := document.Table{Title: "Variables by month", Folded: true,
		Caption: fmt.Sprintf("PSI of each month against training (or against all evaluated rows where training "+
			"values are not given). Months with fewer than %d rows are left out.", least),
		Columns: []document.Column{{Name: "Variable"}, {Name: "Mean PSI", Format: numfmt.Fixed3},
			{Name: "Largest PSI", Format: numfmt.Fixed3},
			{Name: "Month of the largest"}, {Name: "PSI by chance in that month", Format: numfmt.Fixed3}}}
	t.Rows = make([][]document.Cell, len(b.in.Features))
	before := b.curve.Tally()
	if b.train != nil {
		before = b.train.Tally()
	}
	b.each(len(b.in.Features), func(j int) {
		f, c := &b.in.Features[j], &b.measured[j]
		size := c.Bins.Count()
		seen, rows := make([]float64, size*len(names)), make([]eval.Tally, len(names))
		for i, v := range f.Values {
			m, w := int(code[i]), eval.WeightAt(b.in.Weight, i)
			seen[m*size+c.Bins.Of(v)] += w
			rows[m].Add(w)
		}
		sum, n, top, at, chance := 0.0, 0, math.NaN(), "", math.NaN()
		for m, name := range names {
			if rows[m].WholeRows() < least {
				continue
			}
			now := seen[m*size : (m+1)*size]
			p := eval.PSI(c.Expected, now, before.HalfRow(), rows[m].HalfRow())
			sum, n = sum+p, n+1
			if math.IsNaN(top) || p > top {
				top, at = p, name
				chance = eval.ChancePSI(eval.UsedBins(c.Expected, now), before.Effective(), rows[m].Effective())
			}
		}
		t.Rows[j] = []document.Cell{text(f.Name), number(eval.Ratio(sum, float64(n))), number(top),
			text(at), number(chance)}
	})
	return t
}

// decidedLater says how many evaluated rows were decided after training, and how many
// training outcomes became known only after the first of those rows was decided: a
// model that needed them could not have been in use then.
func (b *builder) decidedLater(s *document.Section) {
	in := b.in
	until := in.TrainedUntil
	if until.IsZero() {
		return
	}
	after, first := 0, time.Time{}
	for _, at := range in.Time {
		if !at.After(until) {
			continue
		}
		after++
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	s.AddText("The last row that trained the model was decided on %s. %s of %s evaluated rows were decided later: "+
		"for these the table shows the model ageing.",
		until.UTC().Format(time.DateOnly), numfmt.Count.Print(float64(after)),
		numfmt.Count.Print(float64(len(in.Time))))
	switch {
	case after == 0:
	case in.Train == nil || in.Train.Known == nil:
		s.AddText("When the outcomes of the training rows were known is not stated. If some were known only after " +
			"the first of the later rows was decided, the model could not have been in use then, and the figures are " +
			"too favourable.")
	default:
		late := 0
		for _, at := range in.Train.Known {
			if at.After(first) {
				late++
			}
		}
		b.add("training_outcomes_known_later",
			eval.Estimate{Value: numfmt.Number(late), Low: numfmt.NaN(), High: numfmt.NaN(), N: len(in.Train.Known)})
		s.AddText("%s of %s training rows have an outcome that was known only after the first of those rows was "+
			"decided on %s. A model trained on that day would have had to do without them; the backtest below does.",
			numfmt.Count.Print(float64(late)), numfmt.Count.Print(float64(len(in.Train.Known))),
			first.UTC().Format(time.DateOnly))
	}
}
