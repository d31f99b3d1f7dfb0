// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"fmt"
	"slices"
)

// derive completes what the caller left out and the rest of the input implies:
// a sensitive feature is a group field, and the groups of features that raise
// a row's score are its reasons. It works on the builder's copy of the input.
func (b *builder) derive() {
	in := b.in
	if in.Groups == nil {
		for i := range in.Features {
			if f := &in.Features[i]; f.Sensitive {
				in.Groups = append(in.Groups, Bands(f))
			}
		}
	}
	if in.Reasons == nil && in.Contributions != nil && len(in.Features) > 0 {
		in.Reasons = reasonsFromGroups(in)
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
	names := intervalNames(cuts)
	c.Levels = names[:len(names)-1] // the last is "missing"
	for i, v := range f.Values {
		c.Code[i] = -1
		if v == v {
			c.Code[i] = int32(Bin(cuts, v))
		}
	}
	return c
}

// reasonsFromGroups gives up to four reasons, as the server does: features that
// share a code are one reason, and those whose contributions raise the score
// are given, the strongest first.
func reasonsFromGroups(in *Input) func(row int) []Reason {
	codes, of := gather(in.Features, func(f *Feature) string { return cmp.Or(f.Code, f.Group, f.Name) })
	texts := make([]string, len(codes))
	for j := range in.Features {
		if k := of[j]; texts[k] == "" {
			texts[k] = cmp.Or(in.Features[j].Reason, fmt.Sprintf("%s raised the risk", codes[k]))
		}
	}
	phi, sum, order := make([]float64, len(in.Features)+1), make([]float64, len(codes)), make([]int, len(codes))
	return func(row int) []Reason {
		in.Contributions(phi, row)
		clear(sum)
		for j, k := range of {
			sum[k] += phi[j]
		}
		for k := range order {
			order[k] = k
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(sum[j], sum[i]) })
		var out []Reason
		for _, k := range order[:min(4, len(order))] {
			if sum[k] > 0 {
				out = append(out, Reason{codes[k], texts[k]})
			}
		}
		return out
	}
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
