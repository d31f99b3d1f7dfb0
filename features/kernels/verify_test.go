// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"testing"

	"github.com/assayrisk/assay/features/plantext"
)

// learned returns what the kernels of TestVerifyRefuses could have learned: two categories of three texts.
func learned(kernel string) (l *Learned, sizes []int) {
	l = &Learned{Spec: &plantext.FeatureSpec{}}
	switch kernel {
	case "clip":
		l.Low, l.High = pointer(1), pointer(2)
		return l, nil
	case "frequency", "woe", "target_mean":
		l.Table, l.Other = []float64{0.5, -0.25, 0.125}, pointer(0)
		return l, []int{3}
	case "cross":
		l.Categories, l.Counts, l.Other = []string{"a & u", "c & v"}, []int64{5, 4, 1}, pointer(2)
		l.Pairs = []int32{0, 0, 2, 1}
		return l, []int{3, 2}
	case "mode", "latest_text", "earliest_text":
		l.Categories, l.Counts = []string{"a", "b"}, []int64{5, 4, 1}
		return l, nil
	}
	l.Categories, l.Counts, l.Table, l.Other = []string{"a", "c"}, []int64{5, 4, 1}, []float64{0, 2, 1}, pointer(2)
	return l, []int{3}
}

// TestVerifyRefuses damages what each kernel learned, in one place at a time.
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	damages := map[string]map[string]func(l *Learned){
		"clip": {
			"no low":         func(l *Learned) { l.Low = nil },
			"no high":        func(l *Learned) { l.High = nil },
			"low above high": func(l *Learned) { l.Low = pointer(3) },
			"not a number":   func(l *Learned) { l.High = pointer(nan) },
		},
		"category": {
			"no categories":          func(l *Learned) { l.Categories = nil },
			"a category too many":    func(l *Learned) { l.Categories = append(l.Categories, "d") },
			"no other":               func(l *Learned) { l.Other = nil },
			"other is a category":    func(l *Learned) { l.Other = pointer(1) },
			"a short table":          func(l *Learned) { l.Table = l.Table[:2] },
			"a long table":           func(l *Learned) { l.Table = append(l.Table, 0) },
			"a code beyond other":    func(l *Learned) { l.Table[0] = 3 },
			"a negative code":        func(l *Learned) { l.Table[0] = -1 },
			"a code with a fraction": func(l *Learned) { l.Table[0] = 0.5 },
			"a code not a number":    func(l *Learned) { l.Table[0] = nan },
			"a count too few":        func(l *Learned) { l.Counts = l.Counts[:2] },
			"another list":           func(l *Learned) { l.Spec.Categories = []string{"a", "b"} },
		},
		"cross": {
			"no other":            func(l *Learned) { l.Other = nil },
			"other is a category": func(l *Learned) { l.Other = pointer(1) },
			"half a pair":         func(l *Learned) { l.Pairs = l.Pairs[:3] },
			"a count too many":    func(l *Learned) { l.Counts = append(l.Counts, 1) },
			"a negative first":    func(l *Learned) { l.Pairs[0] = -1 },
			"a negative second":   func(l *Learned) { l.Pairs[1] = -1 },
			"first out of range":  func(l *Learned) { l.Pairs[2] = 3 },
			"second out of range": func(l *Learned) { l.Pairs[3] = 2 },
		},
		"mode": {
			"not sorted":        func(l *Learned) { l.Categories[0] = "z" },
			"twice":             func(l *Learned) { l.Categories[0] = "b" },
			"an empty category": func(l *Learned) { l.Categories[0] = "" },
			"a count too few":   func(l *Learned) { l.Counts = l.Counts[:2] },
			"a table":           func(l *Learned) { l.Table = []float64{0} },
			"other":             func(l *Learned) { l.Other = pointer(2) },
			"pairs":             func(l *Learned) { l.Pairs = []int32{0, 0} },
		},
		"frequency": {
			"no other":      func(l *Learned) { l.Other = nil },
			"a short table": func(l *Learned) { l.Table = l.Table[:2] },
			"no table":      func(l *Learned) { l.Table = nil },
		},
	}
	for copied, from := range map[string]string{"woe": "frequency", "target_mean": "frequency",
		"latest_text": "mode", "earliest_text": "mode"} {
		damages[copied] = damages[from]
	}
	for _, k := range All() {
		if k.Verify == nil {
			continue
		}
		if l, sizes := learned(k.Name); k.Verify(l, sizes) != nil {
			t.Errorf("%s refuses what is whole", k.Name)
		}
		if len(damages[k.Name]) == 0 {
			t.Errorf("no damage to what kernel %s learned is tried", k.Name)
		}
		for name, damage := range damages[k.Name] {
			l, sizes := learned(k.Name)
			damage(l)
			if k.Verify(l, sizes) == nil {
				t.Errorf("%s accepts %s", k.Name, name)
			}
		}
	}
	if l, _ := learned("cross"); verifyCross(l, []int{1 << 12, 1<<10 + 1}) == nil {
		t.Error("cross accepts dictionaries whose pairs take too much memory")
	}
}

// TestVerifyEmptyCategories: JSON leaves an empty list out, and a dictionary without categories is one all the same.
func TestVerifyEmptyCategories(t *testing.T) {
	t.Parallel()
	l := &Learned{Spec: &plantext.FeatureSpec{}, Other: pointer(0), Table: []float64{0}, Counts: []int64{4}}
	if err := verifyCategory(l, []int{1}); err != nil || l.Categories == nil {
		t.Errorf("error %v, categories %v", err, l.Categories)
	}
	l = &Learned{Spec: &plantext.FeatureSpec{}, Other: pointer(0), Table: []float64{1}, Counts: []int64{4}}
	if verifyCategory(l, []int{1}) == nil {
		t.Error("a code that no category has was accepted")
	}
}
