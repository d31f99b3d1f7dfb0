// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
)

// parity is section 13.
func (b *builder) parity() (Section, error) {
	in := b.in
	s := Section{ID: "parity", Title: "Serving parity and evidence",
		Lead: "Whether the server gives exactly the scores that were evaluated here, and where this report and the " +
			"decisions are recorded."}
	if in.Served == nil && in.Ledger == nil {
		s.Absent = "It takes the server's scores for the same rows, or the place in the ledger."
		b.verdict(parityQuestion, CannotTell, s.ID, "the server's scores were not given", "–", notGiven())
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
		s.table(Table{Title: "Offline against served scores",
			Caption: "Scores of the same rows are compared bit by bit: the batch evaluated here against " + by + ".",
			Columns: []Column{{Name: "Rows compared", Format: numfmt.Count}, {Name: "Equal bits", Format: numfmt.Count},
				{Name: "Different", Format: numfmt.Count}, {Name: "Largest difference", Unit: "log-odds"}},
			Rows: [][]Cell{{I(compared), I(compared - differ), I(differ), V(far)}}})
		light, finding := Pass, fmt.Sprintf("%s scores compared with %s, all equal to the last bit",
			numfmt.Count.Print(float64(compared)), by)
		switch {
		case compared == 0:
			light, finding = CannotTell, "no row was served"
		case differ > 0:
			light, finding = Fail, fmt.Sprintf("%s of %s scores differ from %s, by up to %s",
				numfmt.Count.Print(float64(differ)), numfmt.Count.Print(float64(compared)), by, numfmt.Plain.Print(far))
		}
		b.verdict(parityQuestion, light, s.ID, finding, "pass when all bits are equal, fail otherwise",
			Grounds{Rows: compared, LeastRows: 1, certain: true})
	} else {
		b.verdict(parityQuestion, CannotTell, s.ID, "the server's scores were not given", "–", notGiven())
	}
	if in.Unasked != "" {
		s.text("%s", in.Unasked)
	}
	if l := in.Ledger; l != nil {
		t := Table{Title: "Evidence", Caption: "What to ask for, to check that nothing was swapped afterwards.",
			Columns: []Column{{Name: "Fact"}, {Name: "Value"}}}
		for _, f := range l.Facts {
			t.Rows = append(t.Rows, []Cell{T(f.Name), T(f.Value)})
		}
		s.table(t)
		if l.Note != "" {
			s.text("%s", l.Note)
		}
	}
	return s, nil
}
