// SPDX-License-Identifier: Apache-2.0

package eval

import "cmp"

// derive completes what the caller left out and the rest of the input implies:
// a sensitive feature is a group field. It works on the builder's copy of the
// input.
func (b *builder) derive() {
	in := b.in
	if in.Groups == nil {
		for i := range in.Features {
			if f := &in.Features[i]; f.Sensitive {
				in.Groups = append(in.Groups, Bands(f))
			}
		}
	}
}

// Bands turns a feature into a field that splits the rows: a category by its
// levels, a number into at most four bands of nearly equal size. Missing
// values are not known.
func Bands(f *Feature) Category {
	c := Category{Name: f.Name, Code: make([]int32, len(f.Values))}
	if f.Categories != nil {
		c.Levels = f.Categories
		for i, v := range f.Values {
			c.Code[i] = -1
			if v >= 0 && v < float64(len(f.Categories)) {
				c.Code[i] = int32(v)
			}
		}
		return c
	}
	cuts := Cuts(f.Values, 4)
	names := intervalNames(cuts, f.format())
	c.Levels = names[:len(names)-1] // the last is "missing"
	for i, v := range f.Values {
		c.Code[i] = -1
		if v == v {
			c.Code[i] = int32(Bin(cuts, v))
		}
	}
	return c
}

// smallContribution, in log-odds, is not worth a reader's time.
const smallContribution = 0.005

// featureGroups numbers the groups in the order of their first feature; a
// feature without one is a group of its own.
func featureGroups(features []Feature) (names []string, of []int) {
	return gather(features, func(f *Feature) string { return cmp.Or(f.Group, f.Name) })
}

// gather numbers the names that features have, in the order of their first.
func gather(features []Feature, name func(*Feature) string) (names []string, of []int) {
	index := map[string]int{}
	of = make([]int, len(features))
	for j := range features {
		n := name(&features[j])
		k, ok := index[n]
		if !ok {
			k = len(names)
			index[n], names = k, append(names, n)
		}
		of[j] = k
	}
	return names, of
}
