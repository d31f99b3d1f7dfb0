// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// smallGroup is the number of rows below which a group is not judged.
const smallGroup = 30

// fairness makes the section of that name.
func (b *builder) fairness() (document.Section, error) {
	s := document.Section{ID: "fairness", Title: "Fairness",
		Introduction: "How approval rates differ between the declared groups, and how the groups repaid."}
	if len(b.in.Groups) == 0 {
		s.Absent = "This section needs at least one declared group field, such as an age band, for the evaluated rows."
		b.verdict(groupsQuestion, document.CannotTell, s.ID, "no group field was declared", "–", notGiven())
		return s, nil
	}
	s.AddFinding("These figures describe outcomes on this sample. They do not prove discrimination, and their " +
		"absence does not prove fairness: a group can be treated equally on average and unequally case by case, " +
		"fields in the model can act as substitutes for fields left out, the labels reflect past decisions, and the " +
		"measures contradict each other wherever bad rates differ. The figures show where a person should look.")
	approved, how := b.approved()
	all := groupFinding{light: document.Pass, words: "no group is below"}
	least := document.Grounds{LeastRows: smallGroup, Of: "the smallest group"}
	for k, g := range b.in.Groups {
		f, rows, bad := b.fairGroup(&s, g, approved, how)
		if f.light.WorseThan(all.light) {
			all = f
		}
		if k == 0 || rows < least.Rows {
			least.Rows, least.Bad = rows, bad
		}
	}
	if all.light == document.Fail { // a large group fails whatever a small one says
		least = document.Grounds{Rows: all.rows, Bad: all.bad, LeastRows: smallGroup,
			Of: "the group named", Certain: true}
	}
	b.verdict(groupsQuestion, all.light, s.ID, all.words,
		fmt.Sprintf("adverse impact ratio: look when it is below %s, fail when its whole interval is below; cannot "+
			"tell for a group of fewer than %d rows, for an interval from below %s to 1 or more, or when the group "+
			"of more than a tenth of the rows is not known", numfmt.Plain.Print(b.thresholds.ImpactLook), smallGroup,
			numfmt.Plain.Print(b.thresholds.ImpactLook*b.thresholds.ImpactLook)), least)
	return s, nil
}

type groupFinding struct {
	light     document.Light
	words     string
	rows, bad int // of the group that it is about
}

type groupCount struct {
	rows, good, approved, goodApproved eval.Tally
	bad, pd                            float64
}

// share is the part of the group's weight that is approved.
func (c groupCount) share() float64 { return eval.Ratio(c.approved.Sum, c.rows.Sum) }

// countGroups counts each level, and last the rows whose level is not known.
func (b *builder) countGroups(g Category, approved []bool) []groupCount {
	n := make([]groupCount, len(g.Levels)+1)
	for i, k := range g.Code {
		if k < 0 {
			k = int32(len(g.Levels))
		}
		c := &n[k]
		w := eval.WeightAt(b.in.Weight, i)
		c.rows.Add(w)
		c.pd += float64(w * b.in.PD[i])
		if approved[i] {
			c.approved.Add(w)
		}
		if b.in.Label[i] == 1 {
			c.bad += w
			continue
		}
		c.good.Add(w)
		if approved[i] {
			c.goodApproved.Add(w)
		}
	}
	return n
}

// reference chooses the group that others are compared with: the one that the
// field names, else that of the highest approval rate among those with enough
// rows, else the largest.
func reference(g Category, n []groupCount) int {
	best, largest := -1, 0
	for k, l := range g.Levels {
		if l == g.Reference && g.Reference != "" {
			return k
		}
		if n[k].rows.Sum > n[largest].rows.Sum {
			largest = k
		}
		if n[k].rows.WholeRows() >= smallGroup &&
			(best < 0 || float64(n[k].approved.Sum*n[best].rows.Sum) > float64(n[best].approved.Sum*n[k].rows.Sum)) {
			best = k
		}
	}
	if best < 0 {
		return largest
	}
	return best
}

// fairGroup shows one field, and returns what was found and the size of its
// smallest group.
func (b *builder) fairGroup(s *document.Section, g Category, approved []bool, how string) (f groupFinding, least,
	leastBad int) {
	f.light = document.Pass
	n := b.countGroups(g, approved)
	if len(g.Levels) == 0 {
		return groupFinding{light: document.CannotTell, words: g.Name + " has no levels"}, 0, 0
	}
	ref := reference(g, n)
	name := func(k int) string {
		if k < len(g.Levels) {
			return g.Levels[k]
		}
		return "not known"
	}
	t := document.Table{Title: "Approval by " + g.Name,
		Caption: fmt.Sprintf("Approved means %s. Adverse impact ratio: the approval rate over that of %s%s; where it "+
			"is 0, or everybody is approved, half a row is added to each count for the interval. Opportunity "+
			"difference (equal opportunity): the approval rate among good rows, minus that of %s. "+
			fewRowsNote, how, g.Levels[ref],
			pickWord(g.Reference == "", ", the highest of the groups with enough rows", ""), g.Levels[ref]),
		Columns: []document.Column{{Name: g.Name}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Approved", Format: numfmt.Percent},
			{Name: "Impact ratio", Format: numfmt.Fixed3}, {Name: "95 % from", Format: numfmt.Fixed3},
			{Name: "to", Format: numfmt.Fixed3},
			{Name: "Good rows approved", Format: numfmt.Percent}, {Name: "Opportunity difference",
				Format: numfmt.Signed3},
			{Name: "95 % from", Format: numfmt.Signed3}, {Name: "to", Format: numfmt.Signed3},
			{Name: "Mean PD", Format: numfmt.Percent},
			{Name: "Bad rate", Format: numfmt.Percent}, {Name: "AUC", Format: numfmt.Fixed3}}}
	fig := chart.Figure{ID: "impact-" + slug(g.Name), Title: "Adverse impact ratio by " + g.Name,
		X: chart.Axis{Label: "approval rate over that of " + g.Levels[ref]},
		Caption: fmt.Sprintf("Bars that end left of the dashed line (%s, the four-fifths rule) deserve a look; "+
			"whiskers are 95 %% intervals.", numfmt.Plain.Print(b.thresholds.ImpactLook)),
		Alt: "Adverse impact ratio of each level of " + g.Name + " with intervals."}
	bars := chart.Series{Mark: chart.HBars}
	rows := rowsOf(g)
	least = -1
	for k := range n {
		c, r := n[k], n[ref]
		if k == len(g.Levels) && c.rows.Rows == 0 {
			continue
		}
		air := eval.RatioOfRates(c.approved, c.rows, r.approved, r.rows)
		eod := eval.DifferenceOfRates(c.goodApproved, c.good, r.goodApproved, r.good)
		if k == ref {
			air.Low, air.High, eod.Low, eod.High = numfmt.NaN(), numfmt.NaN(), numfmt.NaN(), numfmt.NaN()
		}
		auc := reliableAUC(b.curveOf(rows[k])).Value
		t.Rows = append(t.Rows, []document.Cell{text(name(k)), countCell(c.rows.Sum), number(c.share()),
			number(float64(air.Value)),
			number(float64(air.Low)), number(float64(air.High)),
			number(eval.Ratio(c.goodApproved.Sum, c.good.Sum)), number(float64(eod.Value)), number(float64(eod.Low)),
			number(float64(eod.High)),
			number(eval.Ratio(c.pd, c.rows.Sum)), number(eval.Ratio(c.bad, c.rows.Sum)), number(float64(auc))})
		if c.rows.Rows == 0 {
			continue
		}
		fig.Y.Labels = append(fig.Y.Labels,
			fmt.Sprintf("%s (%s)", chart.Clip(name(k), 16), numfmt.Count.Print(c.rows.Sum)))
		bars.X, bars.Low, bars.High = append(bars.X, air.Value), append(bars.Low, air.Low), append(bars.High, air.High)
		size, bad := c.rows.WholeRows(), c.rows.WholeRows()-c.good.WholeRows()
		if b.in.Weight == nil {
			bad = int(c.bad)
		}
		if k < len(g.Levels) && (least < 0 || size < least) {
			least, leastBad = size, bad
		}
		if l, words := b.judgeGroup(g.Name, name(k), air, c.rows, k == ref, k == len(g.Levels)); l.WorseThan(f.light) {
			f = groupFinding{l, words, size, bad}
		}
	}
	s.AddTable(t)
	if len(bars.X) > 1 {
		fig.Series = []chart.Series{bars,
			{Mark: chart.Reference,
				X: []numfmt.Number{numfmt.Number(b.thresholds.ImpactLook), numfmt.Number(b.thresholds.ImpactLook)},
				Y: []numfmt.Number{-0.5, numfmt.Number(len(bars.X)) - 0.5}}}
		s.AddFigure(fig)
	}
	if len(bars.X) < 2 && f.light == document.Pass {
		f = groupFinding{light: document.CannotTell,
			words: g.Name + " has one group with rows: there is nothing to compare"}
	}
	return f, max(0, least), leastBad
}

// judgeGroup judges one group. Rows of no known group are compared and not
// judged, but many of them leave the question open.
func (b *builder) judgeGroup(field, level string, air eval.Estimate, rows eval.Tally, isReference,
	unknown bool) (document.Light, string) {
	look := b.thresholds.ImpactLook
	what := fmt.Sprintf("%s %s", field, level)
	switch {
	case unknown && 10*rows.Sum > b.curve.Tally().Sum:
		return document.CannotTell, fmt.Sprintf("%s is not known for %s rows", field, numfmt.Count.Print(rows.Sum))
	case unknown:
		return document.Pass, ""
	case rows.WholeRows() < smallGroup:
		return document.CannotTell, fmt.Sprintf("%s has %d rows, fewer than %d", what, rows.WholeRows(), smallGroup)
	case isReference && !air.Value.Defined():
		return document.CannotTell, fmt.Sprintf("nobody in %s, the group that others are compared with, is approved",
			what)
	case isReference:
		return document.Pass, ""
	case !air.Value.Defined():
		return document.CannotTell, fmt.Sprintf("%s: the adverse impact ratio is not defined", what)
	case float64(air.High) < look:
		return document.Fail, fmt.Sprintf("%s: adverse impact ratio %s", what, interval(air, numfmt.Fixed3))
	case float64(air.Low) < float64(look*look) && float64(air.High) >= 1:
		return document.CannotTell, fmt.Sprintf("%s: adverse impact ratio %s", what, interval(air, numfmt.Fixed3))
	case float64(air.Value) < look:
		return document.Look, fmt.Sprintf("%s: adverse impact ratio %s", what, interval(air, numfmt.Fixed3))
	}
	return document.Pass, ""
}
