// SPDX-License-Identifier: Apache-2.0

package plancheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
)

func (c checker) features() error {
	s := c.s
	if len(s.Features) == 0 {
		return c.fail("$.features", "declare at least one", "there are no features")
	}
	if len(s.Features) > plantext.MaxFeatures {
		return c.fail("$.features", "", "%d features, at most %d are allowed", len(s.Features), plantext.MaxFeatures)
	}
	seen := make(map[string]bool, len(s.Features))
	visible := 0
	for i := range s.Features {
		f, at := &s.Features[i], fmt.Sprintf("$.features[%d]", i)
		if !plantext.IsName(f.Name) || f.Name == plantext.EventTime {
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

func (c checker) feature(f *plantext.FeatureSpec, at string) error {
	s := c.s
	switch f.Monotone {
	case "", "increasing", "decreasing":
	default:
		return c.fail(at+".monotone", "want increasing or decreasing (of risk, as the feature grows)",
			"%q is not known", f.Monotone)
	}
	if f.Group != "" && !slices.ContainsFunc(s.Groups, func(g plantext.GroupSpec) bool { return g.Name == f.Group }) {
		return c.fail(at+".group", "declare it under groups", "there is no group %q", f.Group)
	}
	if f.Fill != nil && (*f.Fill-*f.Fill != 0) {
		return c.fail(at+".fill", "", "fill wants a finite number")
	}
	name := s.KernelName(f)
	k, ok := kernels.Named(name)
	if !ok {
		return c.fail(at+".kernel", "the kernels are "+strings.Join(kernels.Names(), ", "),
			"kernel %q is not known%s", name,
			nearest.Hint(name, kernels.Names()))
	}
	if f.Monotone != "" && k.Categorical() {
		return c.fail(at+".monotone", "use woe or target_mean", "a category has no order")
	}
	if err := c.zone(f.Zone, at+".zone"); err != nil {
		return err
	}
	if k.Window && f.Table != "" {
		return c.fail(at+".table", "use kernel lookup", "kernel %s reads no table", name)
	}
	if k.Window {
		return c.windowFeature(f, at, &k)
	}
	if f.Window != "" {
		return c.fail(at+".window", "", "kernel %s reads no window", name)
	}
	if len(f.Categories)+len(f.Unknown) > 0 && name != "category" {
		return c.fail(at, "use kernel category", "kernel %s takes no categories", name)
	}
	if k.Lookup {
		return c.lookupFeature(f, at)
	}
	if f.Table != "" {
		return c.fail(at+".table", "use kernel lookup", "kernel %s reads no table", name)
	}
	in := s.Inputs(f)
	if len(in) < k.MinInputs || len(in) > k.MaxInputs {
		return c.fail(at+".of", "", "kernel %s wants %s, %d are given", name, k.Arity(), len(in))
	}
	for j, n := range in {
		if err := c.input(f, &k, n, fmt.Sprintf("%s.of[%d]", at, j)); err != nil {
			return err
		}
	}
	if k.Check != nil {
		if p := k.Check(f); p != "" {
			return c.fail(at, "docs/plan.md shows an example of each kernel", "%s", p)
		}
	}
	return nil
}

// input checks one name in `of`: a field if there is one of that name, else a
// feature.
func (c checker) input(f *plantext.FeatureSpec, k *kernels.Kernel, n, at string) error {
	s := c.s
	if n == plantext.EventTime {
		if !k.Times && !k.AnyKind {
			return c.fail(at, "use days_between or date_part", "kernel %s does not take times", k.Name)
		}
		return nil
	}
	i := s.FieldIndex(n)
	if i < 0 {
		if s.FeatureIndex(n) < 0 || n == f.Name {
			return c.fail(at, "the fields are "+s.FieldList(), "%q names no field and no other feature%s", n,
				nearest.Hint(n, s.InputNames()))
		}
		g := &s.Features[s.FeatureIndex(n)]
		from, _ := kernels.Named(s.KernelName(g))
		if from.Member && k.Texts && (k.Name != "category" || !f.Listed()) {
			return nil // a window's member is a text
		}
		if k.Texts || k.Times {
			return c.fail(at, "", "kernel %s reads fields, and %q is a feature", k.Name, n)
		}
		if from.Categorical() && !k.AnyKind {
			return c.fail(at, "use woe, target_mean or frequency", "%q is a category and no quantity", n)
		}
		return nil
	}
	kind := s.Fields[i].ValueKind()
	if k.Name == "category" && f.Listed() {
		return c.listedCategories(f, n, kind, at)
	}
	if !s.Carries(&s.Fields[i], s.ScoredKind()) {
		return c.fail(at, "read it through a window", "events of kind %q do not carry field %q", s.ScoredKind(), n)
	}
	if k.AnyKind {
		return nil
	}
	want := "a number"
	switch {
	case k.Texts:
		want = "a text"
	case k.Times:
		want = "a time"
	}
	if k.Name == "category" && (kind == assay.Number || kind == assay.Flag) {
		return c.fail(at, "list the values of the codes 0, 1, ... under categories",
			"%q is a %s, whose categories are not learned", n, kind)
	}
	if k.Texts != (kind == assay.Text) || k.Times != (kind == assay.Instant) {
		return c.fail(at, "the kernel for a text is category, for a time days_between",
			"kernel %s wants %s, and %q is a %s", k.Name, want, n, kind)
	}
	return nil
}

// order is FeatureOrder.
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
		for _, n := range s.Inputs(&s.Features[i]) {
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

// zone checks the form of a zone's name; whether there is such a zone is known when
// the plan is fitted.
func (c checker) zone(name, at string) error {
	if name == "Local" || len(name) > 64 || strings.ContainsAny(name, " \\") ||
		strings.HasPrefix(name, "/") || strings.Contains(name, "..") {
		return c.fail(at, "want a name such as Europe/Berlin", "%q names no time zone", plantext.Shorten(name))
	}
	return nil
}

// listedCategories checks the categories that a feature lists for a field of the kind.
func (c checker) listedCategories(f *plantext.FeatureSpec, field string, kind assay.ValueKind, at string) error {
	if kind == assay.Instant {
		return c.fail(at, "use days_between or date_part", "categories are texts, numbers or flags, and %q is a %s",
			field, kind)
	}
	seen, numbers := map[string]bool{}, map[float64]bool{}
	for _, s := range f.Categories {
		if s == "" || len(s) > assay.MaxTextBytes || seen[s] {
			return c.fail(at, "list each value once, and leave out the empty text: it is missing",
				"category %q of %q is empty, too long or listed twice", plantext.Shorten(s), f.Name)
		}
		seen[s] = true
		if kind == assay.Text {
			continue
		}
		x, err := kernels.ReadLevel(kind, s)
		if err != nil {
			return c.fail(at, err.Error(), "%q is a %s, and its category %q is none", field, kind, plantext.Shorten(s))
		}
		if numbers[x] {
			return c.fail(at, "list each value once", "the category %q of %q is listed twice",
				plantext.Shorten(s), f.Name)
		}
		numbers[x] = true
	}
	return nil
}
