// SPDX-License-Identifier: Apache-2.0

package features

import "github.com/apache/arrow/go/v15/arrow"

// Check returns an error for each row that Matrix would refuse, one a row, at
// most limit of them; see Spec.Check.
func (p *Plan) Check(rec arrow.Record, limit int) ([]*RowError, error) {
	return p.spec.Check(rec, limit)
}

// Check returns an error for each row of a table that breaks the spec's rules
// (a time that is none, a number out of range, a required value missing), one a
// row, at most limit of them. Of an event log it holds each row to what its
// kind of event carries.
func (s *Spec) Check(rec arrow.Record, limit int) ([]*RowError, error) {
	p, src, err := s.reader(rec)
	if err != nil {
		return nil, err
	}
	t, err := p.tape(rec, src)
	if err != nil {
		return nil, err
	}
	var out []*RowError
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
func (t *tape) check(row int) *RowError {
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
