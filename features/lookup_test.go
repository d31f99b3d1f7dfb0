// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

const lookupPlan = `
version: 1
time: t
fields:
  - {name: sector, kind: text, values: ["True", "01", "1", "2", other]}
  - {name: due, kind: time}
lookups:
  - name: rates
    rows:
      - {key: "01", from: 2024-01-10, value: 1}
      - {key: "01", from: "2024-01-20T12:00:00Z", value: 2}
      - {key: "01", from: 2024-02-01}
      - {key: "1.0", from: 2024-01-01, value: 3}
      - {key: "TRUE", from: 2024-01-01, value: 4}
      - {key: "never", from: 2024-01-01, value: 9}
  - name: base
    rows: [{from: 2024-01-15, value: -1}, {from: 2024-01-25, value: 0}]
  - name: flat
    rows: [{key: "2", value: 7}]
features:
  - {name: rate, kernel: lookup, table: rates, of: sector}
  - {name: rate_at_due, kernel: lookup, table: rates, of: [sector, due], fill: -9}
  - {name: base, kernel: lookup, table: base}
  - {name: flat, kernel: lookup, table: flat, of: sector}
  - {name: spread, kernel: difference, of: [rate, base]}
`

// TestLookup: a value holds from its date on, a row without a value ends it, and a
// key is found in any spelling. Tables, events, and a plan that was loaded again
// agree.
func TestLookup(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	cases := []struct {
		at, sector, due string
		want            []float64 // rate, rate_at_due, base, flat, spread
	}{
		{"2024-01-09T23:59:59.999999Z", "01", "2024-01-10", []float64{none, 1, none, none, none}},
		{"2024-01-10", "01", "2024-01-20T11:59:59Z", []float64{1, 1, none, none, none}},
		{"2024-01-20T12:00:00Z", "01", "2024-02-01", []float64{2, -9, -1, none, 3}},
		{"2024-02-01", "01", "", []float64{none, -9, 0, none, none}},
		{"2024-01-15", "1", "1999-01-01", []float64{3, -9, -1, none, 4}},
		{"2024-01-15", "1.00", "2150-01-01", []float64{3, 3, -1, none, 4}},
		{"2024-01-15", "true", "", []float64{4, -9, -1, none, 5}},
		{"2024-01-15", "2.0", "", []float64{none, -9, -1, 7, none}},
		{"2024-01-15", "other", "", []float64{none, -9, -1, none, none}},
		{"2024-01-15", "", "", []float64{none, -9, -1, none, none}},
	}
	var rows [][]string
	for _, c := range cases {
		rows = append(rows, []string{c.at, c.sector, c.due})
	}
	rec := cells(t, []string{"t", "sector", "due"}, rows)
	p := fitted(t, lookupPlan, rec)
	m, err := p.Matrix(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		var batch []float64
		for _, col := range m.Columns {
			batch = append(batch, col[i])
		}
		ev, err := p.EventOf(rec, i, "e", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Vector(nil, &ev, p.NewState())
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(batch) != fmt.Sprint(c.want) || fmt.Sprint(v.Values) != fmt.Sprint(c.want) {
			t.Errorf("%v: batch %v, event %v, want %v", rows[i], batch, v.Values, c.want)
		}
	}
}

// TestLookupRows: rows read from a table equal those written in the plan, whatever
// their order and types.
func TestLookupRows(t *testing.T) {
	t.Parallel()
	l := plantext.LookupSpec{Name: "x", File: "x.parquet", Key: "k", From: "f", Value: "v"}
	rec := cells(t, []string{"k", "f", "v"}, [][]string{{"b", "2024-02-01", "2.5"}, {"b", "2024-01-01T06:00:00Z", ""},
		{"a", "2024-03-01T00:00:00Z", "1"}})
	if err := features.ReadLookupRows(&l, rec); err != nil {
		t.Fatal(err)
	}
	one, two := 1.0, 2.5
	want := []plantext.LookupRow{{Key: "a", From: "2024-03-01", Value: &one}, {Key: "b", From: "2024-01-01T06:00:00Z"},
		{Key: "b", From: "2024-02-01", Value: &two}}
	if got, want := asText(l.Rows), asText(want); got != want || l.File != "" || l.Key != "" {
		t.Errorf("rows %s, want %s; %+v", got, want, l)
	}
}

func asText(rows []plantext.LookupRow) string {
	var b strings.Builder
	for _, r := range rows {
		x := "none"
		if r.Value != nil {
			x = fmt.Sprint(*r.Value)
		}
		fmt.Fprintf(&b, "%s %s %s; ", r.Key, r.From, x)
	}
	return b.String()
}

// TestLookupErrors: what is wrong with a lookup is reported with its place.
func TestLookupErrors(t *testing.T) {
	t.Parallel()
	for change, want := range map[[2]string]string{
		{`table: rates, of: sector}`,
			`table: rate, of: sector}`}: `(features[0].table): there is no lookup "rate"; the lookups are rates, base, flat`,
		{`table: rates, of: sector}`, `of: sector}`}: `there is no lookup ""`,
		{`table: rates, of: sector}`,
			`table: rates, of: due}`}: `lookup "rates" wants a text here, and "due" is a time`,
		{`table: rates, of: sector}`,
			`table: rates, of: [sector, due, due]}`}: `lookup "rates" wants 2 inputs, 3 are given`,
		{`table: rates, of: sector}`, `table: rates, of: base}`}: `"base" names no field`,
		{`table: rates, of: sector}`, `table: rates}`}:           `"rate" names no field`,
		{`table: base}`, `table: base, categories: [a]}`}:        `kernel lookup takes no categories`,
		{`table: base}`, `table: base, window: w}`}:              `kernel lookup reads no window`,
		{`table: base}`,
			`table: base, of: sector}`}: `lookup "base" wants a time here, and "sector" is a text`,
		{`kernel: difference, of`, `kernel: difference, table: base, of`}: `kernel difference reads no table`,
		{`name: base
    rows`, `name: rates
    rows`}: `(lookups[1].name): the name is empty, too long or given twice`,
		{`value: 1}`, `value: .inf}`}: `the value is not finite`,
		{`from: 2024-02-01}`,
			`from: 2024-13-01}`}: `(lookups[0].rows[2].from): not a time`,
		{`from: 2024-02-01}`, `from: 2024-01-10}`}:               `two rows of the same key and date`,
		{`{key: "TRUE", from`, `{key: "1", from`}:                `two rows of the same key and date`,
		{`{key: "never", from: 2024-01-01`, `{from: 2024-01-01`}: `the row is not like the first`,
		{`{key: "never", from: 2024-01-01`, `{key: "never"`}:     `the row is not like the first`,
		{`rows: [{key: "2", value: 7}]`, `rows: []`}:             `lookup "flat" has no rows`,
		{`rows: [{key: "2", value: 7}]`, `rows: [{value: 7}]`}:   `has neither keys nor dates`,
		{`rows: [{key: "2", value: 7}]`,
			`file: f.csv`}: `which column of f.csv holds the values?`,
		{`rows: [{key: "2", value: 7}]`, "file: f.csv\n    value: v"}: `has neither keys nor dates`,
		{`rows: [{key: "2", value: 7}]`,
			"key: k\n    rows: [{key: a, value: 1}]"}: `has key, from or value, and no file`,
		{`rows: [{key: "2", value: 7}]`, "file: f.csv\n    rows: [{key: a}]"}: `has a file and rows`,
	} {
		text := strings.Replace(lookupPlan, change[0], change[1], 1)
		if text == lookupPlan {
			t.Fatalf("%q is not in the plan", change[0])
		}
		_, err := features.ParseSpec([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", change[1], err, want)
		}
	}
	unread, err := features.ParseSpec([]byte(strings.Replace(lookupPlan, `rows: [{key: "2", value: 7}]`,
		"file: f.csv\n    key: k\n    value: v", 1)))
	if err != nil {
		t.Fatal(err)
	}
	rec := cells(t, []string{"t", "sector", "due"}, [][]string{{"2024-01-15", "2", ""}})
	if _, _, err := features.Fit(t.Context(), unread, rec, nil); err == nil || !strings.Contains(err.Error(),
		`the rows of lookup "flat" were not read from f.csv`) {
		t.Errorf("a file that was not read: %v", err)
	}
	frozen := fitted(t, lookupPlan, rec).Frozen()
	for _, change := range [][2]string{{`"table": "flat"`, `"table": "flatter"`}, {`"name": "flat",`,
		`"name": "flat",` + "\n        \"file\": \"f\","}} {
		bad := bytes.Replace(frozen, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, frozen) {
			t.Fatalf("%q is not in the frozen plan", change[0])
		}
		if _, err := features.LoadPlan(bad); err == nil {
			t.Errorf("a frozen plan with %s is taken", change[1])
		}
	}
}

// TestReadFieldsAreNamed: the error for an event without any field that the model
// reads names the fields that features and lookups read, and no others.
func TestReadFieldsAreNamed(t *testing.T) {
	t.Parallel()
	text := strings.Replace(lookupPlan, "fields:\n", "fields:\n  - {name: unread}\n", 1)
	p := fitted(t, text, cells(t, []string{"t", "unread", "sector", "due"}, [][]string{{"2024-01-15", "5", "2", ""}}))
	ev := assay.Event{ID: "e", Kind: "application", Time: time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC),
		Fields: []assay.Field{{Name: "unread", Value: assay.NumberValue(1)}}}
	if err := p.Admit(&ev); err == nil || !strings.Contains(err.Error(), "those are sector, due") {
		t.Errorf("it is told %v", err)
	}
}
