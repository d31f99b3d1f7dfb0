// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Strategy is what one policy decides about the evaluated rows.
type Strategy struct {
	Name    string
	Outcome []assay.Outcome
	// Loss is what each row costs if it is approved and turns bad, in the unit
	// of the economics; nil = Economics says.
	Loss []float64
}

// lossOf returns what row i costs if it is approved and turns bad.
func (b *builder) lossOf(s *Strategy, i int) float64 {
	if s.Loss != nil {
		return s.Loss[i]
	}
	loss, amount := 1.0, 1.0
	if e := b.in.Economics; e != nil {
		loss = e.Loss
		if e.Amount != nil {
			amount = e.Amount[i]
		}
	}
	return loss * amount
}

// strategyRun is the result of approving some rows, or shares of rows.
type strategyRun struct {
	rows, bad          float64
	squares, badSquare float64 // of the weights
	n                  int
	pd                 float64 // sum
	expected, realised float64 // loss
}

// interval returns the observed bad rate with its interval.
func (r strategyRun) interval() eval.Estimate {
	if r.squares == r.rows { // shares of rows of one weight
		return eval.Wilson(r.bad, r.rows)
	}
	return eval.Tally{Rows: r.n, Sum: r.rows, Squares: r.squares}.Rate(
		eval.Tally{Rows: r.n, Sum: r.bad, Squares: r.badSquare})
}

func (b *builder) runStrategy(s *Strategy, share []float64) strategyRun {
	var r strategyRun
	for i, w := range share {
		if w == 0 {
			continue
		}
		loss, p, weight := b.lossOf(s, i), b.in.PD[i], eval.WeightAt(b.in.Weight, i)
		r.squares += float64(w * float64(weight*weight))
		r.badSquare += float64(b.in.Label[i] * float64(w*float64(weight*weight)))
		r.n++
		w = float64(w * weight)
		r.rows += w
		r.pd += float64(w * p)
		r.expected += float64(w * float64(p*loss))
		r.bad += float64(w * b.in.Label[i])
		r.realised += float64(w * float64(b.in.Label[i]*loss))
	}
	return r
}

// approves returns 1 for each row that the policy approves, and the sum of their
// weights.
func (s *Strategy) approves(weight []float64) (share []float64, n float64) {
	share = make([]float64, len(s.Outcome))
	for i, o := range s.Outcome {
		if o == assay.Approve {
			share[i] = 1
			n += eval.WeightAt(weight, i)
		}
	}
	return share, n
}

// tightened returns the share of each row that stays approved when only the k
// approved rows of the lowest PDs, counted by weight, are kept.
func (b *builder) tightened(s *Strategy, k float64) []float64 {
	var rows []int32
	for i, o := range s.Outcome {
		if o == assay.Approve {
			rows = append(rows, int32(i))
		}
	}
	out := make([]float64, len(s.Outcome))
	c := eval.CurveOf(eval.Select(b.in.Label, rows), eval.Select(b.in.PD, rows), eval.Select(b.in.Weight, rows))
	n := c.Tally().Sum
	c.EachBetween(n-k, n, func(at int32, share float64) { out[rows[at]] = share })
	return out
}

// strategies compares the policy with the one before it, as they decide and at the
// same number of approvals, and shows which rows they decide differently.
func (b *builder) strategies(s *document.Section) {
	before, after := b.in.Before, b.in.After
	n := b.curve.Tally().Sum
	wholeBefore, nb := before.approves(b.in.Weight)
	wholeAfter, na := after.approves(b.in.Weight)
	k := min(nb, na)
	runs := [4]strategyRun{b.runStrategy(before, wholeBefore), b.runStrategy(after, wholeAfter),
		b.runStrategy(before, b.tightened(before, k)), b.runStrategy(after, b.tightened(after, k))}
	unit := b.lossUnit()
	t := document.Table{Title: "Strategy before and after",
		Caption: fmt.Sprintf("Before: %s. After: %s. The last two columns cut the policy that approves more down to "+
			"as many approvals as the other, keeping the lowest PDs, so that volume does not explain the difference; "+
			"at the cut, rows of equal PD count in proportion. Expected is computed from PDs, realised from "+
			"outcomes. %s evaluated rows.", before.Name, after.Name, numfmt.Count.Print(n)),
		Columns: []document.Column{{Name: "Figure"}, {Name: "Before"}, {Name: "After"},
			{Name: "Before, equal approval"},
			{Name: "After, equal approval"}}}
	line := func(name string, f numfmt.Format, of func(r strategyRun) float64) {
		row := []document.Cell{text(name)}
		for _, r := range runs {
			row = append(row, number(of(r)).As(f))
		}
		t.Rows = append(t.Rows, row)
	}
	line("Approved, share of rows", numfmt.Percent, func(r strategyRun) float64 { return r.rows / n })
	line("Approved, rows", numfmt.Count, func(r strategyRun) float64 { return r.rows })
	row := []document.Cell{text("Approved, turned bad")}
	for _, r := range runs {
		row = append(row, countCell(r.bad))
	}
	t.Rows = append(t.Rows, row)
	line("Bad rate, observed", numfmt.Percent, func(r strategyRun) float64 { return eval.Ratio(r.bad, r.rows) })
	line("· 95 % from", numfmt.Percent, func(r strategyRun) float64 { return float64(r.interval().Low) })
	line("· to", numfmt.Percent, func(r strategyRun) float64 { return float64(r.interval().High) })
	line("Bad rate, expected", numfmt.Percent, func(r strategyRun) float64 { return eval.Ratio(r.pd, r.rows) })
	line("Loss, expected, "+unit, numfmt.Fixed1, func(r strategyRun) float64 { return r.expected })
	line("Loss, realised, "+unit, numfmt.Fixed1, func(r strategyRun) float64 { return r.realised })
	s.AddTable(t)
	s.AddTable(b.decisionMoves(before, after))
	s.AddTable(b.policySwap(before, after, unit))
}

// decisionMoves crosses the two policies' decisions.
func (b *builder) decisionMoves(before, after *Strategy) document.Table {
	t := document.Table{Title: "Decisions before and after",
		Caption: "Rows by what the policy before decided (down) and what the policy after decides (across), with the " +
			"observed bad rate of each.",
		Columns: []document.Column{{Name: "Before"}}}
	for o := assay.Approve; o <= assay.Decline; o++ {
		t.Columns = append(t.Columns, document.Column{Name: o.String() + " after", Format: numfmt.Count},
			document.Column{Name: "Bad rate of " + o.String() + " after", Format: numfmt.Percent})
	}
	var rows, bad [assay.Decline + 1][assay.Decline + 1]float64
	for i, o := range before.Outcome {
		w := eval.WeightAt(b.in.Weight, i)
		rows[o][after.Outcome[i]] += w
		bad[o][after.Outcome[i]] += float64(w * b.in.Label[i])
	}
	for o := assay.Approve; o <= assay.Decline; o++ {
		row := []document.Cell{text(o.String())}
		for p := assay.Approve; p <= assay.Decline; p++ {
			row = append(row, countCell(rows[o][p]), number(eval.Ratio(bad[o][p], rows[o][p])))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// policySwap shows the rows by which of the two policies approves them.
func (b *builder) policySwap(before, after *Strategy, unit string) document.Table {
	t := document.Table{Title: "Swap set of the policies",
		Caption: "Rows that the policy after brings in should turn bad less often, and cost less, than the rows that " +
			"it drops.",
		Columns: []document.Column{{Name: "Approved by"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count},
			{Name: "Bad rate", Format: numfmt.Percent}, {Name: "95 % from", Format: numfmt.Percent},
			{Name: "to", Format: numfmt.Percent},
			{Name: "Mean PD", Format: numfmt.Percent}, {Name: "Loss expected", Unit: unit, Format: numfmt.Fixed1},
			{Name: "Loss realised", Unit: unit, Format: numfmt.Fixed1}}}
	var sets [4][]float64
	for k := range sets {
		sets[k] = make([]float64, len(b.in.Label))
	}
	for i := range b.in.Label {
		k := 0
		if before.Outcome[i] == assay.Approve {
			k |= 1
		}
		if after.Outcome[i] == assay.Approve {
			k |= 2
		}
		sets[k][i] = 1
	}
	for _, l := range []struct {
		name string
		rows []float64
		by   *Strategy
	}{{"both", sets[3], after}, {"only after (brought in)", sets[2], after}, {"only before (dropped)", sets[1],
		before}, {"neither", sets[0], after}} {
		r := b.runStrategy(l.by, l.rows)
		w := r.interval()
		t.Rows = append(t.Rows, []document.Cell{text(l.name), countCell(r.rows), countCell(r.bad),
			number(float64(w.Value)),
			number(float64(w.Low)), number(float64(w.High)), number(eval.Ratio(r.pd, r.rows)),
			number(r.expected), number(r.realised)})
	}
	return t
}

// lossUnit names the unit of losses.
func (b *builder) lossUnit() string {
	if e := b.in.Economics; e != nil && e.Unit != "" {
		return e.Unit
	}
	if b.in.After.Loss != nil {
		return "units of the exposure"
	}
	return "losses on a bad row"
}

// check reports a strategy that does not fit n rows.
func (s *Strategy) check(what string, n int) error {
	if s == nil {
		return nil
	}
	if len(s.Outcome) != n || s.Loss != nil && len(s.Loss) != n {
		return fmt.Errorf("%w: the policy %s has %d outcomes and %d losses for %d rows", eval.ErrInput, what,
			len(s.Outcome), len(s.Loss), n)
	}
	for i, o := range s.Outcome {
		if o < assay.Approve || o > assay.Decline {
			return fmt.Errorf("%w: the policy %s decides nothing about row %d", eval.ErrInput, what, i)
		}
	}
	for i, v := range s.Loss {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: the loss of row %d under the policy %s is not a number", eval.ErrInput, i, what)
		}
	}
	return nil
}
