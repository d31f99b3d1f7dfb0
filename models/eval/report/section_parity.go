// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// parity makes the section on serving parity and evidence.
func (b *builder) parity() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "parity", Title: "Serving parity and evidence",
		Introduction: "Whether the server gives exactly the scores that were evaluated here, and where this report " +
			"and the " +
			"decisions are recorded."}
	if in.Served == nil && in.Ledger == nil {
		s.Absent = "This section needs the server's scores for the same rows, or the place in the ledger."
		b.verdict(parityQuestion, document.CannotTell, s.ID, "the server's scores were not given", "–", notGiven())
		return s, nil
	}
	if in.Served != nil {
		compared, differ, far := 0, 0, 0.0
		for i, v := range in.Served {
			if math.IsNaN(v) {
				continue
			}
			compared++
			if math.Float64bits(v) != math.Float64bits(b.rank[i]) {
				differ++
				far = math.Max(far, math.Abs(v-b.rank[i]))
			}
		}
		by := in.ServedBy
		if by == "" {
			by = "the replies of the running server"
		}
		s.AddTable(document.Table{Title: "Offline against served scores",
			Caption: "Scores of the same rows are compared bit by bit: the batch evaluated here against " + by + ".",
			Columns: []document.Column{{Name: "Rows compared", Format: numfmt.Count},
				{Name: "Equal bits", Format: numfmt.Count},
				{Name: "Different", Format: numfmt.Count}, {Name: "Largest difference", Unit: "log-odds"}},
			Rows: [][]document.Cell{{count(compared), count(compared - differ), count(differ), number(far)}}})
		light, finding := document.Pass, fmt.Sprintf("%s scores compared with %s, all equal to the last bit",
			numfmt.Count.Print(float64(compared)), by)
		switch {
		case compared == 0:
			light, finding = document.CannotTell, "no row was served"
		case differ > 0:
			light, finding = document.Fail, fmt.Sprintf("%s of %s scores differ from %s, by up to %s",
				numfmt.Count.Print(float64(differ)), numfmt.Count.Print(float64(compared)), by, numfmt.Plain.Print(far))
		}
		b.verdict(parityQuestion, light, s.ID, finding, "pass when all bits are equal, fail otherwise",
			document.Grounds{Rows: compared, LeastRows: 1, Certain: true})
	} else {
		b.verdict(parityQuestion, document.CannotTell, s.ID, "the server's scores were not given", "–", notGiven())
	}
	if in.ServerSkipped != "" {
		s.AddText("%s", in.ServerSkipped)
	}
	if l := in.Ledger; l != nil {
		t := document.Table{Title: "Evidence",
			Caption: "What to ask for in order to check that nothing was replaced afterwards.",
			Columns: []document.Column{{Name: "Fact"}, {Name: "Value"}}}
		for _, f := range l.Facts {
			t.Rows = append(t.Rows, []document.Cell{text(f.Name), text(f.Value)})
		}
		s.AddTable(t)
		if l.Note != "" {
			s.AddText("%s", l.Note)
		}
	}
	return s, nil
}
