// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/eval"
)

// TestHNamesItsBeta: the costs that the H-measure averages over are in words, with
// the severity ratio.
func TestHNamesItsBeta(t *testing.T) {
	in := Input{Label: make([]float64, 50), PD: make([]float64, 50)}
	for i := range in.PD {
		in.PD[i] = float64(i) / 50
		if i%5 == 0 {
			in.Label[i] = 1
		}
	}
	_, html, _ := render(t, in)
	for _, want := range []string{"Beta(1.2, 1.8)", "a severity ratio of 0.25"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q for a bad rate of 0.2", want)
		}
	}
}

// TestFieldNoiseIsDrawnAsOftenAsSaid counts how often rows are scored: once for
// each draw and once with the field missing; the draws differ.
func TestFieldNoiseIsDrawnAsOftenAsSaid(t *testing.T) {
	in := full(200, 4)
	b := &builder{in: &in}
	for range in.Features {
		b.measured = append(b.measured, eval.Variable{Spread: 1})
	}
	st := b.sampleForStress(eval.EvenlySpaced(len(in.Label), stressRows))
	calls := 0
	st.score = func(x []float64) float64 {
		calls++
		return in.Score(x)
	}
	table, _ := st.fieldTable("all rows")
	if want := 200 * len(in.Features) * (5 + 1); calls != want {
		t.Errorf("%d rows were scored, want %d", calls, want)
	}
	if want := fmt.Sprintf("the mean of %d draws", 5); !strings.Contains(table.Caption, want) {
		t.Errorf("the caption does not say %q", want)
	}
	if spread := table.Rows[0][2].Number(); !(spread > 0) {
		t.Errorf("the draws of x0 have a spread of %v", spread)
	}
}

// TestSwappedLabelNames: with good and bad exchanged and scores turned, what has no
// side stays: AUC, its interval, KS, the Brier score and the log-loss.
func TestSwappedLabelNames(t *testing.T) {
	in := Input{}
	in.Label, in.PD = labelled(400, 7)
	other := Input{}
	for i := range in.Label {
		other.Label, other.PD = append(other.Label, 1-in.Label[i]), append(other.PD, 1-in.PD[i])
	}
	a, _, _ := render(t, in)
	b, _, _ := render(t, other)
	for _, name := range []string{"auc", "gini", "ks", "brier", "logloss", "calibration_slope", "ece"} {
		x, ok := a.Metric(name)
		y, _ := b.Metric(name)
		if !ok {
			t.Errorf("no metric %s", name)
		}
		if d := float64(x.Value - y.Value); !(d < 1e-9 && d > -1e-9) {
			t.Errorf("%s: %v, and %v with the names exchanged", name, x.Value, y.Value)
		}
	}
	x, _ := a.Metric("auc")
	y, _ := b.Metric("auc")
	if d := float64(x.Low-y.Low) + float64(x.High-y.High); !(d < 1e-9 && d > -1e-9) {
		t.Errorf("the interval of the AUC: %v to %v, and %v to %v", x.Low, x.High, y.Low, y.High)
	}
}
