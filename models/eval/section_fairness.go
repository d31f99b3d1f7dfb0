// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
	"gonum.org/v1/gonum/stat/distuv"
)

// smallGroup is the number of rows below which a group gives no verdict.
const smallGroup = 30

// fairness is section 10.
func (b *builder) fairness() (Section, error) {
	s := Section{ID: "fairness", Title: "Fairness", Lead: "How approvals fall on the declared groups, beside how the groups in fact repaid."}
	if len(b.in.Groups) == 0 {
		s.Absent = "It takes at least one declared group field, such as an age band, for the evaluated rows."
		b.verdict("Do approvals fall evenly on groups?", Grey, s.ID, "no group field was declared", "–")
		return s, nil
	}
	s.strong("These figures describe outcomes on this sample. They do not prove discrimination, and their absence does not prove fairness: a group can be treated alike on average and unlike case by case, fields left in the model can stand in for fields left out, the labels carry the decisions of the past, and the measures contradict each other wherever bad rates differ. They tell a person where to look.")
	approved, how := b.approved()
	light, finding := Green, "no group is below"
	for _, g := range b.in.Groups {
		l, f := b.fairGroup(&s, g, approved, how)
		if l != Green && worse(l, light) {
			light, finding = l, f
		}
	}
	b.verdict("Do approvals fall evenly on groups?", light, s.ID, finding,
		fmt.Sprintf("look when an adverse impact ratio is below %s, fail when its whole interval is; groups under %d rows are left out", Plain.Print(b.th.ImpactAmber), smallGroup))
	return s, nil
}

type groupCount struct {
	rows, approved, good, goodApproved, bad int
	pd                                      float64
}

func (b *builder) fairGroup(s *Section, g Category, approved []bool, how string) (Light, string) {
	n := make([]groupCount, len(g.Levels))
	for i, k := range g.Code {
		if k < 0 {
			continue
		}
		c := &n[k]
		c.rows++
		c.pd += b.in.PD[i]
		if approved[i] {
			c.approved++
		}
		if b.in.Label[i] == 1 {
			c.bad++
			continue
		}
		c.good++
		if approved[i] {
			c.goodApproved++
		}
	}
	ref := 0
	for k := range n {
		if n[k].rows > n[ref].rows {
			ref = k
		}
	}
	for k, l := range g.Levels {
		if l == g.Reference && g.Reference != "" {
			ref = k
		}
	}
	t := Table{Title: "Approval by " + g.Name, Caption: fmt.Sprintf("Approved means %s. Adverse impact ratio: the approval rate over that of %s. Equal opportunity difference: the approval rate among rows that turned good, less that of %s. "+fewWords, how, g.Levels[ref], g.Levels[ref]),
		Columns: []Column{{Name: g.Name}, {Name: "Rows", Format: Count}, {Name: "Approved", Format: Percent}, {Name: "Impact ratio", Format: Fixed3}, {Name: "95 % from", Format: Fixed3}, {Name: "to", Format: Fixed3}, {Name: "Good approved", Format: Percent}, {Name: "Opportunity difference", Format: Signed3}, {Name: "95 % from", Format: Signed3}, {Name: "to", Format: Signed3}, {Name: "Mean PD", Format: Percent}, {Name: "Bad rate", Format: Percent}, {Name: "AUC", Format: Fixed3}}}
	fig := Figure{ID: "impact-" + slug(g.Name), Title: "Adverse impact ratio by " + g.Name, X: Axis{Label: "approval rate over that of " + g.Levels[ref]},
		Caption: fmt.Sprintf("Bars that end left of the dashed line (%s, the four-fifths rule) deserve a look; whiskers are 95 %% intervals.", Plain.Print(b.th.ImpactAmber)),
		Alt:     "Adverse impact ratio of each level of " + g.Name + " with intervals."}
	bars := Series{Mark: HBars}
	light, finding := Green, ""
	rows := rowsOf(g)
	for k, level := range g.Levels {
		c, r := n[k], n[ref]
		air := impactRatio(c.approved, c.rows, r.approved, r.rows)
		eod := newcombe(c.goodApproved, c.good, r.goodApproved, r.good)
		if k == ref {
			air.Low, air.High, eod.Low, eod.High = nan, nan, nan, nan
		}
		auc := newCurve(subset(b.in.Label, rows[k]), subset(b.rank, rows[k])).enough().Value
		t.Rows = append(t.Rows, []Cell{T(level), I(c.rows), V(ratio(float64(c.approved), float64(c.rows))), V(float64(air.Value)), V(float64(air.Low)), V(float64(air.High)),
			V(ratio(float64(c.goodApproved), float64(c.good))), V(float64(eod.Value)), V(float64(eod.Low)), V(float64(eod.High)),
			V(ratio(c.pd, float64(c.rows))), V(ratio(float64(c.bad), float64(c.rows))), V(float64(auc))})
		if c.rows == 0 {
			continue
		}
		fig.Y.Labels = append(fig.Y.Labels, fmt.Sprintf("%s (%s)", clip(level, 16), Count.Print(float64(c.rows))))
		bars.X, bars.Low, bars.High = append(bars.X, air.Value), append(bars.Low, air.Low), append(bars.High, air.High)
		if k == ref || c.rows < smallGroup || !air.Value.Defined() || float64(air.Value) >= b.th.ImpactAmber {
			continue
		}
		l := Amber
		if air.High.Defined() && float64(air.High) < b.th.ImpactAmber {
			l = Red
		}
		if worse(l, light) {
			light, finding = l, fmt.Sprintf("%s %s: adverse impact ratio %s", g.Name, level, interval(air, Fixed3))
		}
	}
	s.table(t)
	if len(bars.X) > 1 {
		fig.Series = []Series{bars, {Mark: Reference, X: []Number{Number(b.th.ImpactAmber), Number(b.th.ImpactAmber)}, Y: []Number{-0.5, Number(len(bars.X)) - 0.5}}}
		s.figure(fig)
	}
	return light, finding
}

// impactRatio is the ratio of two proportions with Katz's log interval (1978).
func impactRatio(k1, n1, k2, n2 int) Estimate {
	e := Estimate{Value: nan, Low: nan, High: nan, N: n1, Level: Level, Method: "Katz, logarithmic"}
	if n1 == 0 || n2 == 0 || k2 == 0 {
		return e
	}
	p1, p2 := float64(k1)/float64(n1), float64(k2)/float64(n2)
	e.Value = Number(p1 / p2)
	if k1 == 0 {
		return e
	}
	sd := math.Sqrt((1-p1)/float64(k1) + (1-p2)/float64(k2))
	z := distuv.UnitNormal.Quantile(0.5 + Level/2)
	e.Low, e.High = Number(p1/p2*bitmath.Exp(-z*sd)), Number(p1/p2*bitmath.Exp(z*sd))
	return e
}

// newcombe is the difference of two proportions with Newcombe's hybrid score
// interval (1998, method 10).
func newcombe(k1, n1, k2, n2 int) Estimate {
	e := Estimate{Value: nan, Low: nan, High: nan, N: n1, Level: Level, Method: "Newcombe"}
	if n1 == 0 || n2 == 0 {
		return e
	}
	a, b := Wilson(k1, n1), Wilson(k2, n2)
	d := float64(a.Value - b.Value)
	down := math.Hypot(float64(a.Value-a.Low), float64(b.High-b.Value))
	up := math.Hypot(float64(a.High-a.Value), float64(b.Value-b.Low))
	e.Value, e.Low, e.High = Number(d), Number(d-down), Number(d+up)
	return e
}
