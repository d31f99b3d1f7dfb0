// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

func TestBadInputNamesTheRow(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   Input
		want string
	}{
		{"none", Input{}, "no rows"},
		{"label", Input{Label: []float64{0, 2}, PD: []float64{0.1, 0.2}}, "row 1"},
		{"length", Input{Label: []float64{0, 1}, PD: []float64{0.1}}, "2 labels and 1 probabilities"},
		{"pd", Input{Label: []float64{0, 1}, PD: []float64{0.1, 1.2}}, "row 1"},
		{"nan", Input{Label: []float64{0, 1}, PD: []float64{math.NaN(), 0.2}}, "row 0"},
		{"usage", Input{Label: []float64{0, 1}, PD: []float64{0.1, 0.2}, Usage: make([]Usage, 1)},
			"Usage has 1 values for 0 features"},
		{"margin", Input{Label: []float64{0, 1}, PD: []float64{0.1, 0.2}, Margin: []float64{1, math.NaN()}},
			"Margin of row 1"},
	} {
		_, err := Build(context.Background(), tc.in)
		if !errors.Is(err, eval.ErrInput) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one that matches ErrInput and says %q", tc.name, err, tc.want)
		}
	}
}

func render(t *testing.T, in Input) (*document.Report, string, string) {
	t.Helper()
	r, err := Build(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var h, j bytes.Buffer
	if err := r.WriteHTML(&h); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&j); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(j.Bytes()) {
		t.Fatal("report.json is not JSON")
	}
	if at := regexp.MustCompile(`NaN|[+-]Inf|Infinity|%!`).FindStringIndex(j.String()); at != nil {
		t.Errorf("report.json holds ...%s...", j.String()[max(0, at[0]-80):min(j.Len(), at[1]+40)])
	}
	for _, at := range regexp.MustCompile(`NaN|[+−-]Inf|\bInf\b|<no value>|%!`).FindAllStringIndex(h.String(), -1) {
		t.Errorf("report.html shows %q: ...%s...", h.String()[at[0]:at[1]],
			h.String()[max(0, at[0]-80):min(h.Len(), at[1]+40)])
	}
	return r, h.String(), j.String()
}

func TestReportNeverShowsNaN(t *testing.T) {
	label, pd := labelled(400, 3)
	same := make([]float64, 400)
	for i := range same {
		same[i] = 0.25
	}
	for _, tc := range []struct {
		name string
		in   Input
	}{
		{"plain", Input{Label: label, PD: pd}},
		{"equal scores", Input{Label: label, PD: same}},
		{"one class", Input{Label: make([]float64, 400), PD: pd}},
		{"one row", Input{Label: []float64{1}, PD: []float64{0.5}}},
		{"two rows", Input{Label: []float64{1, 0}, PD: []float64{1, 0}}},
		{"certain", Input{Label: label, PD: label}},
	} {
		t.Run(tc.name, func(t *testing.T) { render(t, tc.in) })
	}
}

func TestReportIsTheSameTwice(t *testing.T) {
	label, pd := labelled(500, 9)
	_, h1, j1 := render(t, Input{Label: label, PD: pd, Seed: 5})
	_, h2, j2 := render(t, Input{Label: label, PD: pd, Seed: 5})
	if h1 != h2 || j1 != j2 {
		t.Error("two reports of one input differ")
	}
}

// labelled returns n rows whose PDs are right by construction.
func labelled(n int, seed uint64) (label, pd []float64) {
	r := eval.Random(seed)
	label, pd = make([]float64, n), make([]float64, n)
	for i := range pd {
		pd[i] = 1 / (1 + math.Exp(-(-1.5 + 1.3*r.Normal())))
		if r.Unit() < pd[i] {
			label[i] = 1
		}
	}
	return label, pd
}
