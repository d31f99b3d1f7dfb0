// SPDX-License-Identifier: Apache-2.0

package features

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// MissingColumns lists the fields of the scored event that a table has no column
// for, but for those that the plan declares optional. An event may leave out
// what is not required; a table without the column is most likely the wrong one.
func (p *Plan) MissingColumns(rec arrow.Record) []string {
	var out []string
	for i := range p.fields {
		f := &p.fields[i]
		if f.on.has(scored) && !f.spec.Optional && !rec.Schema().HasField(f.spec.Name) {
			out = append(out, f.spec.Name)
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
