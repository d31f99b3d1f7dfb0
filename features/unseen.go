// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
)

// Unseen counts, for one field, the values of which training had none, or
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
	return fmt.Sprintf("column %q: training had none of the values of %d in %d rows, or too few of them; the model "+
		"takes each for %q: "+
		"look how the values are spelled, and whether it is the right column", u.Field, u.Unseen, u.Rows, OtherCategory)
}

// Unseen counts the unseen values of each field with a dictionary that a feature
// reads, in the scored rows of a table.
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
	for _, d := range p.Dictionaries() {
		f := &p.fields[d.Place]
		u := Unseen{Field: d.Field}
		for _, row := range rows {
			x := math.NaN()
			if d.levels != nil {
				if n, ok := src.cols[d.Place].number(row); ok {
					x = n
				}
			} else if t := src.cols[d.Place].text(row); t != "" {
				x = f.text(t)
			}
			if x == x {
				u.Rows++
			}
			if d.Unseen(x) {
				u.Unseen++
			}
		}
		out = append(out, u)
	}
	return out, nil
}

// Dictionary is what a plan knows of the values of one field: those of training,
// of a text, or those that a category lists, of a number.
type Dictionary struct {
	Field  string
	Place  int     // among the values that Read gives
	levels *levels // nil: of texts
}

// Dictionaries returns those of the fields of scored events.
func (p *Plan) Dictionaries() []Dictionary {
	var out []Dictionary
	for i := range p.fields {
		f := &p.fields[i]
		if !f.on.has(scored) {
			continue
		}
		if len(f.codes) > 0 {
			out = append(out, Dictionary{Field: f.spec.Name, Place: i})
			continue
		}
		for k := range p.steps {
			if st := &p.steps[k]; len(st.in) == 1 && st.in[0] == i && st.learned != nil && st.learned.levels != nil {
				out = append(out, Dictionary{Field: f.spec.Name, Place: i, levels: st.learned.levels})
				break
			}
		}
	}
	return out
}

// Unseen reports whether a value that Read gave for the field is one that
// training had not, or too seldom to keep. No value is none of them.
func (d *Dictionary) Unseen(x float64) bool {
	if d.levels == nil {
		return x == unseen
	}
	return d.levels.code(x, unseen) == unseen
}

// CategoryField is the place, among the values that Read gives, of the field
// that a feature of the vector is the category of; false: it is none.
func (p *Plan) CategoryField(feature int) (place int, ok bool) {
	if st := p.categoryStep(feature); st != nil {
		return st.in[0], true
	}
	return 0, false
}

// UnseenCode reports whether a category's code, as a vector states it, is that
// of none of the values that the category lists.
func (p *Plan) UnseenCode(feature int, code float64) bool {
	st := p.categoryStep(feature)
	if st == nil || code != code {
		return false
	}
	return code < 0 || code >= float64(len(st.learned.Categories)) || code != math.Trunc(code)
}
