// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// gains makes the section on gains and strategy.
func (b *builder) gains() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "strategy", Title: "Gains and strategy",
		Introduction: "What a cut-off does: how many are approved, how many of them turn bad, and what that is worth."}
	rows := b.byRisk()
	s.AddTable(b.gainsTable())
	e := Economics{Unit: "profits on a good row", Profit: 1, Loss: 5}
	stated := in.Economics != nil
	if stated {
		e = *in.Economics
	}
	curve := b.strategy(rows, e)
	best := 0
	for k := range curve {
		if curve[k].value > curve[best].value {
			best = k
		}
	}
	s.AddFigure(liftFigure(b))
	s.AddFigure(strategyFigure(curve))
	s.AddFigure(valueFigure(curve, best, e))
	s.AddTable(strategyTable(curve, e))
	how := "A good row earns %s and a bad one costs %s (%s)."
	if !stated {
		how = "No costs were stated, so a good row is taken to earn %s and a bad one to cost %s (in %s): change this " +
			"before acting on it."
	}
	c := curve[best]
	s.AddHeading("Cut-off", "%s", fmt.Sprintf(how, numfmt.Plain.Print(e.Profit), numfmt.Plain.Print(e.Loss), e.Unit)+
		fmt.Sprintf(
			" On this sample the value is largest when %s of the rows are approved, those with a PD up to %s; %s of "+
				"them turn bad. A cut-off chosen and judged on the same rows looks better than it is: confirm it on "+
				"later ones. Sections %d and %d do not use it: their cut-off is a PD of %s.",
			numfmt.Percent.Print(c.approved), numfmt.Percent.Print(c.pd), numfmt.Percent.Print(c.bad),
			sectionNumber("explanation"), sectionNumber("stress"), b.cutoffWords()))
	if in.Champion != nil {
		b.swapSet(&s)
	}
	if in.Outcome != nil {
		s.AddTable(b.outcomeTable())
	}
	if in.Before != nil && in.After != nil {
		b.strategies(&s)
	} else {
		s.AddText("No second policy was given, so the strategy before and after is not compared.")
	}
	return s, nil
}

// byRisk returns the rows from the riskiest to the safest.
func (b *builder) byRisk() []int32 { return b.curve.Falling }

func (b *builder) gainsTable() document.Table {
	in, c := b.in, b.curve
	t := document.Table{Title: "Gains by tenth",
		Caption: "Rows sorted from the riskiest to the safest and cut into ten parts of equal size. " + tieNote +
			" Lift is the bad rate of the tenth divided by that of all rows.",
		Columns: []document.Column{{Name: "Tenth"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Lowest PD", Format: numfmt.Percent},
			{Name: "Highest PD", Format: numfmt.Percent}, {Name: "Mean PD", Format: numfmt.Percent},
			{Name: "Bad", Format: numfmt.Count},
			{Name: "Bad rate", Format: numfmt.Percent}, {Name: "Lift", Format: numfmt.Fixed2},
			{Name: "Bad caught so far",
				Format: numfmt.Percent}, {Name: "Good lost so far", Format: numfmt.Percent},
			{Name: "KS so far", Format: numfmt.Fixed3}}}
	if in.Points != nil {
		t.Columns = append(t.Columns, document.Column{Name: "Mean points", Format: numfmt.Fixed1})
	}
	n := c.Tally().Sum
	var seen, lostRows float64
	for d := range 10 {
		from, to := float64(d)*n/10, float64(d+1)*n/10
		if in.Weight == nil {
			from, to = math.Floor(from), math.Floor(to)
		}
		if from == to {
			continue
		}
		size := to - from
		lo, hi, sum, points, bad := 1.0, 0.0, 0.0, 0.0, 0.0
		c.EachBetween(from, to, func(i int32, share float64) {
			p, w := in.PD[i], share*eval.WeightAt(in.Weight, int(i))
			lo, hi, sum = math.Min(lo, p), math.Max(hi, p), sum+float64(w*p)
			bad += float64(w * in.Label[i])
			if in.Points != nil {
				points += float64(w * in.Points[i])
			}
		})
		seen, lostRows = seen+bad, lostRows+size-bad
		caught, lost := eval.Ratio(seen, c.BadTally.Sum), eval.Ratio(lostRows, c.GoodTally.Sum)
		row := []document.Cell{text(fmt.Sprint(d + 1)), countCell(size), number(lo), number(hi), number(sum / size),
			countCell(bad), number(bad / size),
			number(eval.Ratio(bad/size, c.BadRate())), number(caught), number(lost), number(caught - lost)}
		if in.Points != nil {
			row = append(row, number(points/size))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func liftFigure(b *builder) chart.Figure {
	x, y := b.curve.Points(200)
	p := b.curve.BadRate()
	s := chart.Series{Name: "lift", Mark: chart.Line}
	for i := range x {
		at := float64(p*y[i]) + float64((1-p)*x[i])
		if at >= 0.01 {
			s.X, s.Y = append(s.X, numfmt.Number(at)), append(s.Y, numfmt.Number(y[i]/at))
		}
	}
	return chart.Figure{ID: "lift", Title: "Lift",
		X: chart.Axis{Label: "share of all rows, riskiest first", Min: 0, Max: 1,
			Format: numfmt.Percent}, Y: chart.Axis{Label: "bad rate over the mean bad rate"},
		Caption: "The bad rate of the riskiest share of rows, as a multiple of the bad rate of all rows. It ends at 1.",
		Alt:     "Cumulative lift by share of rows.",
		Series:  []chart.Series{s, {Mark: chart.Reference, X: []numfmt.Number{0, 1}, Y: []numfmt.Number{1, 1}}}}
}

// point is one cut-off of the strategy curve.
type point struct {
	approved, bad, pd  float64 // shares; pd is the highest PD approved
	expected           float64 // mean PD of the approved rows
	value, expectedNet float64 // realised and expected worth of all approved rows
}

// strategy walks from the safest row to the riskiest: at each of 101 approval
// rates, what was approved and what it was worth. Rows of one score are
// approved together.
func (b *builder) strategy(order []int32, e Economics) []point {
	n := eval.TallyOf(b.in.Weight, len(order)).Sum
	var out []point
	out = append(out, point{bad: math.NaN(), expected: math.NaN()})
	var bad, sum, value, expected, top, done float64
	next := 1
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		w := eval.WeightAt(b.in.Weight, int(i))
		amount := w
		if e.Amount != nil {
			amount = float64(w * e.Amount[i])
		}
		p := b.in.PD[i]
		top, sum = math.Max(top, p), sum+float64(w*p)
		done += w
		expected += float64(amount * (float64((1-p)*e.Profit) - float64(p*e.Loss)))
		if b.in.Label[i] == 1 {
			bad += w
			value -= float64(amount * e.Loss)
		} else {
			value += float64(amount * e.Profit)
		}
		if k > 0 && b.rank[order[k-1]] == b.rank[i] || k > 0 && done*100 < float64(next)*n {
			continue
		}
		out = append(out, point{min(1, done/n), bad / done, top, sum / done, value, expected})
		for next <= 100 && done*100 >= float64(next)*n {
			next++
		}
	}
	return out
}

func strategyFigure(c []point) chart.Figure {
	f := chart.Figure{ID: "strategy-curve", Title: "Approval rate and bad rate",
		X: chart.Axis{Label: "share approved, safest first", Min: 0, Max: 1, Format: numfmt.Percent},
		Y: chart.Axis{Label: "bad rate of the approved", Format: numfmt.Percent},
		Caption: "Moving the cut-off to the right approves more and takes in more bad rows. Where the dashed line " +
			"(expected) leaves the solid one (observed), the PDs are off.",
		Alt: "Observed and expected bad rate of the approved rows against the approval rate."}
	obs, exp := chart.Series{Name: "observed", Mark: chart.Line}, chart.Series{Name: "expected", Mark: chart.Line}
	for _, p := range c {
		if p.approved < 0.05 {
			continue // a handful of rows: the rate jumps about
		}
		obs.X, obs.Y = append(obs.X, numfmt.Number(p.approved)), append(obs.Y, numfmt.Number(p.bad))
		exp.X, exp.Y = append(exp.X, numfmt.Number(p.approved)), append(exp.Y, numfmt.Number(p.expected))
	}
	f.Series = []chart.Series{obs, exp}
	return f
}

func valueFigure(c []point, best int, e Economics) chart.Figure {
	f := chart.Figure{ID: "value-curve", Title: "Value by approval rate",
		X: chart.Axis{Label: "share approved, safest first", Min: 0, Max: 1, Format: numfmt.Percent},
		Y: chart.Axis{Label: "value, " + e.Unit},
		Caption: "What the approved rows were worth (solid) and were expected to be worth (dashed). The thin line " +
			"marks the largest observed value.",
		Alt: "Realised and expected value against the approval rate."}
	obs, exp := chart.Series{Name: "observed", Mark: chart.Line}, chart.Series{Name: "expected", Mark: chart.Line}
	lo, hi := numfmt.Number(0), numfmt.Number(0)
	for _, p := range c {
		obs.X, obs.Y = append(obs.X, numfmt.Number(p.approved)), append(obs.Y, numfmt.Number(p.value))
		exp.X, exp.Y = append(exp.X, numfmt.Number(p.approved)), append(exp.Y, numfmt.Number(p.expectedNet))
		lo, hi = min(lo, numfmt.Number(p.value), numfmt.Number(p.expectedNet)), max(hi, numfmt.Number(p.value),
			numfmt.Number(p.expectedNet))
	}
	at := numfmt.Number(c[best].approved)
	f.Series = []chart.Series{obs, exp, {Mark: chart.Reference, X: []numfmt.Number{at, at}, Y: []numfmt.Number{lo, hi}}}
	return f
}

func strategyTable(c []point, e Economics) document.Table {
	t := document.Table{Title: "Strategy table", Caption: "One row per approval rate.",
		Columns: []document.Column{{Name: "Approved", Format: numfmt.Percent},
			{Name: "PD up to", Format: numfmt.Percent},
			{Name: "Bad rate observed", Format: numfmt.Percent}, {Name: "Bad rate expected", Format: numfmt.Percent},
			{Name: "Value observed", Unit: e.Unit, Format: numfmt.Fixed1}, {Name: "Value expected", Unit: e.Unit,
				Format: numfmt.Fixed1}}}
	next := 0.1
	for _, p := range c {
		if p.approved+1e-9 < next {
			continue
		}
		t.Rows = append(t.Rows, []document.Cell{number(p.approved), number(p.pd), number(p.bad), number(p.expected),
			number(p.value), number(p.expectedNet)})
		for next <= p.approved+1e-9 {
			next += 0.1
		}
	}
	return t
}

// swapSet compares the model with the champion when both approve the same number
// of rows: which rows the model brings in, and which it drops.
func (b *builder) swapSet(s *document.Section) {
	ch := b.in.Champion
	n := b.curve.Tally().Sum
	t := document.Table{Title: "Swap set against " + ch.Name,
		Caption: "Both models approve the same number of rows. Rows that the model brings in should turn bad less " +
			"often than those it drops. " + tieNote,
		Columns: []document.Column{{Name: "Approved by each", Format: numfmt.Percent},
			{Name: "Brought in", Format: numfmt.Count},
			{Name: "Bad rate, brought in", Format: numfmt.Percent}, {Name: "Dropped", Format: numfmt.Count},
			{Name: "Bad rate, dropped", Format: numfmt.Percent}, {Name: "Bad rate with " + ch.Name,
				Format: numfmt.Percent},
			{Name: "Bad rate with the model", Format: numfmt.Percent}}}
	theirs := eval.CurveOf(b.in.Label, ch.Score, b.in.Weight)
	for _, share := range []float64{0.5, 0.6, 0.7, 0.8, 0.9} {
		k := share * n
		if b.in.Weight == nil {
			k = math.Round(k)
		}
		if k == 0 || k == n {
			continue
		}
		t.Rows = append(t.Rows,
			append([]document.Cell{number(share)}, b.swapped(b.curve.Safest(k), theirs.Safest(k), k)...))
	}
	s.AddTable(t)
}

// swapped counts who changes places between two sets of k approved rows. A row
// that both approve in part changes places by the difference alone: two models
// that rank alike swap nobody.
func (b *builder) swapped(mine, theirs []float64, k float64) []document.Cell {
	var in, out, inBad, outBad, mineBad, theirsBad float64
	for i, y := range b.in.Label {
		gained, lost := math.Max(0, mine[i]-theirs[i]), math.Max(0, theirs[i]-mine[i])
		in, out = in+gained, out+lost
		inBad, outBad = inBad+float64(gained*y), outBad+float64(lost*y)
		mineBad, theirsBad = mineBad+float64(mine[i]*y), theirsBad+float64(theirs[i]*y)
	}
	return []document.Cell{countCell(in), number(eval.Ratio(inBad, in)), countCell(out),
		number(eval.Ratio(outBad, out)),
		number(theirsBad / k), number(mineBad / k)}
}

func (b *builder) outcomeTable() document.Table {
	t := document.Table{Title: "Decisions",
		Caption: "What the policy decided for the evaluated rows, and how those rows turned out.",
		Columns: []document.Column{{Name: "Decision"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Share", Format: numfmt.Percent},
			{Name: "Mean PD", Format: numfmt.Percent}, {Name: "Bad", Format: numfmt.Count},
			{Name: "Bad rate", Format: numfmt.Percent},
			{Name: "95 % from", Format: numfmt.Percent}, {Name: "to", Format: numfmt.Percent}}}
	for o := assay.Approve; o <= assay.Decline; o++ {
		var n, bad eval.Tally
		sum := 0.0
		for i, v := range b.in.Outcome {
			if w := eval.WeightAt(b.in.Weight, i); v == o {
				n.Add(w)
				if b.in.Label[i] == 1 {
					bad.Add(w)
				}
				sum += float64(w * b.in.PD[i])
			}
		}
		w := n.Rate(bad)
		t.Rows = append(t.Rows, []document.Cell{text(o.String()), countCell(n.Sum), number(n.Sum / b.curve.Tally().Sum),
			number(eval.Ratio(sum, n.Sum)), countCell(bad.Sum), number(float64(w.Value)), number(float64(w.Low)),
			number(float64(w.High))})
	}
	return t
}
