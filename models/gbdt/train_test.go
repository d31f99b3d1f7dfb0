// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
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
		for _, v := range []any{t.Feature, t.Threshold, t.Decision, t.Left, t.Right, t.Gain, t.NodeValue, t.NodeHess,
			t.NodeCount, t.CatBoundaries, t.CatBits, t.LeafValue, t.LeafHess, t.LeafCount} {
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
	counts := []int{1, 2, 3, 8}
	if testing.Short() {
		counts = []int{1, 3}
	}
	for name, set := range map[string]func(*Params){
		"plain":    func(*Params) {},
		"bagging":  func(p *Params) { p.BaggingFreq, p.BaggingFraction, p.FeatureFraction = 1, 0.7, 0.6 },
		"goss":     func(p *Params) { p.GOSS = true },
		"monotone": func(p *Params) { p.MonotoneConstraints = []int8{1, 0, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0} },
	} {
		t.Run(name, func(t *testing.T) {
			d := synthetic(30000, 3)
			want := ""
			for _, threads := range counts {
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

// creditData reads the loans that the repository carries. Other columns than
// numbers become category codes, in the order of their first appearance.
func creditData(t testing.TB) *Dataset {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "datasets", "embedded", "credit_data.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names, rows := rec[0][1:], rec[1:] // the first column is the label
	d := &Dataset{Names: names, Columns: make([][]float64, len(names)), Categorical: make([]bool, len(names)),
		Label: make([]float64, len(rows))}
	for i, r := range rows {
		if r[0] == "bad" {
			d.Label[i] = 1
		}
	}
	for j := range names {
		d.Columns[j] = make([]float64, len(rows))
		codes := map[string]float64{}
		for i, r := range rows {
			s := r[j+1]
			x, err := strconv.ParseFloat(s, 64)
			if s == "" || s == "NA" {
				x = math.NaN()
			} else if err != nil {
				if _, ok := codes[s]; !ok {
					codes[s] = float64(len(codes))
				}
				x = codes[s]
			}
			d.Columns[j][i] = x
		}
		d.Categorical[j] = len(codes) > 0
	}
	return d
}

func TestCreditData(t *testing.T) {
	d := creditData(t)
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

// TestContinue: ten trees and ten more are the same twenty trees.
func TestContinue(t *testing.T) {
	for name, set := range map[string]func(*Params){
		"plain":   func(*Params) {},
		"sampled": func(p *Params) { p.BaggingFreq, p.BaggingFraction, p.FeatureFraction = 3, 0.6, 0.5 },
	} {
		d := synthetic(3000, 4)
		p := DefaultParams()
		set(&p)
		p.NumIterations = 20
		whole := mustTrain(t, d, p, Options{})
		p.NumIterations = 10
		half := mustTrain(t, d, p, Options{})
		before := digest(half.Model)
		both := mustTrain(t, d, p, Options{Init: half.Model, Valid: synthetic(500, 5)})
		if digest(both.Model) != digest(whole.Model) {
			t.Errorf("%s: 10 and 10 trees differ from 20", name)
		}
		if both.BestIteration != 10 || digest(half.Model) != before {
			t.Errorf("%s: %d new trees, or the initial model was changed", name, both.BestIteration)
		}
	}
}

func TestEarlyStopping(t *testing.T) {
	train, valid := synthetic(2000, 1), synthetic(2000, 2)
	p := DefaultParams()
	p.LearningRate, p.NumIterations, p.EarlyStoppingRound, p.Metric = 0.3, 300, 5, []string{"auc"}
	r := mustTrain(t, train, p, Options{Valid: valid})
	best := r.History[0]
	for _, e := range r.History {
		if e.Value > best.Value {
			best = e
		}
	}
	if r.BestIteration != best.Iteration || len(r.Model.Trees) != best.Iteration || len(r.History) != best.Iteration+5 {
		t.Errorf("kept %d trees of %d, best was %d", r.BestIteration, len(r.History), best.Iteration)
	}
	if a := auc(margins(r.Model, valid), valid.Label, nil); a != best.Value {
		t.Errorf("the model's AUC is %v, the history says %v", a, best.Value)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := DefaultParams()
	n := 0
	_, err := Train(ctx, synthetic(1000, 1), p, Options{Progress: func(Progress) {
		if n++; n == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || n != 3 {
		t.Errorf("after %d iterations: error %v, want context.Canceled after 3", n, err)
	}
}

// TestBadInput: what cannot be trained on is an error that matches ErrInvalid
// and says what to change.
func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Dataset, *Params)
		want   string
	}{
		"label not 0 or 1": {func(d *Dataset, _ *Params) { d.Label[7] = 2 }, "label of row 7 is neither 0 nor 1"},
		"label missing":    {func(d *Dataset, _ *Params) { d.Label[7] = math.NaN() }, "label of row 7 is missing"},
		"label infinite": {func(d *Dataset, p *Params) {
			p.Objective = models.Regression
			d.Label[3] = math.Inf(1)
		}, "label of row 3 is infinite"},
		"label above 1": {func(d *Dataset, p *Params) {
			p.Objective = models.CrossEntropy
			d.Label[3] = 1.5
		}, "outside 0 to 1"},
		"one class": {func(d *Dataset, _ *Params) { clear(d.Label) }, "needs both classes"},
		"no rows":   {func(d *Dataset, _ *Params) { *d = *d.Subset(nil) }, "no rows"},
		"no columns": {func(d *Dataset, _ *Params) {
			d.Columns, d.Categorical = nil, nil
		}, "no feature columns"},
		"short column": {func(d *Dataset, _ *Params) { d.Columns[2] = d.Columns[2][:5] }, "has 5 rows"},
		"negative weight": {func(d *Dataset, _ *Params) {
			d.Weight = make([]float64, d.Rows())
			d.Weight[1] = -1
		}, "weight of row 1"},
		"zero weights": {func(d *Dataset, _ *Params) {
			d.Weight = make([]float64, d.Rows())
		}, "all weights are zero"},
		"leaves":            {func(_ *Dataset, p *Params) { p.NumLeaves = 1 }, "num_leaves"},
		"bins":              {func(_ *Dataset, p *Params) { p.MaxBin = 300 }, "max_bin"},
		"stop without rows": {func(_ *Dataset, p *Params) { p.EarlyStoppingRound = 5 }, "needs validation data"},
		"metric":            {func(_ *Dataset, p *Params) { p.Metric = []string{"ndcg"} }, `"ndcg" is not one of`},
		"monotone category": {func(_ *Dataset, p *Params) {
			p.MonotoneConstraints = make([]int8, 12)
			p.MonotoneConstraints[9] = 1
		}, "is categorical"},
	} {
		d, p := synthetic(200, 1), DefaultParams()
		c.change(d, &p)
		_, err := Train(context.Background(), d, p, Options{})
		if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want ErrInvalid with %q", name, err, c.want)
		}
	}
}

// TestOddColumns: columns with nothing in them, or too much, have a defined
// result.
func TestOddColumns(t *testing.T) {
	n := 600
	d := &Dataset{Columns: make([][]float64, 6), Label: make([]float64, n), Categorical: []bool{5: true}}
	for j := range d.Columns {
		d.Columns[j] = make([]float64, n)
	}
	for i := range n {
		y := float64(i % 2)
		d.Label[i] = y
		d.Columns[0][i] = math.NaN()                   // all missing
		d.Columns[1][i] = 3                            // constant
		d.Columns[2][i] = math.Inf(int(2*y) - 1)       // infinities
		d.Columns[3][i] = math.Copysign(math.NaN(), 1) // missing or one value
		if y > 0 {
			d.Columns[3][i] = 5
		}
		d.Columns[4][i] = float64(i % 3)          // fewer values than bins
		d.Columns[5][i] = []float64{-4, 3e9}[i%2] // no valid code
	}
	p := DefaultParams()
	p.NumIterations = 5
	for _, keep := range []int{-1, 2, 3} { // all columns, or the infinities alone, or missing against present
		e := *d
		if keep >= 0 {
			e.Columns, e.Categorical = [][]float64{d.Columns[keep]}, nil
		}
		m := mustTrain(t, &e, p, Options{}).Model
		if a := auc(margins(m, &e), e.Label, nil); a != 1 {
			t.Errorf("columns %d: AUC %v of separable rows, want 1", keep, a)
		}
		if keep < 0 && (!m.Features[0].Constant || !m.Features[1].Constant || m.Features[2].Constant ||
			!m.Features[5].Constant) {
			t.Errorf("constant columns are not marked: %+v", m.Features)
		}
	}
	// Nothing to split on: the model is the mean.
	e := *d
	e.Columns, e.Categorical = d.Columns[:2], nil
	m := mustTrain(t, &e, p, Options{}).Model
	if len(m.Trees) != 1 || math.Abs(m.Trees[0].LeafValue[0]) > 1e-12 {
		t.Errorf("a model of constants has the trees %+v", m.Trees)
	}
}
