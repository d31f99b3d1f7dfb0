// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// Unseen counts, for one text field, the values of which training had none, or
// too few to keep: a model takes each of them for `other`.
type Unseen struct {
	Field  string
	Rows   int // that have a value
	Unseen int // of them
}

// unseenShare is the share of unseen values from which a column is most likely
// another one, or is spelled in another way, than the one in training.
const unseenShare = 0.9

// Wrong reports whether nearly all values are unseen.
func (u Unseen) Wrong() bool { return u.Rows > 0 && float64(u.Unseen) >= unseenShare*float64(u.Rows) }

// String says what was found and what to do about it.
func (u Unseen) String() string {
	return fmt.Sprintf("column %q: training had none of the values of %d in %d rows, or too few of them; the model takes each for %q: "+
		"look how the values are spelled, and whether it is the right column", u.Field, u.Unseen, u.Rows, OtherCategory)
}

// Unseen counts the unseen values of each text field that a feature reads, in
// the scored rows of a table.
func (p *Plan) Unseen(rec arrow.Record) ([]Unseen, error) {
	src, err := p.source(rec)
	if err != nil {
		return nil, err
	}
	rows, err := p.scoredRows(rec, src)
	if err != nil {
		return nil, err
	}
	var out []Unseen
	for i := range p.fields {
		f := &p.fields[i]
		if f.codes == nil || !f.on.has(scored) {
			continue
		}
		u := Unseen{Field: f.spec.Name}
		for _, row := range rows {
			if t := src.cols[i].text(row); t != "" {
				u.Rows++
				if f.text(t) == unseen {
					u.Unseen++
				}
			}
		}
		out = append(out, u)
	}
	return out, nil
}

// TextFields are the places, among the values that Read gives, of the fields
// whose values Unseen counts, and their names.
func (p *Plan) TextFields() (places []int, names []string) {
	for i := range p.fields {
		if len(p.fields[i].codes) > 0 && p.fields[i].on.has(scored) {
			places, names = append(places, i), append(names, p.fields[i].spec.Name)
		}
	}
	return places, names
}

// IsUnseen reports whether a value that Read gave for a text field is of a text
// that training had not, or too seldom to keep.
func IsUnseen(x float64) bool { return x == unseen }
