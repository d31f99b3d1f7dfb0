// SPDX-License-Identifier: Apache-2.0

package eval

// variables is section 3.
func (b *builder) variables() (Section, error) {
	s := Section{ID: "variables", Title: "Variables", Lead: "What each variable says by itself, and whether that agrees with what the plan declares."}
	if len(b.in.Features) == 0 {
		s.Absent = "It takes the feature columns."
		return s, nil
	}
	t := Table{Title: "Information value", Caption: "From 0.02 weak, from 0.1 medium, from 0.3 strong; above 0.5 look for a leak from the future.", Columns: []Column{{Name: "Variable"}, {Name: "Information value", Format: Fixed4}}}
	for _, f := range b.in.Features {
		t.Rows = append(t.Rows, []Cell{T(f.Name), V(BinVariable(b.in.Label, f.Values, f.Categories).IV)})
	}
	s.table(t)
	return s, nil
}

func (b *builder) stability() (Section, error) {
	return Section{ID: "stability", Title: "Stability", Lead: "Whether the population and the model's performance stay what they were.", Absent: "It takes training scores, or the time of each row."}, nil
}

func (b *builder) explanation() (Section, error) {
	return Section{ID: "explanation", Title: "Explanation", Lead: "Which variables move the score, and how.", Absent: "It takes the contributions of each row."}, nil
}

func (b *builder) fairness() (Section, error) {
	return Section{ID: "fairness", Title: "Fairness", Lead: "How decisions fall on declared groups.", Absent: "It takes a declared group field."}, nil
}

func (b *builder) stress() (Section, error) {
	return Section{ID: "stress", Title: "Stress", Lead: "What happens when inputs are noisy, missing or bent on purpose.", Absent: "It takes the model as a function of its inputs."}, nil
}

func (b *builder) rejects() (Section, error) {
	return Section{ID: "rejects", Title: "Reject inference", Lead: "What the figures would be had the declined been approved.", Absent: "It takes the scores of declined applications."}, nil
}

func (b *builder) parity() (Section, error) {
	return Section{ID: "parity", Title: "Serving parity and evidence", Lead: "Whether the server gives the scores that were evaluated, and where the evidence is recorded.", Absent: "It takes the server's scores for the same rows."}, nil
}
