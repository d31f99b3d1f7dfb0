// SPDX-License-Identifier: Apache-2.0

package gbdt

import "testing"

// TestMonotone: moving a constrained feature never moves the margin against
// its direction, whatever the other features are; the intermediate method
// costs less fit than the basic one.
func TestMonotone(t *testing.T) {
	d := synthetic(6000, 31)
	loss := map[string]float64{}
	for _, method := range []string{"basic", "intermediate"} {
		for _, smooth := range []float64{0, 10} {
			p := DefaultParams()
			p.NumIterations, p.MonotoneMethod, p.PathSmooth = 25, method, smooth
			// Columns 1 and 3 truly rise; column 0 is made to fall, against the data.
			p.MonotoneConstraints = []int8{-1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
			m := mustTrain(t, d, p, Options{}).Model
			x := make([]float64, len(d.Columns))
			for i := range 300 {
				for j, c := range d.Columns {
					x[j] = c[i]
				}
				for j, direction := range p.MonotoneConstraints {
					if direction == 0 {
						continue
					}
					was, keep := 0.0, x[j]
					for k := range 41 {
						x[j] = -1 + float64(k)/20
						now := m.Margin(x)
						if k > 0 && (now-was)*float64(direction) < -1e-12 {
							t.Fatalf("%s, smoothing %v: column %d, row %d: margin goes from %v to %v", method,
								smooth, j, i, was, now)
						}
						was = now
					}
					x[j] = keep
				}
			}
			metric, err := metricByName("binary_logloss", &p)
			if err != nil {
				t.Fatal(err)
			}
			if smooth == 0 {
				loss[method] = metric.Score(margins(m, d), d.Label, nil)
			}
		}
	}
	if loss["intermediate"] >= loss["basic"] {
		t.Errorf("training loss %v by the intermediate method, %v by the basic one",
			loss["intermediate"], loss["basic"])
	}
}

// TestInteractions: no path holds features that no group holds together.
func TestInteractions(t *testing.T) {
	p := DefaultParams()
	p.NumIterations = 15
	p.InteractionGroups = [][]int{{0, 1, 2}, {2, 3, 9}, {5}}
	m := mustTrain(t, synthetic(5000, 32), p, Options{}).Model
	used := map[int32]bool{}
	for k := range m.Trees {
		tr := &m.Trees[k]
		var walk func(n int32, path map[int32]bool)
		walk = func(n int32, path map[int32]bool) {
			if n < 0 {
				fits := false
				for _, g := range p.InteractionGroups {
					in := 0
					for _, f := range g {
						if path[int32(f)] {
							in++
						}
					}
					fits = fits || in == len(path)
				}
				if !fits {
					t.Fatalf("tree %d has a path of the features %v", k, path)
				}
				return
			}
			next := map[int32]bool{tr.Feature[n]: true}
			for f := range path {
				next[f] = true
			}
			used[tr.Feature[n]] = true
			walk(tr.Left[n], next)
			walk(tr.Right[n], next)
		}
		if tr.Leaves() > 1 {
			walk(0, nil)
		}
	}
	if len(used) < 4 {
		t.Errorf("only the features %v are used", used)
	}
}
