// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Period is one step of a backtest forward in time: the same recipe trained
// anew on what was known when the period began, judged on the period's rows.
type Period struct {
	From, To time.Time // the period's rows were decided in [From, To)
	Trained  int       // rows with a known outcome at From that trained
	Label    []float64
	PD       []float64
	Margin   []float64 // what ranks; nil = PD
	Weight   []float64 // of the rows; nil = 1 each
}

// backtest shows the periods side by side.
func (b *builder) backtest(s *document.Section) {
	t := document.Table{Title: "Backtest forward in time",
		Caption: "Each line trains the same plan and parameters anew on the rows whose outcome was known when the " +
			"period began, and judges them on the period. It shows how the recipe would have performed if it had " +
			"been in use and trained again each time. " + fewRowsNote,
		Columns: []document.Column{{Name: "Period"}, {Name: "Trained on", Format: numfmt.Count},
			{Name: "Rows", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count}, {Name: "Observed", Format: numfmt.Percent},
			{Name: "Predicted", Format: numfmt.Percent},
			{Name: "AUC", Format: numfmt.Fixed3}, {Name: "95 % from", Format: numfmt.Fixed3},
			{Name: "to", Format: numfmt.Fixed3},
			{Name: "KS", Format: numfmt.Fixed3}, {Name: "Brier", Format: numfmt.Fixed4},
			{Name: "Slope", Format: numfmt.Fixed3},
			{Name: "KS by chance", Format: numfmt.Fixed3}}}
	auc := chart.Series{Name: "AUC", Mark: chart.Dots}
	var names []string
	worst, sum, n, outside := math.Inf(1), 0.0, 0.0, 0
	smallest := document.Grounds{LeastOfClass: leastOfClass, Of: "the period with the fewest of a class"}
	for k, p := range b.in.Backtest {
		rank := p.Margin
		if rank == nil {
			rank = p.PD
		}
		c := eval.CurveOf(p.Label, rank, p.Weight)
		d, w, pd := reliableAUC(c), c.BadRateEstimate(), eval.WeightedMean(p.PD, p.Weight)
		if g := groundsOf(c, ""); k == 0 || min(g.Bad, g.Rows-g.Bad) < min(smallest.Bad, smallest.Rows-smallest.Bad) {
			smallest.Rows, smallest.Bad = g.Rows, g.Bad
		}
		ks, _ := c.KS()
		if m := numfmt.Number(pd); m < w.Low || m > w.High {
			outside++
		}
		name := p.From.UTC().Format(time.DateOnly) + " to " + p.To.UTC().Format(time.DateOnly)
		names = append(names, p.From.UTC().Format(time.DateOnly))
		t.Rows = append(t.Rows, []document.Cell{text(name), count(p.Trained), countCell(c.Tally().Sum),
			countCell(c.BadTally.Sum),
			number(float64(w.Value)), number(pd), number(float64(d.Value)), number(float64(d.Low)),
			number(float64(d.High)), number(ks),
			number(eval.Brier(p.Label, p.PD, p.Weight)), number(eval.CalibrationLine(p.Label, p.PD, p.Weight).Slope),
			number(eval.ChanceKS(c.BadTally.Effective(), c.GoodTally.Effective()))})
		auc.X, auc.Y = append(auc.X, numfmt.Number(k)), append(auc.Y, d.Value)
		auc.Low, auc.High = append(auc.Low, d.Low), append(auc.High, d.High)
		if v := float64(d.Value); !math.IsNaN(v) {
			worst, sum, n = math.Min(worst, v), sum+v, n+1
		}
	}
	s.AddTable(t)
	if b.in.OutcomesAtOnce {
		s.AddText("When the outcomes of these rows were known is not stated. Each period's model was trained on all " +
			"rows decided before it, as if their outcomes had been known at once: in use it would have had to do " +
			"without the latest.")
	}
	if n > 0 {
		all := numfmt.Number(sum / n)
		b.backtestVerdict(auc, float64(all), outside, smallest)
		s.AddFigure(chart.Figure{ID: "backtest-auc", Title: "Backtest forward in time",
			X: chart.Axis{Label: "first day of the period", Labels: names}, Y: chart.Axis{Label: "AUC"},
			Alt: fmt.Sprintf("AUC of %d periods, each by a model trained on what came before.", len(names)),
			Caption: "Each dot is a model trained on what was known when its period began, with its 95 % interval; " +
				"the dashed line is their mean. A fall means that applicants change faster than training follows.",
			Series: []chart.Series{auc,
				{Name: "mean", Mark: chart.Reference, X: []numfmt.Number{-0.5, numfmt.Number(len(names)) - 0.5},
					Y: []numfmt.Number{all, all}}}})
		b.add("backtest_auc_mean", eval.Estimate{Value: all, Low: numfmt.NaN(), High: numfmt.NaN(), N: len(names)})
		b.add("backtest_auc_worst",
			eval.Estimate{Value: numfmt.Number(worst), Low: numfmt.NaN(), High: numfmt.NaN(), N: len(names)})
		return
	}
	b.verdict(forwardQuestion, document.CannotTell, "stability", "no period has enough rows of both classes", "–",
		smallest)
}

// backtestVerdict judges the periods by their intervals, so that a low AUC that a
// period of few rows shows by chance fails nothing.
func (b *builder) backtestVerdict(auc chart.Series, all float64, outside int, smallest document.Grounds) {
	light, low, wide := document.Pass, 0, 0
	for k, high := range auc.High {
		switch {
		case !high.Defined():
			wide++
		case float64(high) < b.thresholds.AUCFail:
			light = document.Fail
		case auc.Low[k] < numfmt.Number(b.thresholds.AUCFail) && high > numfmt.Number(b.thresholds.AUCPass):
			wide++
		}
		if high.Defined() && float64(high) < all {
			low++
		}
	}
	if wide > 0 && light == document.Pass {
		light = document.CannotTell
	} else if light == document.Pass && low+outside > 0 {
		light = document.Look
	}
	b.verdict(forwardQuestion, light, "stability",
		fmt.Sprintf("mean AUC %s over %d periods; %d have a whole interval below the mean; the mean PD is "+
			"off in %d; %d are too uncertain to judge", numfmt.Fixed3.Print(all), len(auc.Y), low, outside, wide),
		fmt.Sprintf("look when a period's whole AUC interval lies below the mean of the periods, or its mean PD "+
			"outside the Wilson interval of its bad rate; fail when a whole AUC interval lies below %s; cannot tell "+
			"when one has no interval, or an interval from below %s to above %s",
			numfmt.Fixed3.Print(b.thresholds.AUCFail),
			numfmt.Fixed3.Print(b.thresholds.AUCFail), numfmt.Fixed3.Print(b.thresholds.AUCPass)), smallest)
}

// check reports a period whose slices have different lengths or whose values are out
// of range.
func (p *Period) check(k int) error {
	what := fmt.Sprintf("backtest period %d", k+1)
	if len(p.PD) != len(p.Label) || p.Margin != nil && len(p.Margin) != len(p.Label) {
		return fmt.Errorf("%w: %s has %d labels, %d probabilities and %d margins", eval.ErrInput, what, len(p.Label),
			len(p.PD), len(p.Margin))
	}
	if err := checkLabels(what+" ", p.Label); err != nil {
		return err
	}
	if err := eval.CheckWeights(what+" ", p.Weight, len(p.Label)); err != nil {
		return err
	}
	if err := checkPD(what+" PD", p.PD); err != nil {
		return err
	}
	return checkScore(what+" margin", p.Margin)
}
