// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// reasonCount counts how often a reason is given.
type reasonCount struct {
	assay.Reason
	turned  [2]int                 // among good and bad rows
	decided [assay.Decline + 1]int // by decision
	first   int                    // as the strongest
}

func (c *reasonCount) rows() int { return c.turned[0] + c.turned[1] }

// reasonTable shows how often each reason is given, by outcome and by decision.
func (b *builder) reasonTable(rows []int32, note string) document.Table {
	in := b.in
	t := document.Table{Title: "Reason codes",
		Caption: "How often a reason is among the up to four that a row would be given (" + note +
			"). A reason that is as frequent among good rows as among bad ones has little to do with risk.",
		Columns: []document.Column{{Name: "Code"}, {Name: "Reason"}, {Name: "Among bad rows", Format: numfmt.Percent},
			{Name: "Among good rows", Format: numfmt.Percent}}}
	if in.Outcome != nil {
		t.Caption += " Replies carry reasons for decisions other than approve."
		for o := assay.Approve; o <= assay.Decline; o++ {
			t.Columns = append(t.Columns, document.Column{Name: "On " + o.String(), Format: numfmt.Percent})
		}
	}
	t.Columns = append(t.Columns, document.Column{Name: "Strongest reason", Format: numfmt.Percent})
	var all []*reasonCount
	index := map[string]*reasonCount{}
	var total reasonCount // of the rows, in place of one reason
	given := 0
	for _, i := range rows {
		y, o := int(in.Label[i]), assay.Outcome(0)
		if in.Outcome != nil {
			o = in.Outcome[i]
		}
		reasons := in.Reasons(int(i))
		total.turned[y]++
		total.decided[o]++
		if len(reasons) > 0 {
			given++
		}
		for k, r := range reasons {
			c := index[r.Code]
			if c == nil {
				c = &reasonCount{Reason: r}
				index[r.Code], all = c, append(all, c)
			}
			c.turned[y]++
			c.decided[o]++
			if k == 0 {
				c.first++
			}
		}
	}
	slices.SortStableFunc(all, func(a, c *reasonCount) int {
		return cmp.Or(cmp.Compare(c.rows(), a.rows()), cmp.Compare(a.Code, c.Code))
	})
	for _, c := range all {
		row := []document.Cell{text(c.Code), text(c.Text), number(share(c.turned[1], total.turned[1])),
			number(share(c.turned[0], total.turned[0]))}
		if in.Outcome != nil {
			for o := assay.Approve; o <= assay.Decline; o++ {
				row = append(row, number(share(c.decided[o], total.decided[o])))
			}
		}
		t.Rows = append(t.Rows, append(row, number(share(c.first, given))))
	}
	return t
}

// share returns k/n, NaN for none.
func share(k, n int) float64 { return eval.Ratio(float64(k), float64(n)) }
