// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
)

// Fold is one division of the rows into those that train and those that test.
// Both are in ascending order.
type Fold struct{ Train, Test []int }

// maxFolds bounds k.
const maxFolds = 1000

// StratifiedFolds divides rows into k folds that hold each label in equal
// shares. Within a label, rows are dealt out in an order that hashes the seed.
func StratifiedFolds(label []float64, k int, seed int64) ([]Fold, error) {
	if err := checkFolds(k, len(label)); err != nil {
		return nil, err
	}
	order := make([]int, len(label))
	keys := make([]uint64, len(label))
	for i := range order {
		order[i] = i
		keys[i] = hash(uint64(seed), drawFold, uint64(i))
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(label[a], label[b]), cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b))
	})
	of := make([]int, len(label))
	for i, r := range order {
		of[r] = i % k
	}
	return foldsOf(of, k), nil
}

// GroupedFolds divides rows into k folds such that no group (a buyer or a
// customer, for example) is in two. The largest groups are dealt first, each to
// the fold that has the fewest rows so far; a hash of the seed decides ties.
func GroupedFolds(group []string, k int, seed int64) ([]Fold, error) {
	if err := checkFolds(k, len(group)); err != nil {
		return nil, err
	}
	type members struct {
		first, rows int
		key         uint64
	}
	index := map[string]int{}
	var groups []members
	at := make([]int, len(group))
	for i, g := range group {
		j, ok := index[g]
		if !ok {
			j = len(groups)
			index[g] = j
			groups = append(groups, members{first: i, key: hash(uint64(seed), drawFold, uint64(i))})
		}
		groups[j].rows++
		at[i] = j
	}
	if len(groups) < k {
		return nil, fmt.Errorf("%w: %d groups cannot make %d folds", assay.ErrInvalid, len(groups), k)
	}
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := groups[a], groups[b]
		return cmp.Or(cmp.Compare(y.rows, x.rows), cmp.Compare(x.key, y.key), cmp.Compare(x.first, y.first))
	})
	sizes, fold := make([]int, k), make([]int, len(groups))
	for _, g := range order {
		f := 0
		for i, s := range sizes {
			if s < sizes[f] {
				f = i
			}
		}
		fold[g] = f
		sizes[f] += groups[g].rows
	}
	of := make([]int, len(group))
	for i, g := range at {
		of[i] = fold[g]
	}
	return foldsOf(of, k), nil
}

// ForwardFolds divides rows by time into k+1 periods of equal size: fold i trains
// on periods 0 to i and tests on period i+1, so that no fold learns from its
// future. Rows of the same time are in the same period.
func ForwardFolds(time []int64, k int) ([]Fold, error) {
	if err := checkFolds(k+1, len(time)); err != nil {
		return nil, err
	}
	order := make([]int, len(time))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(time[a], time[b]), cmp.Compare(a, b)) })
	cut := []int{0}
	for i := 1; i <= k; i++ {
		c := i * len(order) / (k + 1)
		for c < len(order) && c > 0 && time[order[c]] == time[order[c-1]] {
			c++
		}
		cut = append(cut, c)
	}
	cut = append(cut, len(order))
	folds := make([]Fold, k)
	for i := range folds {
		if cut[i+1] == cut[i+2] || cut[i+1] == 0 {
			return nil, fmt.Errorf("%w: too few distinct times for %d folds forward in time", assay.ErrInvalid, k)
		}
		folds[i] = Fold{slices.Sorted(slices.Values(order[:cut[i+1]])),
			slices.Sorted(slices.Values(order[cut[i+1]:cut[i+2]]))}
	}
	return folds, nil
}

func checkFolds(k, rows int) error {
	if k < 2 || k > maxFolds || k > rows {
		return fmt.Errorf("%w: %d folds of %d rows; want 2 to %d, and no more than rows",
			assay.ErrInvalid, k, rows, maxFolds)
	}
	return nil
}

func foldsOf(of []int, k int) []Fold {
	folds := make([]Fold, k)
	for i, f := range of {
		for j := range folds {
			if j == f {
				folds[j].Test = append(folds[j].Test, i)
			} else {
				folds[j].Train = append(folds[j].Train, i)
			}
		}
	}
	return folds
}
