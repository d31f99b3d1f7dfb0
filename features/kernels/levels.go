// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/assayrisk/assay"
)

// When the plan lists the values of a category, its codes are their places in the list, whatever the training rows
// hold: a model that another program trained may rely on them. Numbers and flags can be listed as well as texts.

// Levels are the listed numbers of a category, or its flags as 0 and 1.
type Levels struct {
	values []float64 // ascending
	codes  []float64 // of each value
}

// ReadLevel reads a listed number or flag.
func ReadLevel(kind assay.ValueKind, s string) (float64, error) {
	if kind == assay.Flag {
		switch s {
		case "false":
			return 0, nil
		case "true":
			return 1, nil
		}
		return 0, fmt.Errorf("want false or true")
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x-x != 0 {
		return 0, fmt.Errorf("want a finite number")
	}
	return x, nil
}

// NewLevels reads the listed categories of a field of numbers or flags. The check of
// the plan has found them valid.
func NewLevels(kind assay.ValueKind, categories []string) *Levels {
	l := &Levels{}
	read := make([]float64, len(categories))
	order := make([]int, len(categories))
	for i, s := range categories {
		read[i], _ = ReadLevel(kind, s)
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(read[a], read[b]) })
	for _, i := range order {
		l.values, l.codes = append(l.values, read[i]), append(l.codes, float64(i))
	}
	return l
}

// applyCategory gives each value its code.
func applyCategory(dst []float64, in [][]float64, l *Learned) {
	if l.Levels == nil {
		applyTable(dst, in, l)
	} else {
		for i, x := range in[0] {
			dst[i] = l.Levels.Code(x, *l.Other)
		}
	}
	if l.Spec.Unknown == "missing" {
		for i, c := range dst {
			if c == *l.Other {
				dst[i] = math.NaN()
			}
		}
	}
}

func (l *Levels) Code(x, other float64) float64 {
	if x != x {
		return x
	}
	if i, ok := slices.BinarySearch(l.values, x); ok {
		return l.codes[i]
	}
	return other
}

// fitListed takes the listed categories as they are, and counts their rows.
func fitListed(f *Fitting) error {
	l := f.Learned
	n := len(f.Spec.Categories)
	other := float64(n)
	l.Categories, l.Other, l.Counts = slices.Clone(f.Spec.Categories), &other, make([]int64, n+1)
	if l.Levels == nil {
		code := make(map[string]float64, n)
		for i, s := range l.Categories {
			code[s] = float64(i)
		}
		l.Table = make([]float64, len(f.Texts[0]))
		for raw, s := range f.Texts[0] {
			c, ok := code[s]
			if !ok {
				c = other
			}
			l.Table[raw] = c
		}
	}
	codes := make([]float64, len(f.In[0]))
	applyCategory(codes, f.In, l)
	var known int64
	for _, c := range codes {
		if c == c && c < other {
			l.Counts[int(c)]++
			known++
		}
	}
	l.Counts[n] = f.filled() - known
	return nil
}
