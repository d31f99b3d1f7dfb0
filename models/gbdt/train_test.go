// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/assayrisk/assay/models"
)

// synthetic draws a table with dense, sparse, missing and categorical columns
// and labels that depend on them. truth is the margin that labels were drawn
// from.
func synthetic(n int, seed uint64) *Dataset { d, _ := syntheticTruth(n, seed); return d }

func syntheticTruth(n int, seed uint64) (d *Dataset, truth []float64) {
	const f = 12
	d = &Dataset{Columns: make([][]float64, f), Categorical: make([]bool, f), Label: make([]float64, n)}
	for j := range d.Columns {
		d.Columns[j] = make([]float64, n)
	}
	d.Categorical[9], d.Categorical[10] = true, true
	for i := range n {
		u := func(j int) float64 { return unit(hash(seed, uint64(i), uint64(j))) }
		z := 0.0
		for j := range f {
			v := u(j)*2 - 1
			switch {
			case j == 5 && u(100) < 0.2:
				v = math.NaN()
				z += 0.7
			case j == 6 && u(101) < 0.8:
				v = 0
			case j == 9:
				v = float64(int(u(j) * u(j) * 40))
				z += exp(-v/7) - 0.3
			case j == 10:
				v = float64(int(u(j) * 4))
			case j == 11:
				v = 7 // constant
			case j < 4:
				z += v * float64(j+1) / 2
			}
			d.Columns[j][i] = v
		}
		z += float64(d.Columns[0][i]*d.Columns[1][i]) * 2
		if u(200) < 1/(1+exp(-z)) {
			d.Label[i] = 1
		}
		truth = append(truth, z)
	}
	return d, truth
}

func digest(m *models.Model) string {
	h := sha256.New()
	put := func(v any) {
		if err := binary.Write(h, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	put(m.Init)
	for i := range m.Trees {
		t := &m.Trees[i]
		for _, v := range []any{t.Feature, t.Threshold, t.Decision, t.Left, t.Right, t.Gain, t.NodeValue, t.NodeHess, t.NodeCount, t.CatBoundaries, t.CatBits, t.LeafValue, t.LeafHess, t.LeafCount} {
			put(v)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func mustTrain(t testing.TB, d *Dataset, p Params, opt Options) *Result {
	t.Helper()
	r, err := Train(context.Background(), d, p, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func margins(m *models.Model, d *Dataset) []float64 {
	out := make([]float64, d.Rows())
	x := make([]float64, len(d.Columns))
	for i := range out {
		for j, c := range d.Columns {
			x[j] = c[i]
		}
		out[i] = m.Margin(x)
	}
	return out
}

func TestLearns(t *testing.T) {
	p := DefaultParams()
	p.NumIterations = 50
	test, truth := syntheticTruth(10000, 2)
	r := mustTrain(t, synthetic(20000, 1), p, Options{})
	got, most := auc(margins(r.Model, test), test.Label, nil), auc(truth, test.Label, nil)
	if got < most-0.015 {
		t.Errorf("AUC %.4f on held-out rows, want at most 0.015 under the truth's %.4f", got, most)
	}
}

// TestScoresAreMargins: what validation metrics are computed from is, bit for
// bit, what the finished model says about the raw rows.
func TestScoresAreMargins(t *testing.T) {
	p := DefaultParams()
	p.NumIterations = 20
	train, test := synthetic(5000, 1), synthetic(3000, 2)
	var seen []float64
	custom := Metric{Name: "custom", Score: func(m, _, _ []float64) float64 { seen = append(seen[:0], m...); return 0 }}
	r := mustTrain(t, train, p, Options{Valid: test, Metrics: []Metric{custom}})
	for i, m := range margins(r.Model, test) {
		if m != seen[i] {
			t.Fatalf("row %d: the model says %v, training saw %v", i, m, seen[i])
		}
	}
}

func TestThreadsDoNotMatter(t *testing.T) {
	for name, set := range map[string]func(*Params){
		"plain":    func(*Params) {},
		"bagging":  func(p *Params) { p.BaggingFreq, p.BaggingFraction, p.FeatureFraction = 1, 0.7, 0.6 },
		"goss":     func(p *Params) { p.GOSS = true },
		"monotone": func(p *Params) { p.MonotoneConstraints = []int8{1, 0, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0} },
	} {
		t.Run(name, func(t *testing.T) {
			d := synthetic(30000, 3)
			want := ""
			for _, threads := range []int{1, 2, 3, 8} {
				p := DefaultParams()
				p.NumIterations, p.NumThreads = 15, threads
				set(&p)
				got := digest(mustTrain(t, d, p, Options{}).Model)
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%d threads give another model than 1", threads)
				}
			}
		})
	}
}

// readCSV reads a data set of the shared directory; other columns than numbers
// become category codes.
func readCSV(t testing.TB, name string) *Dataset {
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", name))
	if err != nil {
		t.Skip("the shared data directory is not here")
	}
	defer f.Close()
	rec, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	n, k := len(rec)-1, len(rec[0])-1
	d := &Dataset{Names: rec[0][:k], Columns: make([][]float64, k), Categorical: make([]bool, k), Label: make([]float64, n)}
	for j := range k + 1 {
		col := make([]float64, n)
		codes := map[string]float64{}
		for i := range n {
			s := rec[i+1][j]
			if s == "" || s == "NA" {
				col[i] = math.NaN()
				continue
			}
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				c, ok := codes[s]
				if !ok {
					c = float64(len(codes))
					codes[s] = c
				}
				v = c
			}
			col[i] = v
		}
		if j == k {
			d.Label = col
		} else {
			d.Columns[j], d.Categorical[j] = col, len(codes) > 0
		}
	}
	return d
}

func TestCreditData(t *testing.T) {
	d := readCSV(t, "credit_data.csv")
	var train, test []int
	seen := [2]int{}
	for i, y := range d.Label {
		if seen[int(y)]%5 == 0 {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
		seen[int(y)]++
	}
	p := DefaultParams()
	p.LearningRate = 0.05
	held := d.Subset(test)
	r := mustTrain(t, d.Subset(train), p, Options{})
	a := auc(margins(r.Model, held), held.Label, nil)
	t.Logf("AUC %.4f", a)
	if a < 0.82 {
		t.Errorf("AUC %.4f on the first fold, want 0.82 or more", a)
	}
}
