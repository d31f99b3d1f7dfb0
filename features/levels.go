// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/assayrisk/assay"
)

// A category whose values the plan lists has the codes of that list, whatever
// the training rows hold: a model that another program trained fixed them.
// Numbers and flags can be listed as well as texts.

func (f *FeatureSpec) listed() bool { return len(f.Categories) > 0 }

// levels are the listed numbers of a category, or its flags as 0 and 1.
type levels struct {
	values []float64 // ascending
	codes  []float64 // of each value
}

// levelOf reads a listed number or flag.
func levelOf(kind assay.ValueKind, s string) (float64, error) {
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

// listed checks the list of a category over a field of some kind.
func (c checker) listed(f *FeatureSpec, field string, kind assay.ValueKind, at string) error {
	if kind == assay.Instant {
		return c.fail(at, "use days_between or date_part", "categories are texts, numbers or flags, and %q is a %s",
			field, kind)
	}
	seen, numbers := map[string]bool{}, map[float64]bool{}
	for _, s := range f.Categories {
		if s == "" || len(s) > assay.MaxTextBytes || seen[s] {
			return c.fail(at, "list each value once, and leave out the empty text: it is missing",
				"category %q of %q is empty, too long or listed twice", clip(s), f.Name)
		}
		seen[s] = true
		if kind == assay.Text {
			continue
		}
		x, err := levelOf(kind, s)
		if err != nil {
			return c.fail(at, err.Error(), "%q is a %s, and its category %q is none", field, kind, clip(s))
		}
		if numbers[x] {
			return c.fail(at, "list each value once", "the category %q of %q is listed twice", clip(s), f.Name)
		}
		numbers[x] = true
	}
	return nil
}

// clip shortens a text for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return s
}

// bindLevels gives a category over a number or a flag its levels.
func (p *Plan) bindLevels(st *step) {
	if st.kernel.name != "category" || len(st.in) != 1 || st.in[0] >= len(p.fields) ||
		p.fields[st.in[0]].kind == assay.Text {
		return
	}
	l := &levels{}
	names := st.learned.spec.Categories
	order := make([]int, 0, len(names))
	values := make([]float64, len(names))
	for i, s := range names {
		values[i], _ = levelOf(p.fields[st.in[0]].kind, s) // the spec is checked
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int {
		if values[a] < values[b] {
			return -1
		}
		return 1
	})
	for _, i := range order {
		l.values, l.codes = append(l.values, values[i]), append(l.codes, float64(i))
	}
	st.learned.levels = l
}

// applyCategory gives each value its code.
func applyCategory(dst []float64, in [][]float64, l *learned) {
	if l.levels == nil {
		applyTable(dst, in, l)
	} else {
		for i, x := range in[0] {
			dst[i] = l.levels.code(x, *l.Other)
		}
	}
	if l.spec.Unknown == "missing" {
		for i, c := range dst {
			if c == *l.Other {
				dst[i] = math.NaN()
			}
		}
	}
}

func (l *levels) code(x, other float64) float64 {
	if x != x {
		return x
	}
	if i, ok := slices.BinarySearch(l.values, x); ok {
		return l.codes[i]
	}
	return other
}

// fitListed takes the listed categories as they stand, and counts their rows.
func fitListed(f *fitting) error {
	l := f.learned
	n := len(f.spec.Categories)
	other := float64(n)
	l.Categories, l.Other, l.Counts = slices.Clone(f.spec.Categories), &other, make([]int64, n+1)
	if l.levels == nil {
		code := make(map[string]float64, n)
		for i, s := range l.Categories {
			code[s] = float64(i)
		}
		l.Table = make([]float64, len(f.texts[0]))
		for raw, s := range f.texts[0] {
			c, ok := code[s]
			if !ok {
				c = other
			}
			l.Table[raw] = c
		}
	}
	codes := make([]float64, len(f.in[0]))
	applyCategory(codes, f.in, l)
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
