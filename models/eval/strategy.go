// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"slices"
)

// Strategy is what one policy decides about the evaluated rows.
type Strategy struct {
	Name    string
	Outcome []Outcome
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

// strategyRun is what came of approving some rows.
type strategyRun struct {
	rows, bad          int
	pd                 float64 // sum
	expected, realised float64 // loss
}

func (b *builder) runStrategy(s *Strategy, rows []int32) strategyRun {
	var r strategyRun
	for _, i := range rows {
		loss, p := b.lossOf(s, int(i)), b.in.PD[i]
		r.rows++
		r.pd += p
		r.expected += float64(p * loss)
		if b.in.Label[i] == 1 {
			r.bad++
			r.realised += loss
		}
	}
	return r
}

// preference returns the rows in the order in which a policy would approve
// them: by its decision first, then by rising PD, equal ones in order.
func (b *builder) preference(s *Strategy) []int32 {
	order := slices.Clone(b.byPD)
	slices.Reverse(order)
	slices.SortStableFunc(order, func(i, j int32) int { return int(s.Outcome[i]) - int(s.Outcome[j]) })
	return order
}

// strategies compares the policy with the one before it, as they decide and at
// the same number of approvals, and shows who changes places.
func (b *builder) strategies(s *Section) {
	before, after := b.in.Before, b.in.After
	n := float64(len(b.in.Label))
	approved := func(s *Strategy) []int32 {
		k := 0
		for _, o := range s.Outcome {
			if o == Approve {
				k++
			}
		}
		return b.preference(s)[:k]
	}
	ab, aa := approved(before), approved(after)
	k := min(len(ab), len(aa))
	runs := [4]strategyRun{b.runStrategy(before, ab), b.runStrategy(after, aa), b.runStrategy(before, ab[:k]), b.runStrategy(after, aa[:k])}
	unit := b.lossUnit()
	t := Table{Title: "Strategy before and after", Caption: fmt.Sprintf("Before: %s. After: %s. The last two columns tighten the policy that approves more to the same number of approvals, the lowest PDs first, so that what is left is not a matter of volume. Expected is computed from PDs, realised from outcomes. %s evaluated rows.", before.Name, after.Name, Count.Print(n)),
		Columns: []Column{{Name: "Figure"}, {Name: "Before"}, {Name: "After"}, {Name: "Before, equal approval"}, {Name: "After, equal approval"}}}
	line := func(name string, f Format, of func(r strategyRun) float64) {
		row := []Cell{T(name)}
		for _, r := range runs {
			row = append(row, V(of(r)).As(f))
		}
		t.Rows = append(t.Rows, row)
	}
	line("Approved, share of rows", Percent, func(r strategyRun) float64 { return float64(r.rows) / n })
	line("Approved, rows", Count, func(r strategyRun) float64 { return float64(r.rows) })
	line("Bad among them", Count, func(r strategyRun) float64 { return float64(r.bad) })
	line("Bad rate, observed", Percent, func(r strategyRun) float64 { return ratio(float64(r.bad), float64(r.rows)) })
	line("· 95 % from", Percent, func(r strategyRun) float64 { return float64(Wilson(r.bad, r.rows).Low) })
	line("· to", Percent, func(r strategyRun) float64 { return float64(Wilson(r.bad, r.rows).High) })
	line("Bad rate, expected", Percent, func(r strategyRun) float64 { return ratio(r.pd, float64(r.rows)) })
	line("Loss, expected, "+unit, Fixed1, func(r strategyRun) float64 { return r.expected })
	line("Loss, realised, "+unit, Fixed1, func(r strategyRun) float64 { return r.realised })
	s.table(t)
	s.table(b.decisionMoves(before, after))
	s.table(b.policySwap(before, after, ab, aa, unit))
}

// decisionMoves crosses the two policies' decisions.
func (b *builder) decisionMoves(before, after *Strategy) Table {
	t := Table{Title: "Decisions before and after", Caption: "Rows by what the policy before decided (down) and what the policy after decides (across), with the observed bad rate of each.",
		Columns: []Column{{Name: "Before"}}}
	for o := Approve; o <= Decline; o++ {
		t.Columns = append(t.Columns, Column{Name: o.String() + " after", Format: Count}, Column{Name: "bad", Format: Percent})
	}
	var rows, bad [Decline + 1][Decline + 1]int
	for i, o := range before.Outcome {
		rows[o][after.Outcome[i]]++
		bad[o][after.Outcome[i]] += int(b.in.Label[i])
	}
	for o := Approve; o <= Decline; o++ {
		row := []Cell{T(o.String())}
		for p := Approve; p <= Decline; p++ {
			row = append(row, I(rows[o][p]), V(ratio(float64(bad[o][p]), float64(rows[o][p]))))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// policySwap shows who is approved by one policy alone.
func (b *builder) policySwap(before, after *Strategy, ab, aa []int32, unit string) Table {
	t := Table{Title: "Swap set of the policies", Caption: "Rows that the policy after brings in should turn bad less often, and cost less, than those it drops.",
		Columns: []Column{{Name: "Approved by"}, {Name: "Rows", Format: Count}, {Name: "Bad", Format: Count}, {Name: "Bad rate", Format: Percent}, {Name: "95 % from", Format: Percent}, {Name: "to", Format: Percent}, {Name: "Mean PD", Format: Percent}, {Name: "Loss expected", Unit: unit, Format: Fixed1}, {Name: "realised", Unit: unit, Format: Fixed1}}}
	by := make([]uint8, len(b.in.Label))
	for _, i := range ab {
		by[i] |= 1
	}
	for _, i := range aa {
		by[i] |= 2
	}
	var rows [4][]int32
	for i, m := range by {
		rows[m] = append(rows[m], int32(i))
	}
	for _, l := range []struct {
		name string
		rows []int32
		by   *Strategy
	}{{"both", rows[3], after}, {"after alone (brought in)", rows[2], after}, {"before alone (dropped)", rows[1], before}, {"neither", rows[0], after}} {
		r := b.runStrategy(l.by, l.rows)
		w := Wilson(r.bad, r.rows)
		t.Rows = append(t.Rows, []Cell{T(l.name), I(r.rows), I(r.bad), V(float64(w.Value)), V(float64(w.Low)), V(float64(w.High)), V(ratio(r.pd, float64(r.rows))), V(r.expected), V(r.realised)})
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
		return fmt.Errorf("%w: the policy %s has %d outcomes and %d losses for %d rows", ErrInput, what, len(s.Outcome), len(s.Loss), n)
	}
	for i, o := range s.Outcome {
		if o < Approve || o > Decline {
			return fmt.Errorf("%w: the policy %s decides nothing about row %d", ErrInput, what, i)
		}
	}
	for i, v := range s.Loss {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: the loss of row %d under the policy %s is not a number", ErrInput, i, what)
		}
	}
	return nil
}
