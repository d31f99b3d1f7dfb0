// SPDX-License-Identifier: Apache-2.0

package plancheck

import (
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/plantext"
)

// lookupFeature checks a feature that reads a lookup.
func (c checker) lookupFeature(f *plantext.FeatureSpec, at string) error {
	i := c.s.LookupIndex(f.Table)
	if i < 0 {
		var names []string
		for j := range c.s.Lookups {
			names = append(names, c.s.Lookups[j].Name)
		}
		return c.fail(at+".table", "the lookups are "+strings.Join(names, ", "), "there is no lookup %q", f.Table)
	}
	l := &c.s.Lookups[i]
	var want []assay.ValueKind
	if l.HasKeys() {
		want = append(want, assay.Text)
	}
	if l.HasDates() {
		want = append(want, assay.Instant)
	}
	in := c.s.Inputs(f)
	if len(in) != len(want) {
		return c.fail(at+".of",
			"a text field for its keys, and for its dates a time, which is the event's own if none is named",
			"lookup %q wants %d inputs, %d are given", f.Table, len(want), len(in))
	}
	for j, n := range in {
		if n == plantext.EventTime && want[j] == assay.Instant {
			continue
		}
		at := fmt.Sprintf("%s.of[%d]", at, j)
		k := c.s.FieldIndex(n)
		switch {
		case k < 0:
			return c.fail(at, "the fields are "+c.s.FieldList(), "%q names no field", n)
		case c.s.Fields[k].ValueKind() != want[j]:
			return c.fail(at, "", "lookup %q wants a %s here, and %q is a %s", f.Table, want[j],
				n, c.s.Fields[k].ValueKind())
		case !c.s.Carries(&c.s.Fields[k], c.s.ScoredKind()):
			return c.fail(at, "", "events of kind %q do not carry field %q", c.s.ScoredKind(), n)
		}
	}
	return nil
}

// lookups checks the declarations of lookups.
func (c checker) lookups() error {
	if len(c.s.Lookups) > plantext.MaxLookups {
		return c.fail("$.lookups", "", "%d lookups, at most %d are allowed", len(c.s.Lookups), plantext.MaxLookups)
	}
	rows := 0
	for i := range c.s.Lookups {
		l, at := &c.s.Lookups[i], fmt.Sprintf("$.lookups[%d]", i)
		if !plantext.IsName(l.Name) || c.s.LookupIndex(l.Name) != i {
			return c.fail(at+".name", "give each lookup a name of its own",
				"the name is empty, too long or given twice")
		}
		if rows += len(l.Rows); rows > plantext.MaxLookupRows {
			return c.fail(at, "", "the lookups have more than %d rows", plantext.MaxLookupRows)
		}
		switch {
		case l.File != "" && c.frozen:
			return c.lookupsRead()
		case l.File != "" && len(l.Rows) > 0:
			return c.fail(at, "leave one of them out", "lookup %q has a file and rows", l.Name)
		case l.File != "" && l.Value == "":
			return c.fail(at, "write `value: COLUMN`", "which column of %s holds the values?", l.File)
		case l.File == "" && (l.Key != "" || l.From != "" || l.Value != ""):
			return c.fail(at, "they name columns of a file: write `file: NAME`",
				"lookup %q has key, from or value, and no file", l.Name)
		case l.File == "" && len(l.Rows) == 0:
			return c.fail(at, "write `file: NAME`, or rows", "lookup %q has no rows", l.Name)
		}
		if !l.HasKeys() && !l.HasDates() {
			return c.fail(at, "name its `key`, its `from`, or both",
				"lookup %q has neither keys nor dates: one value for all",
				l.Name)
		}
		if err := c.lookupRows(l, at); err != nil {
			return err
		}
	}
	return nil
}

// lookupRows checks the rows that a lookup has in the plan.
func (c checker) lookupRows(l *plantext.LookupSpec, at string) error {
	seen := make(map[plantext.LookupRow]bool, len(l.Rows))
	for j := range l.Rows {
		r, at := &l.Rows[j], fmt.Sprintf("%s.rows[%d]", at, j)
		if (r.Key != "") != l.HasKeys() || (r.From != "") != l.HasDates() {
			return c.fail(at, "give each row a key, or none; and a from, or none", "the row is not like the first")
		}
		if len(r.Key) > assay.MaxTextBytes {
			return c.fail(at+".key", "", "a key of more than %d bytes", assay.MaxTextBytes)
		}
		if r.Value != nil && *r.Value-*r.Value != 0 {
			return c.fail(at+".value", "leave it out where there is none", "the value is not finite")
		}
		from, ok := r.Since()
		if !ok {
			return c.fail(at+".from", "", "%s", fieldvalue.NoInstant)
		}
		once := plantext.LookupRow{Key: fieldvalue.CanonicalText(r.Key), From: fmt.Sprint(from)}
		if seen[once] {
			return c.fail(at, "keep one of them", "two rows of the same key and date")
		}
		seen[once] = true
	}
	return nil
}

// lookupsRead is LookupsRead.
func (c checker) lookupsRead() error {
	for i := range c.s.Lookups {
		if l := &c.s.Lookups[i]; l.File != "" {
			return c.fail(fmt.Sprintf("$.lookups[%d].file", i), "", "the rows of lookup %q were not read from %s",
				l.Name,
				l.File)
		}
	}
	return nil
}
