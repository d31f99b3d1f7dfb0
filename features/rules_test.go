// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/fieldvalue"
)

const rules = `
version: 1
label: {column: target}
fields:
  - {name: clipped, min: 0, max: 10, outside: clip}
  - {name: cleared, min: 0, max: 10, outside: missing}
  - {name: strict, min: 0, max: 10}
  - {name: word, kind: text}
features:
  - {name: clipped}
  - {name: cleared}
  - {name: gone, kernel: missing, of: cleared}
  - {name: filled, kernel: log1p, of: cleared, fill: -1}
  - {name: strict}
  - {name: woe, kernel: woe, of: word, min_count: 2, folds: 2, smoothing: 1}
  - {name: half, kernel: product, of: [woe, clipped], hidden: true}
  - {name: twice, kernel: sum, of: [half, half]}
`

// TestRules computes features of numbers in and out of range, missing values and
// rare words, offline and online.
func TestRules(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	const table = "clipped,cleared,strict,word,target\n" +
		"5,5,5,a,1\n-1,-1,5,a,0\n11,11,5,a,1\n,,,b,0\n1,1,1,b,0\n2,2,2,rare,1\n3,3,11,b,1\n3,3,3,,\n"
	f, err := datasets.ReadBytes(context.Background(), "t.csv", []byte(table), datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, r, err := features.Fit(context.Background(), s, f.Record, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rejected != 1 || r.Rejections[0].Row != 6 || r.Rejections[0].Column != "strict" || r.Open != 1 || r.Rows != 6 {
		t.Errorf("%d rejected %v, %d open, %d rows", r.Rejected, r.Rejections, r.Open, r.Rows)
	}
	if a, b := r.Fields[0], r.Fields[1]; a.Clipped != 2 || b.Cleared != 2 || a.Missing != 1 || b.Missing != 3 {
		t.Errorf("field reports %+v %+v", a, b)
	}
	_, err = p.Matrix(context.Background(), f.Record)
	var re *fieldvalue.RowError
	if !errors.As(err, &re) || re.Row != 6 || !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("Matrix: %v, want an error of row 6", err)
	}
	if bad, err := p.Check(f.Record, 10); err != nil || len(bad) != 1 || bad[0].Row != 6 {
		t.Errorf("Check: %v, %v", bad, err)
	}
	good := f.Record.NewSlice(0, 6)
	m, err := p.Matrix(context.Background(), good)
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	for c, want := range [][]float64{
		{5, 0, 10, nan, 1, 2}, {5, nan, nan, nan, 1, 2}, {0, 1, 1, 1, 0, 0}, {math.Log(6), -1, -1, -1, math.Log(2),
			math.Log(3)}, {5, 5, 5, nan, 1, 2},
	} {
		for i, w := range want {
			if got := m.Columns[c][i]; got != w && (got == got || w == w) && math.Abs(got-w) > 1e-15 {
				t.Errorf("%s of row %d is %v, want %v", p.Features()[c].Name, i, got, w)
			}
		}
	}
	for row := range m.Rows {
		ev, err := p.EventOf(good, row, fmt.Sprint(row), at)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Validate(&ev); err != nil {
			t.Fatal(err)
		}
		v, err := p.Vector(nil, &ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		for c, x := range v.Values {
			if math.Float64bits(x) != math.Float64bits(m.Columns[c][row]) &&
				(x == x || m.Columns[c][row] == m.Columns[c][row]) {
				t.Errorf("%s of row %d: online %v, offline %v", p.Features()[c].Name, row, x, m.Columns[c][row])
			}
		}
	}
	bad, err := p.EventOf(f.Record, 6, "6", at)
	if err != nil {
		t.Fatal(err)
	}
	var fe *assay.FieldError
	if err := p.Validate(&bad); !errors.As(err, &fe) || fe.Field != "strict" {
		t.Errorf("Validate: %v, want an error of strict", err)
	}
}

// TestOutOfFold compares the out-of-fold weights of evidence with the formula,
// fold by fold, and checks that only training rows change.
func TestOutOfFold(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte("version: 1\nlabel: {column: target}\nfields: [{name: w, kind: text}]\n" +
		"features: [{name: w, kernel: target_mean, min_count: 1, folds: 2, smoothing: 1}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := datasets.ReadBytes(context.Background(), "t.csv", []byte("w,target\na,1\na,0\nb,0\na,1\na,1\nb,0\nb,1\n"),
		datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train := []int{0, 1, 2, 3, 4, 5} // row 6 is not
	p, r, err := features.Fit(context.Background(), s, f.Record, train)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(context.Background(), f.Record)
	if err != nil {
		t.Fatal(err)
	}
	before := m.Columns[0][6]
	if err := r.OutOfFold(m); err != nil {
		t.Fatal(err)
	}
	words, labels := []string{"a", "a", "b", "a", "a", "b"}, []float64{1, 0, 0, 1, 1, 0}
	for i := range train {
		var n, bad, all, allBad float64
		for j := range train {
			if j%2 == i%2 {
				continue
			}
			all, allBad = all+1, allBad+labels[j]
			if words[j] == words[i] {
				n, bad = n+1, bad+labels[j]
			}
		}
		if want := (bad + allBad/all) / (n + 1); n > 0 && math.Abs(m.Columns[0][i]-want) > 1e-15 {
			t.Errorf("row %d: %v, want %v", i, m.Columns[0][i], want)
		}
	}
	if m.Columns[0][6] != before {
		t.Error("a row that was not trained on changed")
	}
}
