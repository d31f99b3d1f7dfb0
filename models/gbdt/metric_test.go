// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMetrics compares each metric with its definition over all pairs or all
// cut-offs, with ties and weights.
func TestMetrics(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := DefaultParams()
	for trial := range 60 {
		n := 2 + rng.IntN(80)
		m, y, w := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range m {
			m[i], y[i], w[i] = math.Round(rng.NormFloat64()*3)/2, float64(rng.IntN(2)), float64(1+rng.IntN(3))
		}
		y[0], y[1] = 0, 1
		var weight []float64
		if trial%2 == 0 {
			weight = w
		} else {
			for i := range w {
				w[i] = 1
			}
		}
		var pairs, won, total, logloss, brier float64
		for i := range m {
			for j := range m {
				if y[i] > y[j] {
					pairs += w[i] * w[j]
					if m[i] > m[j] {
						won += w[i] * w[j]
					} else if m[i] == m[j] {
						won += w[i] * w[j] / 2
					}
				}
			}
			q := 1 / (1 + math.Exp(-m[i]))
			total += w[i]
			brier += w[i] * (q - y[i]) * (q - y[i])
			logloss -= w[i] * (y[i]*math.Log(q) + (1-y[i])*math.Log(1-q))
		}
		cuts := slices.Compact(slices.Sorted(slices.Values(m)))
		var distance, precision, before float64
		for k := len(cuts) - 1; k >= 0; k-- {
			var tp, fp, pos, neg float64
			for i := range m {
				if y[i] > 0 {
					pos += w[i]
				} else {
					neg += w[i]
				}
				if m[i] >= cuts[k] {
					if y[i] > 0 {
						tp += w[i]
					} else {
						fp += w[i]
					}
				}
			}
			distance = max(distance, math.Abs(tp/pos-fp/neg))
			precision += (tp/pos - before) * tp / (tp + fp)
			before = tp / pos
		}
		for name, want := range map[string]float64{
			"auc": won / pairs, "gini": 2*won/pairs - 1, "ks": distance, "average_precision": precision,
			"brier": brier / total, "binary_logloss": logloss / total,
		} {
			metric, err := metricByName(name, &p)
			if err != nil {
				t.Fatal(err)
			}
			if got := metric.Score(m, y, weight); math.Abs(got-want) > 1e-9 {
				t.Errorf("trial %d: %s is %v, want %v", trial, name, got, want)
			}
		}
	}
}

// TestObjectives: derivatives are those of the loss that the metric measures,
// by finite differences.
func TestObjectives(t *testing.T) {
	for objective, metric := range map[string]string{"binary": "binary_logloss", "cross_entropy": "cross_entropy",
		"regression": "l2"} {
		p, err := ParseParams(map[string]string{"objective": objective})
		if err != nil {
			t.Fatal(err)
		}
		loss, err := metricByName(metric, &p)
		if err != nil {
			t.Fatal(err)
		}
		scale := 1.0
		if objective == "regression" {
			scale = 0.5 // the objective is half the squared error
		}
		for _, y := range []float64{0, 1} {
			obj := newObjective(&p, []float64{y}, nil)
			for _, s := range []float64{-3, -0.5, 0, 0.2, 2} {
				out := make([]pair, 1)
				obj.gradients([]float64{s}, out, 0, 1)
				at := func(d float64) float64 { return scale * loss.Score([]float64{s + d}, []float64{y}, nil) }
				const h = 1e-4
				g, hess := (at(h)-at(-h))/(2*h), (at(h)-2*at(0)+at(-h))/(h*h)
				if math.Abs(g-float64(out[0].g)) > 1e-5 || math.Abs(hess-float64(out[0].h)) > 1e-4 {
					t.Errorf("%s at %v for label %v: derivatives %v, want %v and %v", objective, s, y, out[0], g, hess)
				}
			}
		}
	}
}

// TestQuantile: the share of labels under the prediction is the level asked for.
func TestQuantile(t *testing.T) {
	d := synthetic(8000, 51)
	for i := range d.Label {
		d.Label[i] = d.Columns[0][i]*3 + float64(hash(uint64(i))%1000)/500
	}
	for _, alpha := range []string{"0.1", "0.5", "0.9"} {
		p, err := ParseParams(map[string]string{"objective": "quantile", "alpha": alpha, "num_iterations": "60"})
		if err != nil {
			t.Fatal(err)
		}
		m := mustTrain(t, d, p, Options{}).Model
		under := 0.0
		for i, v := range margins(m, d) {
			if d.Label[i] <= v {
				under += 1 / float64(d.Rows())
			}
		}
		if math.Abs(under-p.Alpha) > 0.03 {
			t.Errorf("level %s: %.3f of the labels are under the prediction", alpha, under)
		}
	}
}

// TestGOSS: the rows drawn keep the expectation of the sum of gradients.
func TestGOSS(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	gr := newGradients(50000)
	var want float64
	for i := range gr.pairs {
		gr.pairs[i] = pair{float32(rng.NormFloat64() + 0.3), 0.2}
		want += float64(gr.pairs[i].g)
	}
	p := DefaultParams()
	rows := gossRows(&p, gr, 20, nil)
	var got float64
	for _, r := range rows {
		got += float64(gr.pairs[r].g)
	}
	if share := float64(len(rows)) / 50000; math.Abs(share-0.3) > 0.01 || !slices.IsSorted(rows) {
		t.Errorf("%.3f of the rows are drawn, want 0.3, in order", share)
	}
	if math.Abs(got-want) > 0.05*want {
		t.Errorf("the drawn gradients sum to %v, want about %v", got, want)
	}
}
