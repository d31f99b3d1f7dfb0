// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
)

// lookupKernels read a table of the plan.
func lookupKernels() []kernel {
	return []kernel{{
		name: "lookup", min: 1, max: 2, lookup: true,
		formula: "the value of the table's latest row of the key that holds from the time on, or from before it",
		missing: "missing; also when the table has no such row, or the row no value",
		params: "`table: NAME`, of `lookups`; the inputs are a text field, if the table has keys, and a time " +
			"(default " + EventTime + "), if it has dates",
		example: "rows=a:2024-01-01:1,a:2024-02-01:2,b:2024-01-01:3 x=a at=2024-02-15 -> 2", apply: applyLookup,
	}}
}

// lookupInputs are the inputs of a feature over a table.
func (s *Spec) lookupInputs(f *FeatureSpec) []string {
	i := s.lookupOf(f.Table)
	if i < 0 {
		return f.Of
	}
	l, in, keys := &s.Lookups[i], slices.Clone([]string(f.Of)), 0
	if l.keyed() {
		if keys = 1; len(in) == 0 {
			in = []string{f.Name}
		}
	}
	if l.dated() && len(in) == keys {
		in = append(in, EventTime)
	}
	return in
}

// lookupFeature holds a feature over a table to the rules.
func (c checker) lookupFeature(f *FeatureSpec, at string) error {
	i := c.s.lookupOf(f.Table)
	if i < 0 {
		var names []string
		for j := range c.s.Lookups {
			names = append(names, c.s.Lookups[j].Name)
		}
		return c.fail(at+".table", "the lookups are "+strings.Join(names, ", "), "there is no lookup %q", f.Table)
	}
	l := &c.s.Lookups[i]
	var want []assay.ValueKind
	if l.keyed() {
		want = append(want, assay.Text)
	}
	if l.dated() {
		want = append(want, assay.Instant)
	}
	in := c.s.lookupInputs(f)
	if len(in) != len(want) {
		return c.fail(at+".of",
			"a text field for its keys, and for its dates a time, which is the event's own if none is named",
			"lookup %q wants %d inputs, %d are given", f.Table, len(want), len(in))
	}
	for j, n := range in {
		if n == EventTime && want[j] == assay.Instant {
			continue
		}
		at := fmt.Sprintf("%s.of[%d]", at, j)
		k := c.s.fieldOf(n)
		switch {
		case k < 0:
			return c.fail(at, "the fields are "+c.s.fieldNames(), "%q names no field", n)
		case c.s.Fields[k].kind() != want[j]:
			return c.fail(at, "", "lookup %q wants a %s here, and %q is a %s", f.Table, want[j],
				n, c.s.Fields[k].kind())
		case !c.s.carries(&c.s.Fields[k], c.s.event()):
			return c.fail(at, "", "events of kind %q do not carry field %q", c.s.event(), n)
		}
	}
	return nil
}

// lookupTable is a lookup as its kernel reads it: the rows of one key lie
// one after another, by their dates.
type lookupTable struct {
	keyed, dated bool
	from         []int64
	values       []float64
	byCode       [][2]int32 // by raw code of the key: its rows, none where both are equal
}

// bindLookup gives the feature its table, whose keys are found by the raw codes
// of the field that is read.
func (p *Plan) bindLookup(st *step) {
	if st.kernel.name != "lookup" {
		return
	}
	l := &p.spec.Lookups[p.spec.lookupOf(st.learned.spec.Table)]
	t := &lookupTable{keyed: l.keyed(), dated: l.dated()}
	byKey := map[string][2]int32{}
	for i, e := range l.entries() {
		t.from, t.values = append(t.from, e.from), append(t.values, e.value)
		span, ok := byKey[e.key]
		if !ok {
			span[0] = int32(i)
		}
		span[1] = int32(i) + 1
		byKey[e.key] = span
	}
	if t.keyed {
		f := &p.fields[st.in[0]]
		t.byCode = make([][2]int32, len(f.codes))
		for key, span := range byKey {
			if code, ok := f.codes[f.textOf(key)]; ok {
				t.byCode[int(code)] = span
			}
		}
	}
	st.learned.lookup = t
}

// lookupEntry is a row as the table has it.
type lookupEntry struct {
	key   string // in its canonical form
	from  int64
	value float64
}

// entries are the rows by key and date.
func (l *LookupSpec) entries() []lookupEntry {
	out := make([]lookupEntry, len(l.Rows))
	for i := range l.Rows {
		r := &l.Rows[i]
		from, _ := r.from() // the spec is checked
		out[i] = lookupEntry{canonicalText(r.Key), from, math.NaN()}
		if r.Value != nil {
			out[i].value = *r.Value
		}
	}
	slices.SortFunc(out, func(a, b lookupEntry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.from,
			b.from))
	})
	return out
}

// keys are the texts that the table has rows for.
func (l *LookupSpec) keys() []string {
	seen, out := map[string]bool{}, []string{}
	for i := range l.Rows {
		if k := canonicalText(l.Rows[i].Key); k != "" && !seen[k] {
			seen[k], out = true, append(out, k)
		}
	}
	return out
}

// applyLookup reads the value of the latest row of the key that begins at the
// time or before it.
func applyLookup(dst []float64, in [][]float64, l *learned) {
	t := l.lookup
	times := in[len(in)-1]
	for i := range dst {
		dst[i] = math.NaN()
		span := [2]int32{0, int32(len(t.from))}
		if t.keyed {
			c := in[0][i]
			if !(c >= 0 && int(c) < len(t.byCode)) {
				continue
			}
			span = t.byCode[int(c)]
		}
		n := int(span[1] - span[0])
		if t.dated {
			at := times[i]
			if at != at {
				continue
			}
			n, _ = slices.BinarySearchFunc(t.from[span[0]:span[1]], int64(at), func(from, at int64) int {
				if from <= at {
					return -1
				}
				return 1
			})
		}
		if n > 0 {
			dst[i] = t.values[int(span[0])+n-1]
		}
	}
}
