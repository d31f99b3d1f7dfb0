// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/plantext"
)

// ReadLookupRows reads the rows of a lookup from the table in its file. Afterwards
// the lookup has rows in place of a file.
func ReadLookupRows(l *plantext.LookupSpec, rec arrow.Record) error {
	var key, from, value fieldvalue.Column
	for _, c := range []struct {
		to   *fieldvalue.Column
		name string
		kind assay.ValueKind
	}{{&key, l.Key, assay.Text}, {&from, l.From, assay.Instant}, {&value, l.Value, assay.Number}} {
		if c.name == "" {
			continue
		}
		var err error
		if *c.to, err = fieldvalue.ColumnOf(rec, c.name, c.kind, true); err != nil {
			return err
		}
	}
	if rec.NumRows() == 0 || rec.NumRows() > plantext.MaxLookupRows {
		return fmt.Errorf("%w: %d rows, want 1 to %d", assay.ErrInvalid, rec.NumRows(), plantext.MaxLookupRows)
	}
	rows := make([]plantext.LookupRow, rec.NumRows())
	for i := range rows {
		bad := func(name, problem string) error { return &fieldvalue.RowError{Row: i, Column: name, Problem: problem} }
		if l.Key != "" {
			if rows[i].Key = fieldvalue.CanonicalText(key.Text(i)); rows[i].Key == "" || key.Lossy(i) {
				return bad(l.Key, "each row wants a key")
			}
		}
		if l.From != "" {
			us, null, ok := from.Micros(i)
			if null || !ok || !eventtime.All.Contains(us) {
				return bad(l.From, fieldvalue.NoInstant)
			}
			rows[i].From = timeText(us)
		}
		x, ok := value.Number(i)
		if !ok || x-x != 0 && x == x {
			return bad(l.Value, "want a finite number, or none")
		}
		if x == x {
			rows[i].Value = &x
		}
	}
	if err := sortLookupRows(l, rows); err != nil {
		return err
	}
	l.Rows, l.File, l.Key, l.From, l.Value = rows, "", "", "", ""
	return nil
}

// sortLookupRows sorts rows by key and date; two rows of one key and date are an
// error.
func sortLookupRows(l *plantext.LookupSpec, rows []plantext.LookupRow) error {
	from := make(map[string]int64, len(rows))
	for i := range rows {
		from[rows[i].From], _ = rows[i].Since()
	}
	slices.SortStableFunc(rows, func(a, b plantext.LookupRow) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(from[a.From], from[b.From]))
	})
	for i := 1; i < len(rows); i++ {
		if rows[i].Key == rows[i-1].Key && rows[i].From == rows[i-1].From {
			return fmt.Errorf("%w: two rows of the key %q from %q: keep one of them",
				assay.ErrInvalid, plantext.Shorten(rows[i].Key), rows[i].From)
		}
	}
	return nil
}

// timeText writes a time as plans do: midnight as the date alone.
func timeText(us int64) string {
	t := time.UnixMicro(us).UTC()
	if us%eventtime.DayMicros == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// lookupEntry is a row of a lookup, parsed.
type lookupEntry struct {
	key   string // in its canonical form
	from  int64
	value float64
}

// lookupEntries returns the rows sorted by canonical key and date.
func lookupEntries(l *plantext.LookupSpec) []lookupEntry {
	out := make([]lookupEntry, len(l.Rows))
	for i := range l.Rows {
		r := &l.Rows[i]
		from, _ := r.Since() // plancheck.Check has parsed it
		out[i] = lookupEntry{fieldvalue.CanonicalText(r.Key), from, math.NaN()}
		if r.Value != nil {
			out[i].value = *r.Value
		}
	}
	slices.SortFunc(out, func(a, b lookupEntry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.from, b.from))
	})
	return out
}

// lookupKeys returns the keys that the lookup has rows for.
func lookupKeys(l *plantext.LookupSpec) []string {
	seen, out := map[string]bool{}, []string{}
	for i := range l.Rows {
		if k := fieldvalue.CanonicalText(l.Rows[i].Key); k != "" && !seen[k] {
			seen[k], out = true, append(out, k)
		}
	}
	return out
}
