// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
)

func TestFolds(t *testing.T) {
	d := synthetic(1003, 5)
	groups, times := make([]string, 1003), make([]int64, 1003)
	for i := range groups {
		groups[i] = fmt.Sprint("g", hash(uint64(i))%40)
		times[i] = int64(hash(uint64(i), 2) % 200)
	}
	stratified, err := StratifiedFolds(d.Label, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, f := range stratified {
		pos := 0.0
		for _, r := range f.Test {
			pos += d.Label[r]
		}
		if share, want := pos/float64(len(f.Test)), weightedMean(d.Label, nil); math.Abs(share-want) > 0.01 {
			t.Errorf("a fold has %.3f positive labels, want about %.3f", share, want)
		}
		if len(f.Train)+len(f.Test) != 1003 || !slices.IsSorted(f.Train) || !slices.IsSorted(f.Test) {
			t.Error("a fold is not a division of the rows in order")
		}
		all = append(all, f.Test...)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 1003 {
		t.Error("not every row is tested once")
	}
	grouped, err := GroupedFolds(groups, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range grouped {
		in := map[string]bool{}
		for _, r := range f.Train {
			in[groups[r]] = true
		}
		for _, r := range f.Test {
			if in[groups[r]] {
				t.Fatalf("group %s trains and tests one fold", groups[r])
			}
		}
		if len(f.Test) < 180 || len(f.Test) > 320 {
			t.Errorf("a fold tests %d rows of 1003 in 4", len(f.Test))
		}
	}
	forward, err := ForwardFolds(times, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forward {
		last, first := int64(math.MinInt64), int64(math.MaxInt64)
		for _, r := range f.Train {
			last = max(last, times[r])
		}
		for _, r := range f.Test {
			first = min(first, times[r])
		}
		if last >= first {
			t.Errorf("a fold trains up to time %d and tests from %d", last, first)
		}
	}
	for name, err := range map[string]error{
		"one fold":      second(StratifiedFolds(d.Label, 1, 1)),
		"too many":      second(StratifiedFolds(d.Label, 1004, 1)),
		"few groups":    second(GroupedFolds([]string{"a", "a", "b"}, 3, 1)),
		"one time only": second(ForwardFolds(make([]int64, 100), 3)),
	} {
		if !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestCrossValidate(t *testing.T) {
	d := synthetic(3000, 6)
	p := DefaultParams()
	p.NumIterations, p.EarlyStoppingRound, p.LearningRate, p.Metric = 200, 10, 0.2, []string{"auc", "brier"}
	folds, err := StratifiedFolds(d.Label, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	cv, err := CrossValidate(context.Background(), d, p, folds, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cv.BestIteration == 200 || len(cv.Curve) != cv.BestIteration+10 {
		t.Errorf("best after %d trees, stopped after %d", cv.BestIteration, len(cv.Curve))
	}
	// A fold alone, trained for as many trees, is the same model.
	p.NumIterations, p.EarlyStoppingRound = cv.BestIteration, 0
	test := d.Subset(folds[1].Test)
	alone := mustTrain(t, d.Subset(folds[1].Train), p, Options{})
	if digest(alone.Model) != digest(&cv.Models[1]) {
		t.Error("the model of fold 1 is not the one that training on its rows gives")
	}
	m := margins(alone.Model, test)
	for i, r := range folds[1].Test {
		if cv.OutOfFold[r] != m[i] {
			t.Fatalf("row %d: out-of-fold margin %v, want %v", r, cv.OutOfFold[r], m[i])
		}
	}
	if a := auc(m, test.Label, nil); a != cv.Metrics[0].Folds[1] {
		t.Errorf("the table says AUC %v for fold 1, want %v", cv.Metrics[0].Folds[1], a)
	}
	if table := cv.Table(); strings.Count(table, "\n") != 7 || !strings.Contains(table, "average") &&
		!strings.Contains(table, "auc") {
		t.Errorf("unexpected table:\n%s", table)
	}
}

// TestTuneResumes: a search that was cut short and goes on from its trials
// ends where the whole search ends.
func TestTuneResumes(t *testing.T) {
	d := synthetic(1200, 7)
	p := DefaultParams()
	p.NumIterations, p.EarlyStoppingRound, p.Metric = 15, 3, []string{"auc"}
	folds, err := StratifiedFolds(d.Label, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Tune(context.Background(), d, p, folds, TuneOptions{Trials: 4})
	if err != nil {
		t.Fatal(err)
	}
	fresh := 0
	rest, err := Tune(context.Background(), d, p, folds,
		TuneOptions{Trials: 4, Done: whole.Trials[:3], Each: func(Trial) { fresh++ }})
	if err != nil {
		t.Fatal(err)
	}
	if fresh != 2 || !reflect.DeepEqual(whole, rest) {
		t.Errorf("%d new trials; the resumed search differs: %v and %v", fresh, whole.Best, rest.Best)
	}
	for _, trial := range whole.Trials {
		if trial.Mean > whole.Best.Mean {
			t.Errorf("trial %d is better than the best", trial.Number)
		}
	}
	p.Seed = 1
	if _, err := Tune(context.Background(), d, p, folds, TuneOptions{Trials: 4, Done: whole.Trials}); !errors.Is(err,
		assay.ErrConflict) {
		t.Errorf("trials of another seed: error %v, want ErrConflict", err)
	}
}

func TestRefit(t *testing.T) {
	d, other := synthetic(4000, 8), synthetic(4000, 9)
	p := DefaultParams()
	p.NumIterations = 10
	m := mustTrain(t, d, p, Options{}).Model
	before := digest(m)
	p.RefitDecayRate = 0
	same, err := Refit(context.Background(), m, d, p)
	if err != nil {
		t.Fatal(err)
	}
	for k := range m.Trees {
		for i, v := range same.Trees[k].LeafValue {
			if math.Abs(v-m.Trees[k].LeafValue[i]) > 1e-9 {
				t.Fatalf("tree %d leaf %d: refit on its own rows gives %v, was %v", k, i, v, m.Trees[k].LeafValue[i])
			}
		}
	}
	p.RefitDecayRate = 1
	kept, err := Refit(context.Background(), m, other, p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(margins(kept, d), margins(m, d)) {
		t.Error("a decay rate of 1 changes the model")
	}
	for i := range other.Label { // the bad rate halves
		if hash(uint64(i))%2 == 0 {
			other.Label[i] = 0
		}
	}
	p.RefitDecayRate = 0.5
	moved, err := Refit(context.Background(), m, other, p)
	if err != nil {
		t.Fatal(err)
	}
	logloss, err := metricByName("binary_logloss", &p)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := logloss.Score(margins(moved, other), other.Label, nil), logloss.Score(margins(m, other),
		other.Label, nil); a >= b {
		t.Errorf("refit on new rows leaves their loss at %v, was %v", a, b)
	}
	if digest(m) != before {
		t.Error("refit changed its input")
	}
}
