// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// calibration makes the section of that name.
func (b *builder) calibration() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "calibration", Title: "Calibration",
		Introduction: "Whether 10 of 100 applicants with a PD of 10 % turn bad. Prices, limits and provisions depend " +
			"on it; ranking applicants does not."}
	t := document.Table{Title: "Calibration",
		Caption: fmt.Sprintf("%s rows. Groups: ten of nearly equal size by PD; equal PDs stay together. Correct PDs, "+
			"by chance: the average that PDs without any error would give on as many rows, since outcomes vary by "+
			"chance.", numfmt.Count.Print(float64(b.curve.Rows()))),
		Columns: []document.Column{{Name: "Statistic"}, {Name: "Calibrated PD", Format: numfmt.Fixed4},
			{Name: "Perfect", Format: numfmt.Fixed3}, {Name: "Correct PDs, by chance", Format: numfmt.Fixed4},
			{Name: "Meaning"}}}
	var cal, raw calibrationNumbers
	var methods document.Table
	b.each(3, func(k int) {
		switch {
		case k == 0:
			cal = b.calibrationNumbers(in.PD, b.byPD)
		case k == 1 && in.RawPD != nil:
			raw = b.calibrationNumbers(in.RawPD, b.byRaw())
		case k == 2:
			methods = b.methodTable()
		}
	})
	if err := b.ctx.Err(); err != nil {
		return s, err
	}
	if in.RawPD != nil {
		t.Columns = append(t.Columns[:2:2],
			append([]document.Column{{Name: "Before calibration", Format: numfmt.Fixed4}}, t.Columns[2:]...)...)
	}
	chance := eval.CalibrationByChance(eval.Groups(in.Label, in.PD, in.Weight, b.byPD, 10))
	for i, n := range calibrationNames {
		format := numfmt.Format("")
		if strings.HasSuffix(n.metric, "_p") {
			format = numfmt.PValue
		}
		row := []document.Cell{text(n.name), number(cal[i]).As(format)}
		if in.RawPD != nil {
			row = append(row, number(raw[i]).As(format))
		}
		byChance := text("")
		if x, ok := chance[n.metric]; ok {
			byChance = number(x)
		}
		t.Rows = append(t.Rows, append(row, number(n.perfect), byChance, text(n.says)))
	}
	s.AddTable(t)
	l := eval.CalibrationLine(in.Label, in.PD, in.Weight)
	b.line = l
	for i, n := range calibrationNames {
		if n.metric != "" {
			e := eval.Wald(cal[i],
				map[string]float64{"calibration_slope": l.SESlope, "calibration_intercept": l.SEIntercept,
					"calibration_in_the_large": l.SELarge}[n.metric], len(in.PD))
			if x, ok := chance[n.metric]; ok {
				e.Chance = numfmt.Pointer(x)
			}
			b.add(n.metric, e)
		}
	}
	b.calibrationVerdict(&s, l)
	s.AddFigure(b.reliabilityFigure())
	s.AddFigure(b.reliabilityZoom())
	if len(methods.Rows) > 0 {
		s.AddTable(methods)
	}
	if in.Grades != nil {
		s.AddTable(b.gradeTable(*in.Grades))
	}
	return s, nil
}

// methodRows bounds the rows that calibration methods are compared on.
const methodRows = 100_000

// methodTable compares calibration methods, each fitted on four fifths of the
// evaluated rows and judged on the fifth left out. On few rows isotonic regression
// overfits.
func (b *builder) methodTable() document.Table {
	in := b.in
	if in.Margin == nil || b.curve.BadTally.WholeRows() < 10 || b.curve.GoodTally.WholeRows() < 10 {
		return document.Table{}
	}
	rows := eval.EvenlySpaced(len(in.Label), methodRows)
	label, margin, weight := eval.Select(in.Label, rows), eval.Select(in.Margin, rows), eval.Select(in.Weight, rows)
	t := document.Table{Title: "Calibration methods",
		Caption: fmt.Sprintf("Fitted anew on four fifths of the evaluated rows and judged on the fifth left out, "+
			"five times (%s). It shows which method suits this model, not how good the calibration in use is. "+
			"Correct PDs would have an ECE of about %s on as many rows.", sampleNote(len(rows), len(in.Label)),
			numfmt.Fixed4.Print(
				eval.CalibrationByChance(eval.Groups(label, eval.Select(in.PD, rows), weight,
					eval.FallingOrder(eval.Select(in.PD, rows)),
					10))["ece"])),
		Columns: []document.Column{{Name: "Method"}, {Name: "Brier", Format: numfmt.Fixed4},
			{Name: "Log-loss", Format: numfmt.Fixed4},
			{Name: "ECE", Format: numfmt.Fixed4}, {Name: "Slope", Format: numfmt.Fixed3},
			{Name: "In the large", Format: numfmt.Signed3}}}
	methods := []string{models.CalibrationNone, models.CalibrationPlatt, models.CalibrationBeta,
		models.CalibrationIsotonic}
	rowsOf := make([][]document.Cell, len(methods))
	b.each(len(methods), func(k int) {
		pd, err := outOfFold(methods[k], margin, label, weight)
		if err != nil {
			return // a fold has rows of one class only: no figures for the method
		}
		l := eval.CalibrationLine(label, pd, weight)
		rowsOf[k] = []document.Cell{text(methods[k]), number(eval.Brier(label, pd, weight)),
			number(eval.LogLoss(label, pd, weight)),
			number(eval.ECE(eval.Groups(label, pd, weight, eval.FallingOrder(pd), 10))),
			number(l.Slope), number(l.Large)}
	})
	for _, r := range rowsOf {
		if r != nil {
			t.Rows = append(t.Rows, r)
		}
	}
	return t
}

// outOfFold calibrates every row with a map fitted on the other folds. Rows of
// one label take the folds in turn.
func outOfFold(method string, margin, label, weight []float64) ([]float64, error) {
	const folds = 5
	fold, seen := make([]int, len(label)), [2]int{}
	for i, y := range label {
		fold[i] = seen[int(y)] % folds
		seen[int(y)]++
	}
	out := make([]float64, len(label))
	for k := range folds {
		var m, y, w []float64
		for i, f := range fold {
			if f != k {
				m, y = append(m, margin[i]), append(y, label[i])
				if weight != nil {
					w = append(w, weight[i])
				}
			}
		}
		c, err := models.FitCalibration(method, m, y, w)
		if err != nil {
			return nil, err
		}
		for i, f := range fold {
			if f == k {
				out[i] = min(max(c.Apply(margin[i]), 0), 1)
			}
		}
	}
	return out, nil
}

var calibrationNames = [...]struct {
	name, metric string
	perfect      float64
	says         string
}{
	{"Brier score", "", 0, "mean squared error of the PDs"},
	{"· reliability", "brier_reliability", 0, "part due to wrong PDs"},
	{"· resolution", "brier_resolution", math.NaN(), "part gained by telling groups apart; more is better"},
	{"· uncertainty", "brier_uncertainty", math.NaN(), "a property of the sample; no model changes it"},
	{"· within groups", "brier_within", math.NaN(), "what forming groups hides"},
	{"Log-loss", "", 0, "in nats; punishes confident errors"},
	{"Slope", "calibration_slope", 1, "below 1 the PDs are too extreme, above 1 too timid"},
	{"Intercept", "calibration_intercept", 0, "with the slope fitted, in log-odds"},
	{"Calibration in the large", "calibration_in_the_large", 0, "above 0: too few defaults predicted, in log-odds"},
	{"Expected calibration error", "ece", 0, "mean gap between predicted and observed over the groups"},
	{"Hosmer-Lemeshow χ²", "hosmer_lemeshow", math.NaN(), "sum of squared gaps over the groups"},
	{"· p-value", "hosmer_lemeshow_p", math.NaN(),
		"small: the gaps are more than chance; with many rows small gaps suffice"},
	{"Spiegelhalter z", "spiegelhalter_z", 0, "beyond ±1.96: the PDs do not fit, without grouping"},
	{"· p-value", "spiegelhalter_p", math.NaN(), "two-sided"},
}

type calibrationNumbers [len(calibrationNames)]float64

func (b *builder) calibrationNumbers(pd []float64, falling []int32) (v calibrationNumbers) {
	y, w := b.in.Label, b.in.Weight
	g := eval.Groups(y, pd, w, falling, 10)
	brier := eval.Brier(y, pd, w)
	d := eval.Decompose(brier, g)
	l := eval.CalibrationLine(y, pd, w)
	hl, _, hp := eval.HosmerLemeshow(g)
	z, zp := eval.Spiegelhalter(y, pd, w)
	return calibrationNumbers{brier, d.Reliability, d.Resolution, d.Uncertainty, d.Within,
		eval.LogLoss(y, pd, w), l.Slope,
		l.Intercept, l.Large, eval.ECE(g), hl, hp, z, zp}
}

func (b *builder) reliabilitySeries(pd []float64, falling []int32, name string, k int) chart.Series {
	s := chart.Series{Name: name, Mark: chart.Dots}
	for _, g := range eval.Groups(b.in.Label, pd, b.in.Weight, falling, k) {
		w := g.Rate()
		s.X, s.Y = append(s.X, numfmt.Number(g.Mean)), append(s.Y, w.Value)
		s.Low, s.High = append(s.Low, w.Low), append(s.High, w.High)
	}
	return s
}

func (b *builder) reliabilityFigure() chart.Figure {
	top := numfmt.Number(b.pdLimit())
	f := chart.Figure{ID: "reliability", Title: "Reliability",
		X: chart.Axis{Label: "predicted PD (mean of the group)", Min: 0, Max: top, Format: numfmt.Percent},
		Y: chart.Axis{Label: "observed bad rate", Min: 0, Max: top, Format: numfmt.Percent},
		Caption: "Ten groups of nearly equal size, with Wilson 95 % intervals. On the diagonal, predicted equals " +
			"observed; above it risk was underestimated.",
		Alt: "Observed bad rate against predicted probability of default in ten groups.",
		Series: []chart.Series{{Name: "perfect", Mark: chart.Reference, X: []numfmt.Number{0, top},
			Y: []numfmt.Number{0, top}},
			b.reliabilitySeries(b.in.PD, b.byPD, "calibrated", 10)}}
	if b.in.RawPD != nil {
		raw := b.reliabilitySeries(b.in.RawPD, b.byRaw(), "before calibration", 10)
		raw.Low, raw.High = nil, nil
		f.Series = append(f.Series, raw)
	}
	return f
}

// byRaw returns the rows by falling raw PD.
func (b *builder) byRaw() []int32 { return eval.FallingOrder(b.in.RawPD) }

// pdLimit returns the end of an axis of PDs: the smallest of a few round
// numbers that all but one in a thousand rows stay below.
func (b *builder) pdLimit() float64 {
	high := b.in.PD[b.byPD[len(b.byPD)/1000]]
	for _, g := range eval.Groups(b.in.Label, b.in.PD, b.in.Weight, b.byPD, 10) {
		high = math.Max(high, float64(g.Rate().High))
	}
	for _, limit := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5} {
		if high <= limit {
			return limit
		}
	}
	return 1
}

// reliabilityZoom shows twenty groups in log-odds, which spread out the low PDs
// that most rows have.
func (b *builder) reliabilityZoom() chart.Figure {
	s := b.reliabilitySeries(b.in.PD, b.byPD, "calibrated", 20)
	logit := func(p numfmt.Number) numfmt.Number {
		if p <= 0 || p >= 1 {
			return numfmt.NaN()
		}
		return numfmt.Number(bitmath.Log(float64(p / (1 - p))))
	}
	out := chart.Series{Name: "calibrated, 20 groups", Mark: chart.Dots}
	for i := range s.X {
		out.X, out.Y = append(out.X, logit(s.X[i])), append(out.Y, logit(s.Y[i]))
		out.Low, out.High = append(out.Low, logit(s.Low[i])), append(out.High, logit(s.High[i]))
	}
	lo, hi := numfmt.Number(math.Inf(1)), numfmt.Number(math.Inf(-1))
	for _, x := range out.X {
		if x.Defined() {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	f := chart.Figure{ID: "reliability-odds", Title: "Reliability in log-odds",
		X: chart.Axis{Label: "predicted log-odds of default"}, Y: chart.Axis{Label: "observed log-odds"},
		Caption: "The same in log-odds (−2.2 is 10 %, −3.9 is 2 %, 0 is 50 %), which spreads small PDs out. Dotted: " +
			"perfect; dashed: the fitted calibration line. Groups without a bad row cannot be shown.",
		Alt:    "Observed against predicted log-odds in twenty groups, with the calibration line.",
		Series: []chart.Series{out}}
	if lo < hi {
		l := b.line
		f.Series = append(f.Series, chart.Series{Name: "perfect", Mark: chart.Reference, X: []numfmt.Number{lo, hi},
			Y: []numfmt.Number{lo, hi}})
		if !math.IsNaN(l.Slope) {
			at := func(x numfmt.Number) numfmt.Number {
				return numfmt.Number(l.Intercept) + numfmt.Number(float64(l.Slope)*float64(x))
			}
			f.Series = append(f.Series,
				chart.Series{Name: "calibration line", Mark: chart.Line, X: []numfmt.Number{lo, hi},
					Y: []numfmt.Number{at(lo), at(hi)}})
		}
	}
	return f
}

func (b *builder) gradeTable(g Category) document.Table {
	t := document.Table{Title: "Grades",
		Caption: "The p-value is the chance of at least as many bad rows if the grade's mean PD were true (exact " +
			"binomial test, one-sided; look below 0.05, fail below 0.01; not corrected for the number of grades; " +
			"correlated defaults make it too small).",
		Columns: []document.Column{{Name: "Grade"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Mean PD", Format: numfmt.Percent},
			{Name: "Bad", Format: numfmt.Count}, {Name: "Observed", Format: numfmt.Percent},
			{Name: "95 % from", Format: numfmt.Percent},
			{Name: "to", Format: numfmt.Percent}, {Name: "p", Format: numfmt.PValue}, {Name: "Light"}}}
	for k, rows := range rowsOf(g) {
		if len(rows) == 0 {
			continue
		}
		name := "not known"
		if k < len(g.Levels) {
			name = g.Levels[k]
		}
		weight := eval.Select(b.in.Weight, rows)
		var bad eval.Tally
		for k, i := range rows {
			if b.in.Label[i] == 1 {
				bad.Add(eval.WeightAt(weight, k))
			}
		}
		all := eval.TallyOf(weight, len(rows))
		w, pd := all.Rate(bad), b.meanPD(rows)
		n := all.EffectiveFor(bad)
		p := eval.BinomialTest(bad.Sum*(n/all.Sum), n, pd)
		t.Rows = append(t.Rows, []document.Cell{text(name), countCell(all.Sum), number(pd), countCell(bad.Sum),
			number(float64(w.Value)),
			number(float64(w.Low)), number(float64(w.High)), number(p), text(string(judge(p, 0.05, 0.01, true)))})
	}
	return t
}
