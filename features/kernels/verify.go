// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"errors"
	"slices"
)

var errLearned = errors.New("what was learned does not fit the kernel")

func verifyClip(l *Learned, _ []int) error {
	if l.Low == nil || l.High == nil || !(*l.Low <= *l.High) {
		return errLearned
	}
	return nil
}

// verifyCategory also checks that a listed dictionary equals its list.
func verifyCategory(l *Learned, sizes []int) error {
	if l.Levels != nil {
		sizes = []int{0}
	}
	if l.Categories == nil && l.Other != nil && *l.Other == 0 {
		l.Categories = []string{} // no text was frequent enough for a category: JSON leaves the empty list out
	}
	if l.Categories == nil || l.Spec.Listed() && !slices.Equal(l.Categories, l.Spec.Categories) {
		return errLearned
	}
	return verifyTable(l, sizes)
}

func verifyTable(l *Learned, sizes []int) error {
	if l.Other == nil || len(l.Table) != sizes[0] {
		return errLearned
	}
	return verifyCodes(l)
}

// maxCross bounds the dense table of a cross.
const maxCross = 1 << 22

// verifyCross also writes the pairs into the dense table that applyCross reads.
func verifyCross(l *Learned, sizes []int) error {
	n := len(l.Categories)
	if l.Other == nil || *l.Other != float64(n) || len(l.Pairs) != 2*n || len(l.Counts) != n+1 ||
		sizes[0]*sizes[1] > maxCross {
		return errLearned
	}
	l.crossColumns = sizes[1]
	l.crossCodes = make([]float64, sizes[0]*sizes[1])
	for i := range l.crossCodes {
		l.crossCodes[i] = *l.Other
	}
	for i := range n {
		a, b := int(l.Pairs[2*i]), int(l.Pairs[2*i+1])
		if a < 0 || b < 0 || a >= sizes[0] || b >= sizes[1] {
			return errLearned
		}
		l.crossCodes[a*l.crossColumns+b] = float64(i)
	}
	return nil
}

// verifyCodes checks that a dictionary's codes lie in 0..len(Categories).
func verifyCodes(l *Learned) error {
	if l.Categories == nil {
		return nil
	}
	n := float64(len(l.Categories))
	for _, c := range l.Table {
		if c != float64(int(c)) || c < 0 || c > n {
			return errLearned
		}
	}
	if *l.Other != n || len(l.Counts) != len(l.Categories)+1 {
		return errLearned
	}
	return nil
}
