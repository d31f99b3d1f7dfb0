// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"strings"
	"testing"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

// TestFlagged checks that numbers beyond a range are kept and counted, and that the
// model gets them.
func TestFlagged(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte(`
version: 1
fields:
  - {name: used, unit: share, outside: flag}
  - {name: orders, unit: count}
features:
  - {name: used}
  - {name: odd, kernel: outside, of: used, bounds: [0, 1]}
  - {name: orders}
`))
	if err != nil {
		t.Fatal(err)
	}
	f, err := datasets.ReadBytes(context.Background(), "t.csv", []byte("used,orders\n0.5,1\n50,2\n,3\n1,-4\n"),
		datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad, err := features.CheckRows(s, f.Record, 10)
	if err != nil || len(bad) != 1 || bad[0].Row != 3 || bad[0].Column != "orders" {
		t.Fatalf("Check: %v, %v; want row 3, a negative count", bad, err)
	}
	p, r, err := features.Fit(context.Background(), s, f.Record, nil)
	if err != nil {
		t.Fatal(err)
	}
	if u := r.Fields[0]; u.Flagged != 1 || u.Missing != 1 || u.Clipped+u.Cleared != 0 ||
		r.Rejected != 1 || len(r.Kept) != 3 {
		t.Errorf("%+v, %d rejected, kept %v", u, r.Rejected, r.Kept)
	}
	m, err := p.Matrix(context.Background(), f.Record.NewSlice(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	if m.Columns[0][1] != 50 || m.Columns[1][0] != 0 || m.Columns[1][1] != 1 || m.Columns[1][2] == m.Columns[1][2] {
		t.Errorf("used %v, odd %v", m.Columns[0], m.Columns[1])
	}
	_, err = features.ParseSpec(
		[]byte("version: 1\nfields: [{name: a, unit: share, max: 100}]\nfeatures: [{name: a}]\n"))
	if err == nil || !strings.Contains(err.Error(), "share") {
		t.Errorf("a share of up to 100: %v", err)
	}
}

// TestCheckEventLog finds bad rows of events that are not scored, too.
func TestCheckEventLog(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte(`
version: 1
kind: kind
time: time
entities: [buyer]
fields:
  - {name: amount, on: [application, invoice], min: 0}
windows: [{name: w, key: [buyer], on: [invoice], value: amount, length: 90d}]
features: [{name: total, kernel: window_sum, window: w}]
`))
	if err != nil {
		t.Fatal(err)
	}
	f, err := datasets.ReadBytes(context.Background(), "t.csv", []byte(
		"kind,time,buyer,amount\ninvoice,2024-01-01,a,5\ninvoice,2024-01-02,a,-5\n"+
			"application,soon,a,1\nother,2024-01-03,a,-1\napplication,2024-01-04,a,-1\n"), datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad, err := features.CheckRows(s, f.Record, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range bad {
		got = append(got, b.Column)
	}
	if len(bad) != 3 || bad[0].Row != 1 || bad[1].Row != 2 || bad[2].Row != 4 || got[1] != "time" {
		t.Errorf("got %v", bad)
	}
}
