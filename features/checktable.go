// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
)

// Check returns an error for each row that Matrix would refuse, one a row, at
// most limit of them; see Spec.Check.
func (p *Plan) Check(rec arrow.Record, limit int) ([]*fieldvalue.RowError, error) {
	return CheckRows(p.spec, rec, limit)
}

// Check returns an error for each row of a table that breaks the spec's rules
// (a time that is none, a number out of range, a required value missing), one a
// row, at most limit of them. Of an event log it holds each row to what its
// kind of event carries.
func CheckRows(s *plantext.Spec, rec arrow.Record, limit int) ([]*fieldvalue.RowError, error) {
	p, src, err := reader(s, rec)
	if err != nil {
		return nil, err
	}
	t, err := p.tape(rec, src)
	if err != nil {
		return nil, err
	}
	var out []*fieldvalue.RowError
	for row := range int(rec.NumRows()) {
		if len(out) >= limit {
			break
		}
		if err := t.check(row); err != nil {
			out = append(out, err)
		}
	}
	return out, nil
}

// check returns what is wrong with one row.
func (t *tape) check(row int) *fieldvalue.RowError {
	p := t.src.p
	kind := p.kinds.of(t.kindAt(row))
	if kind == unknownKind {
		return nil
	}
	if len(p.feeds) > 0 {
		if _, err := t.src.timeAt(row); err != nil {
			return err
		}
	}
	for i := range p.fields {
		if !p.fields[i].on.has(kind) {
			continue
		}
		if _, err := t.src.field(i, row); err != nil {
			return err
		}
	}
	return nil
}

// MissingColumns lists the fields of the scored event that a table has no column
// for, but for those that the plan declares optional. An event may leave out
// what is not required; a table without the column is most likely the wrong one.
func (p *Plan) MissingColumns(rec arrow.Record) []string {
	var out []string
	for i := range p.fields {
		f := &p.fields[i]
		if f.on.has(scored) && !f.Spec.Optional && !rec.Schema().HasField(f.Spec.Name) {
			out = append(out, f.Spec.Name)
		}
	}
	return out
}

// UnknownColumns lists the columns of a table that the plan does not know. Its
// fields and roles are known, and its id, kind and time columns; its label is
// not: nobody knows it when an event is scored.
func (p *Plan) UnknownColumns(table *arrow.Schema) []string {
	s := p.spec
	known := append([]string{s.ID, s.Kind, s.Time}, s.Entities...)
	var out []string
	for _, c := range table.Fields() {
		if _, ok := p.byName[c.Name]; !ok && (c.Name == "" || !slices.Contains(known, c.Name)) {
			out = append(out, c.Name)
		}
	}
	return out
}

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
		"look how the values are spelled, and whether it is the right column", u.Field, u.Unseen, u.Rows,
		plantext.OtherCategory)
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
				if n, ok := src.cols[d.Place].Number(row); ok {
					x = n
				}
			} else if t := src.cols[d.Place].Text(row); t != "" {
				x = f.Code(t)
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
	Place  int             // among the values that Read gives
	levels *kernels.Levels // nil: of texts
}

// Dictionaries returns those of the fields of scored events.
func (p *Plan) Dictionaries() []Dictionary {
	var out []Dictionary
	for i := range p.fields {
		f := &p.fields[i]
		if !f.on.has(scored) {
			continue
		}
		if len(f.Codes) > 0 {
			out = append(out, Dictionary{Field: f.Spec.Name, Place: i})
			continue
		}
		for k := range p.steps {
			if st := &p.steps[k]; len(st.in) == 1 && st.in[0] == i && st.learned != nil && st.learned.Levels != nil {
				out = append(out, Dictionary{Field: f.Spec.Name, Place: i, levels: st.learned.Levels})
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
		return x == kernels.Unknown
	}
	return d.levels.Code(x, kernels.Unknown) == kernels.Unknown
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
