// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// LookupSpec is a table that features read a number from: the one of a key, as
// of a date. Its rows are read from a file when the plan is fitted, and stand in
// the frozen plan from then on, so that no later file moves a vector.
type LookupSpec struct {
	Name string `yaml:"name" json:"name"`
	// File holds the rows, beside the plan; Key, From and Value name its columns.
	File  string `yaml:"file,omitempty" json:"file,omitempty"`
	Key   string `yaml:"key,omitempty" json:"key,omitempty"`     // of texts; none: one series for all
	From  string `yaml:"from,omitempty" json:"from,omitempty"`   // of times from which rows hold; none: always
	Value string `yaml:"value,omitempty" json:"value,omitempty"` // of numbers
	// Rows are written in the plan in place of a file.
	Rows []LookupRow `yaml:"rows,omitempty" json:"rows,omitempty"`
}

// LookupRow is one row. Without a Value there is none from then on.
type LookupRow struct {
	Key   string   `yaml:"key,omitempty" json:"key,omitempty"`
	From  string   `yaml:"from,omitempty" json:"from,omitempty"` // a day or a time, as a field's earliest
	Value *float64 `yaml:"value,omitempty" json:"value,omitempty"`
}

// MaxLookupRows bounds the rows of all lookups of a plan.
const MaxLookupRows = 50_000

// MaxLookups bounds the lookups of a plan.
const MaxLookups = 64

// keyed and dated report which inputs a feature over the table has.
func (l *LookupSpec) keyed() bool { return l.Key != "" || len(l.Rows) > 0 && l.Rows[0].Key != "" }
func (l *LookupSpec) dated() bool { return l.From != "" || len(l.Rows) > 0 && l.Rows[0].From != "" }

// lookupOf returns the index of a lookup, or -1.
func (s *Spec) lookupOf(name string) int {
	return slices.IndexFunc(s.Lookups, func(l LookupSpec) bool { return l.Name == name })
}

// lookups holds the tables to the rules.
func (c checker) lookups() error {
	if len(c.s.Lookups) > MaxLookups {
		return c.fail("$.lookups", "", "%d lookups, at most %d are allowed", len(c.s.Lookups), MaxLookups)
	}
	rows := 0
	for i := range c.s.Lookups {
		l, at := &c.s.Lookups[i], fmt.Sprintf("$.lookups[%d]", i)
		if !nameOK(l.Name) || c.s.lookupOf(l.Name) != i {
			return c.fail(at+".name", "give each lookup a name of its own",
				"the name is empty, too long or given twice")
		}
		if rows += len(l.Rows); rows > MaxLookupRows {
			return c.fail(at, "", "the lookups have more than %d rows", MaxLookupRows)
		}
		switch {
		case l.File != "" && c.frozen:
			return c.unread()
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
		if !l.keyed() && !l.dated() {
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

func (c checker) lookupRows(l *LookupSpec, at string) error {
	seen := make(map[LookupRow]bool, len(l.Rows))
	for j := range l.Rows {
		r, at := &l.Rows[j], fmt.Sprintf("%s.rows[%d]", at, j)
		if (r.Key != "") != l.keyed() || (r.From != "") != l.dated() {
			return c.fail(at, "give each row a key, or none; and a from, or none", "the row is not like the first")
		}
		if len(r.Key) > assay.MaxTextBytes {
			return c.fail(at+".key", "", "a key of more than %d bytes", assay.MaxTextBytes)
		}
		if r.Value != nil && *r.Value-*r.Value != 0 {
			return c.fail(at+".value", "leave it out where there is none", "the value is not finite")
		}
		from, ok := r.from()
		if !ok {
			return c.fail(at+".from", "", "%s", noInstant)
		}
		once := LookupRow{Key: canonicalText(r.Key), From: fmt.Sprint(from)}
		if seen[once] {
			return c.fail(at, "keep one of them", "two rows of the same key and date")
		}
		seen[once] = true
	}
	return nil
}

// from reads the date, the beginning of all times if there is none.
func (r *LookupRow) from() (us int64, ok bool) {
	if r.From == "" {
		return allTimes.first, true
	}
	t, ok := timeOfText(r.From)
	return t.UnixMicro(), ok && timeOK(t)
}

// unread names the first lookup whose file has not been read.
func (c checker) unread() error {
	for i := range c.s.Lookups {
		if l := &c.s.Lookups[i]; l.File != "" {
			return c.fail(fmt.Sprintf("$.lookups[%d].file", i), "", "the rows of lookup %q were not read from %s",
				l.Name,
				l.File)
		}
	}
	return nil
}

// TakeRows reads the rows from the table that its file holds. After it, the
// lookup has rows in place of a file.
func (l *LookupSpec) TakeRows(rec arrow.Record) error {
	var key, from, value column
	for _, c := range []struct {
		to   *column
		name string
		kind assay.ValueKind
	}{{&key, l.Key, assay.Text}, {&from, l.From, assay.Instant}, {&value, l.Value, assay.Number}} {
		if c.name == "" {
			continue
		}
		var err error
		if *c.to, err = columnOf(rec, c.name, c.kind, true); err != nil {
			return err
		}
	}
	if rec.NumRows() == 0 || rec.NumRows() > MaxLookupRows {
		return fmt.Errorf("%w: %d rows, want 1 to %d", assay.ErrInvalid, rec.NumRows(), MaxLookupRows)
	}
	rows := make([]LookupRow, rec.NumRows())
	for i := range rows {
		bad := func(name, problem string) error { return &RowError{Row: i, Column: name, Problem: problem} }
		if l.Key != "" {
			if rows[i].Key = canonicalText(key.text(i)); rows[i].Key == "" || key.lossy(i) {
				return bad(l.Key, "each row wants a key")
			}
		}
		if l.From != "" {
			us, null, ok := from.micros(i)
			if null || !ok || !allTimes.has(us) {
				return bad(l.From, noInstant)
			}
			rows[i].From = timeText(us)
		}
		x, ok := value.number(i)
		if !ok || x-x != 0 && x == x {
			return bad(l.Value, "want a finite number, or none")
		}
		if x == x {
			rows[i].Value = &x
		}
	}
	if err := l.sortRows(rows); err != nil {
		return err
	}
	l.Rows, l.File, l.Key, l.From, l.Value = rows, "", "", "", ""
	return nil
}

// sortRows puts rows in the order of keys and dates; two of one key and date are
// an error.
func (l *LookupSpec) sortRows(rows []LookupRow) error {
	from := make(map[string]int64, len(rows))
	for i := range rows {
		from[rows[i].From], _ = rows[i].from()
	}
	slices.SortStableFunc(rows, func(a, b LookupRow) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(from[a.From], from[b.From]))
	})
	for i := 1; i < len(rows); i++ {
		if rows[i].Key == rows[i-1].Key && rows[i].From == rows[i-1].From {
			return fmt.Errorf("%w: two rows of the key %q from %q: keep one of them",
				assay.ErrInvalid, clip(rows[i].Key),
				rows[i].From)
		}
	}
	return nil
}

// timeText writes a time as a plan does: a midnight is its day.
func timeText(us int64) string {
	t := time.UnixMicro(us).UTC()
	if us%dayMicros == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}
