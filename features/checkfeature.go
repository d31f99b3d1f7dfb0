// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
)

func (c checker) features() error {
	s := c.s
	if len(s.Features) == 0 {
		return c.fail("$.features", "declare at least one", "there are no features")
	}
	if len(s.Features) > MaxFeatures {
		return c.fail("$.features", "", "%d features, at most %d are allowed", len(s.Features), MaxFeatures)
	}
	seen := make(map[string]bool, len(s.Features))
	visible := 0
	for i := range s.Features {
		f, at := &s.Features[i], fmt.Sprintf("$.features[%d]", i)
		if !nameOK(f.Name) || f.Name == EventTime {
			return c.fail(at+".name", "", "a feature wants a name of 1 to %d bytes without spaces around it",
				assay.MaxNameBytes)
		}
		if seen[f.Name] {
			return c.fail(at+".name", "give each feature a name of its own", "feature %q is declared twice", f.Name)
		}
		seen[f.Name] = true
		if !f.Hidden {
			visible++
		}
		if err := c.feature(f, at); err != nil {
			return err
		}
	}
	if visible == 0 {
		return c.fail("$.features", "", "every feature is hidden: the vector would be empty")
	}
	_, err := c.order()
	return err
}

func (c checker) feature(f *FeatureSpec, at string) error {
	s := c.s
	switch f.Monotone {
	case "", "increasing", "decreasing":
	default:
		return c.fail(at+".monotone", "want increasing or decreasing (of risk, as the feature grows)",
			"%q is not known", f.Monotone)
	}
	if f.Group != "" && !slices.ContainsFunc(s.Groups, func(g GroupSpec) bool { return g.Name == f.Group }) {
		return c.fail(at+".group", "declare it under groups", "there is no group %q", f.Group)
	}
	if f.Fill != nil && (*f.Fill-*f.Fill != 0) {
		return c.fail(at+".fill", "", "fill wants a finite number")
	}
	name := s.kernelName(f)
	k, ok := kernelOf(name)
	if !ok {
		return c.fail(at+".kernel", "the kernels are "+strings.Join(kernelNames(), ", "),
			"kernel %q is not known%s", name,
			nearest.Hint(name, kernelNames()))
	}
	if f.Monotone != "" && k.categorical() {
		return c.fail(at+".monotone", "use woe or target_mean", "a category has no order")
	}
	if err := c.zone(f.Zone, at+".zone"); err != nil {
		return err
	}
	if k.window && f.Table != "" {
		return c.fail(at+".table", "use kernel lookup", "kernel %s reads no table", name)
	}
	if k.window {
		return c.windowFeature(f, at, &k)
	}
	if f.Window != "" {
		return c.fail(at+".window", "", "kernel %s reads no window", name)
	}
	if len(f.Categories)+len(f.Unknown) > 0 && name != "category" {
		return c.fail(at, "use kernel category", "kernel %s takes no categories", name)
	}
	if k.lookup {
		return c.lookupFeature(f, at)
	}
	if f.Table != "" {
		return c.fail(at+".table", "use kernel lookup", "kernel %s reads no table", name)
	}
	in := s.inputs(f)
	if len(in) < k.min || len(in) > k.max {
		return c.fail(at+".of", "", "kernel %s wants %s, %d are given", name, arity(&k), len(in))
	}
	for j, n := range in {
		if err := c.input(f, &k, n, fmt.Sprintf("%s.of[%d]", at, j)); err != nil {
			return err
		}
	}
	if k.check != nil {
		if p := k.check(f); p != "" {
			return c.fail(at, "docs/plan.md shows an example of each kernel", "%s", p)
		}
	}
	return nil
}

func arity(k *kernel) string {
	switch {
	case k.min == k.max && k.min == 1:
		return "1 input"
	case k.min == k.max:
		return fmt.Sprintf("%d inputs", k.min)
	}
	return fmt.Sprintf("%d to %d inputs", k.min, k.max)
}

// input checks one name in `of`: a field if there is one, else a feature.
func (c checker) input(f *FeatureSpec, k *kernel, n, at string) error {
	s := c.s
	if n == EventTime {
		if !k.times && !k.any {
			return c.fail(at, "use days_between or date_part", "kernel %s does not take times", k.name)
		}
		return nil
	}
	i := s.fieldOf(n)
	if i < 0 {
		if s.featureOf(n) < 0 || n == f.Name {
			return c.fail(at, "the fields are "+s.fieldNames(), "%q names no field and no other feature%s", n,
				nearest.Hint(n, s.inputNames()))
		}
		g := &s.Features[s.featureOf(n)]
		from, _ := kernelOf(s.kernelName(g))
		if from.member && k.text && (k.name != "category" || !f.listed()) {
			return nil // a window's member is a text
		}
		if k.text || k.times {
			return c.fail(at, "", "kernel %s reads fields, and %q is a feature", k.name, n)
		}
		if from.categorical() && !k.any {
			return c.fail(at, "use woe, target_mean or frequency", "%q is a category and no quantity", n)
		}
		return nil
	}
	kind := s.Fields[i].kind()
	if k.name == "category" && f.listed() {
		return c.listed(f, n, kind, at)
	}
	if !s.carries(&s.Fields[i], s.event()) {
		return c.fail(at, "read it through a window", "events of kind %q do not carry field %q", s.event(), n)
	}
	if k.any {
		return nil
	}
	want := "a number"
	switch {
	case k.text:
		want = "a text"
	case k.times:
		want = "a time"
	}
	if k.name == "category" && (kind == assay.Number || kind == assay.Flag) {
		return c.fail(at, "list the values of the codes 0, 1, ... under categories",
			"%q is a %s, whose categories are not learned", n, kind)
	}
	if k.text != (kind == assay.Text) || k.times != (kind == assay.Instant) {
		return c.fail(at, "the kernel for a text is category, for a time days_between",
			"kernel %s wants %s, and %q is a %s", k.name, want, n, kind)
	}
	return nil
}

func (s *Spec) fieldNames() string {
	var out []string
	for i := range s.Fields {
		if i == 30 {
			return strings.Join(out, ", ") + ", ..."
		}
		out = append(out, s.Fields[i].Name)
	}
	return strings.Join(out, ", ")
}

// inputNames are what a feature may be made of.
func (s *Spec) inputNames() (names []string) {
	for i := range s.Fields {
		names = append(names, s.Fields[i].Name)
	}
	for i := range s.Features {
		names = append(names, s.Features[i].Name)
	}
	return names
}

// order sorts the features so that each comes after those it reads, and keeps
// the plan's order otherwise. A cycle is an error that names its members.
func (c checker) order() ([]int, error) {
	const (
		fresh = iota
		open
		done
	)
	s := c.s
	state := make([]uint8, len(s.Features))
	index := make(map[string]int, len(s.Features))
	fields := make(map[string]bool, len(s.Fields))
	for i := range s.Features {
		index[s.Features[i].Name] = i
	}
	for i := range s.Fields {
		fields[s.Fields[i].Name] = true
	}
	var out, path []int
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case done:
			return nil
		case open:
			var names []string
			for _, j := range path[slices.Index(path, i):] {
				names = append(names, s.Features[j].Name)
			}
			return c.fail(fmt.Sprintf("$.features[%d].of", i), "", "features read each other in a cycle: %s, %s",
				strings.Join(names, ", "), s.Features[i].Name)
		}
		state[i] = open
		path = append(path, i)
		for _, n := range s.inputs(&s.Features[i]) {
			if j, ok := index[n]; ok && !fields[n] {
				if err := visit(j); err != nil {
					return err
				}
			}
		}
		path = path[:len(path)-1]
		state[i] = done
		out = append(out, i)
		return nil
	}
	for i := range s.Features {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}
