// SPDX-License-Identifier: Apache-2.0

package screening

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/features"
)

// TestInformationByHand compares the information value and the stability index
// of two bins with the sums written out.
func TestInformationByHand(t *testing.T) {
	t.Parallel()
	// 40 rows: x = 0 has 2 bad of 20, x = 1 has 10 bad of 20.
	var x, y []float64
	for i := range 40 {
		x = append(x, float64(i/20))
		bad := 0.0
		if i%20 < 2+8*(i/20) {
			bad = 1
		}
		y = append(y, bad)
	}
	b := newBinning(x, 20, false)
	got, bins := b.informationValue(x, y)
	b0, g0, b1, g1 := 2.5/12.5, 18.5/28.5, 10.5/12.5, 10.5/28.5
	want := (b0-g0)*math.Log(b0/g0) + (b1-g1)*math.Log(b1/g1)
	if math.Abs(got-want) > 1e-12 || bins != 2 {
		t.Errorf("IV %v in %d bins, want %v in 2", got, bins, want)
	}
	if p := b.stabilityIndex(x, x); math.Abs(p) > 1e-12 {
		t.Errorf("PSI of a sample against itself is %v", p)
	}
	later := []float64{0, 1, 1, 1}
	p0, q0, p1, q1 := 20.5/40.5, 1.5/4.5, 20.5/40.5, 3.5/4.5
	want = (q0-p0)*math.Log(q0/p0) + (q1-p1)*math.Log(q1/p1)
	if got := b.stabilityIndex(x, later); math.Abs(got-want) > 1e-12 {
		t.Errorf("PSI %v, want %v", got, want)
	}
}

// TestSelect plants a good feature, its copy on another scale, noise, and one
// that moves.
func TestSelect(t *testing.T) {
	t.Parallel()
	const n = 4000
	rng := rand.New(rand.NewPCG(1, 9))
	m := &features.Matrix{Rows: n, Columns: make([][]float64, 5)}
	var labels []float64
	for i := range n {
		good := rng.NormFloat64()
		moves := good + 2*rng.NormFloat64()
		if i >= n/2 {
			moves += 3
		}
		y := 0.0
		if rng.Float64() < 1/(1+math.Exp(1-2*good)) {
			y = 1
		}
		cat := float64(rng.IntN(3))
		if y == 1 && rng.IntN(2) == 0 {
			cat = 2
		}
		gap := rng.NormFloat64()
		if i%10 == 0 {
			gap = math.NaN()
		}
		for c, v := range []float64{good, math.Exp(good), gap, moves, cat} {
			m.Columns[c] = append(m.Columns[c], v)
		}
		labels = append(labels, y)
	}
	infos := []features.FeatureInfo{{Name: "good"}, {Name: "copy"}, {Name: "noise"}, {Name: "moves"},
		{Name: "category", Categorical: true}}
	var train, later []int
	for i := range n {
		if i < n/2 {
			train = append(train, i)
		} else {
			later = append(later, i)
		}
	}
	scores, err := Select(infos, m, labels, train, later, Config{MinIV: 0.03})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, false, false, true} {
		if scores[i].Keep != want {
			t.Errorf("%+v, want keep %v", scores[i], want)
		}
	}
	if scores[1].Group != scores[0].Group || !strings.Contains(scores[1].Why, "good") || scores[1].Correlation < 0.999 {
		t.Errorf("the copy: %+v", scores[1])
	}
	if math.Abs(scores[2].Missing-0.1) > 1e-9 {
		t.Errorf("noise is missing in %v, want 0.1", scores[2].Missing)
	}
	var b bytes.Buffer
	if err := Write(&b, scores); err != nil || strings.Count(b.String(), "\n") != 6 {
		t.Errorf("%v\n%s", err, b.String())
	}
	// A metric that only features 0 and 4 help: the others go.
	for i := range scores {
		scores[i].Keep = true
	}
	keep, err := DropByGain(context.Background(), scores, 0.001, func(_ context.Context, keep []int) (float64, error) {
		v := 0.5
		for _, k := range keep {
			if k == 0 || k == 4 {
				v += 0.1
			}
		}
		return v, nil
	})
	if err != nil || !slices.Equal(keep, []int{0, 4}) {
		t.Errorf("kept %v, %v, want 0 and 4", keep, err)
	}
}

// TestStability compares each part's index with that of Select's formula.
func TestStability(t *testing.T) {
	t.Parallel()
	m := &features.Matrix{Rows: 300, Columns: [][]float64{make([]float64, 300)}}
	var train, same, other []int
	for i := range 300 {
		m.Columns[0][i] = float64(i % 100)
		switch i / 100 {
		case 0:
			train = append(train, i)
		case 1:
			same = append(same, i)
		default:
			m.Columns[0][i] += 60
			other = append(other, i)
		}
	}
	psi := Stability([]features.FeatureInfo{{Name: "x"}}, m, train, [][]int{same, other})
	if len(psi) != 1 || len(psi[0]) != 2 || psi[0][0] > 1e-9 || psi[0][1] < 1 {
		t.Errorf("got %v, want about 0 and more than 1", psi)
	}
}
