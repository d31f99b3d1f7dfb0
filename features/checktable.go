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
// most limit of them; see CheckRows.
func (p *Plan) Check(rec arrow.Record, limit int) ([]*fieldvalue.RowError, error) {
	return CheckRows(p.spec, rec, limit)
}

// CheckRows returns an error for each row of a table that breaks the spec's
// rules (an invalid time, a number out of range, a required value missing), one
// a row, at most limit of them. In an event log, each row is checked against the
// fields that its kind of event carries.
func CheckRows(s *plantext.Spec, rec arrow.Record, limit int) ([]*fieldvalue.RowError, error) {
	p, src, err := sourceOf(s, rec)
	if err != nil {
		return nil, err
	}
	t, err := p.eventReader(rec, src)
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
func (t *eventReader) check(row int) *fieldvalue.RowError {
	p := t.src.p
	kind := p.kinds.index(t.kindAt(row))
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
// for, except those that the plan declares optional. An event may leave out what
// is not required, but a table without the column is most likely the wrong one.
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
// fields, roles, and id, kind and time columns are known; its label is not, since
// nobody knows it when an event is scored.
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

// Unseen counts the values of one field that training did not have, or had too
// rarely to keep: a model reads each of them as `other`.
type Unseen struct {
	Field  string
	Rows   int // rows that have a value
	Unseen int // rows whose value is unseen
}

// unseenShare is the share of unseen values at which a column is most likely not
// the one that training had, or its values are spelled differently.
const unseenShare = 0.9

// LikelyWrongColumn reports whether nearly all values are unseen, which is a sign
// of the wrong column or of another spelling.
func (u Unseen) LikelyWrongColumn() bool {
	return u.Rows > 0 && float64(u.Unseen) >= unseenShare*float64(u.Rows)
}

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

// Dictionary holds the values of one field that a plan knows: for a text those of
// training, for a number or a flag those that a category lists.
type Dictionary struct {
	Field  string
	Place  int             // index of the field's value in what Read returns
	levels *kernels.Levels // nil for a text field
}

// Dictionaries returns the dictionaries of the fields of scored events.
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

// Unseen reports whether a value that Read returned for the field is one that
// training did not have, or had too rarely to keep. A missing value is not unseen.
func (d *Dictionary) Unseen(x float64) bool {
	if d.levels == nil {
		return x == kernels.Unknown
	}
	return d.levels.Code(x, kernels.Unknown) == kernels.Unknown
}

// CategoryField returns the index, in what Read returns, of the field whose
// category a feature of the vector is; ok is false if the feature is no category
// of one field.
func (p *Plan) CategoryField(feature int) (place int, ok bool) {
	if st := p.categoryStep(feature); st != nil {
		return st.in[0], true
	}
	return 0, false
}

// UnseenCode reports whether the code of a category in a vector belongs to none of
// the values that the category lists.
func (p *Plan) UnseenCode(feature int, code float64) bool {
	st := p.categoryStep(feature)
	if st == nil || code != code {
		return false
	}
	return code < 0 || code >= float64(len(st.learned.Categories)) || code != math.Trunc(code)
}
