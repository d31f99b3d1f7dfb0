// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestParts: inParallel and runAlongside give each number to one call, whatever the
// number of processors, and runAlongside calls first once. Not parallel: it changes
// GOMAXPROCS.
func TestParts(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, processors := range []int{1, 2, 3, 12} {
		runtime.GOMAXPROCS(processors)
		for _, n := range []int{0, 1, 2, 7, 100, 1000} {
			done := make([]atomic.Int32, n)
			inParallel(n, func(from, to int) {
				for i := from; i < to; i++ {
					done[i].Add(1)
				}
			})
			var first atomic.Int32
			runAlongside(func() { first.Add(1) }, n, func() func(from, to int) {
				last := 0
				return func(from, to int) {
					if from < last {
						t.Errorf("a worker got %d after %d", from, last)
					}
					last = to
					for i := from; i < to; i++ {
						done[i].Add(1)
					}
				}
			})
			for i := range done {
				if k := done[i].Load(); k != 2 {
					t.Fatalf("%d processors: number %d of %d was given %d times, want once by each", processors, i, n,
						k)
				}
			}
			if first.Load() != 1 {
				t.Errorf("%d processors: first was called %d times", processors, first.Load())
			}
		}
	}
}

// TestCompileSerial: one processor and many compile the same forms, to the byte.
func TestCompileSerial(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, shape := range map[string]foresttest.Shape{
		"plain": {Trees: 130, Leaves: 31, Features: 20, MixedMissing: true},
		"cats":  {Trees: 70, Leaves: 31, Features: 9, Categories: 60, Categorical: 0.5},
		"large": {Trees: 5, Leaves: 700, Features: 30},
	} {
		m := foresttest.Model(15, shape)
		var forests []*Forest
		for _, processors := range []int{1, 8} {
			runtime.GOMAXPROCS(processors)
			f, err := Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			forests = append(forests, f)
		}
		one, many := forests[0], forests[1]
		for form, pair := range map[string][2]any{
			"encoder": {one.encoder, many.encoder}, "walk": {one.walker, many.walker}, "lanes": {one.lanes, many.lanes},
			"blocks": {one.blocks, many.blocks}, "explanations": {one.explainer, many.explainer},
			"splits": {one.splits, many.splits}, "gains": {one.gains, many.gains},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Errorf("%s: the %s of one processor differ from those of eight", name, form)
			}
		}
	}
}

// TestQuadratureRule: nodes rise within (0, 1) and mirror one another, weights are
// positive and sum to 1, and a rule of n nodes is not exact for degree 2n, so that
// the number of nodes that explanations choose is needed.
func TestQuadratureRule(t *testing.T) {
	t.Parallel()
	for n := 1; n <= maxQuadrature; n++ {
		q := newQuadrature(n)
		sum := 0.0
		for i, x := range q.nodes {
			if !(x > 0 && x < 1) || i > 0 && x <= q.nodes[i-1] || q.rests[i] != 1-x || !(q.weights[i] > 0) {
				t.Fatalf("rule of %d: node %d is %v, its rest %v, its weight %v", n, i, x, q.rests[i], q.weights[i])
			}
			mirror := n - 1 - i
			if math.Abs(x+q.nodes[mirror]-1) > 1e-15 || math.Abs(q.weights[i]-q.weights[mirror]) > 1e-14 {
				t.Fatalf("rule of %d: nodes %d and %d do not mirror one another", n, i, mirror)
			}
			sum += q.weights[i]
		}
		if math.Abs(sum-1) > 1e-14 {
			t.Fatalf("rule of %d: the weights sum to %v", n, sum)
		}
		if n <= 8 {
			integral := 0.0
			for i, x := range q.nodes {
				integral += q.weights[i] * math.Pow(x, float64(2*n))
			}
			if math.Abs(integral-1/float64(2*n+1)) < 1e-11 {
				t.Errorf("rule of %d: t^%d is integrated exactly, too: the rule is longer than it says", n, 2*n)
			}
		}
	}
}

// TestReasonsAgainstSorting compares Append with the slow way: sum each group,
// sort them all with a stable sort, and take the first four above zero.
func TestReasonsAgainstSorting(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(17, 18))
	f, err := Compile(foresttest.Model(1, foresttest.Shape{Trees: 60, Leaves: 31, Features: 12}))
	if err != nil {
		t.Fatal(err)
	}
	for round := range 500 {
		var groups []ReasonGroup
		for j, at := range r.Perm(12) {
			if j < 9 && (len(groups) == 0 || r.IntN(3) > 0) {
				groups = append(groups, ReasonGroup{Code: string(rune('a' + j)), Text: "text"})
			}
			g := &groups[len(groups)-1]
			g.Features = append(g.Features, at)
		}
		reasons, err := NewReasons(f, groups)
		if err != nil {
			t.Fatal(err)
		}
		phi := make([]float64, 13)
		for j := range phi {
			phi[j] = float64(r.IntN(7)-3) / 4 // often equal, so that ties are frequent
		}
		var want []assay.Reason
		for _, g := range groups {
			sum := 0.0
			for _, j := range g.Features {
				sum += phi[j]
			}
			if sum > 0 {
				want = append(want, assay.Reason{Code: g.Code, Text: g.Text, Contribution: sum})
			}
		}
		slices.SortStableFunc(want, func(a, b assay.Reason) int {
			switch {
			case a.Contribution > b.Contribution:
				return -1
			case a.Contribution < b.Contribution:
				return 1
			}
			return 0
		})
		want = want[:min(len(want), MaxReasons)]
		before := []assay.Reason{{Code: "kept"}}
		got := reasons.Append(before, phi)
		if got[0].Code != "kept" || !slices.Equal(got[1:], want) {
			t.Fatalf("round %d: %+v after the one before, want %+v", round, got, want)
		}
	}
}
