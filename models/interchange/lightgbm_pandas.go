// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/models"
)

// LightGBM numbers the category columns of a pandas frame, and writes their
// values at the end of the file, one list a column in the frame's order. Which
// features these columns are it does not write. It is found out: the lists
// belong to different features, in order; each feature that the file calls
// categorical has one; and a list is at least as long as the feature's codes
// need. A list can also be that of an ordered category, which LightGBM treats
// as a number, or of a column that is constant.

// assignDictionaries gives the features that the trees use their lists. Where
// the file allows several ways it is refused: a wrong one would be a wrong score.
func assignDictionaries(m *models.Model, lists []*models.Dictionary) error {
	if len(lists) == 0 {
		return nil
	}
	if len(lists)*len(m.Features) > 1<<22 {
		return fmt.Errorf("%w: %d lists of pandas_categorical for %d features are too many", ErrUnsupported,
			len(lists), len(m.Features))
	}
	named, err := categoricalColumns(m)
	if err != nil {
		return err
	}
	fits := func(list, feature int) bool {
		f := &m.Features[feature]
		n := float64(len(lists[list].Values))
		switch {
		case f.Categorical:
			return len(f.Categories) == 0 || float64(slices.Max(f.Categories)) < n
		case f.Constant || named[feature]:
			return true
		}
		return f.Min >= 0 && f.Max < n && f.Min == math.Trunc(f.Min) && f.Max == math.Trunc(f.Max)
	}
	before := reachable(len(lists), len(m.Features), func(i, f int) bool { return fits(i, f) },
		func(f int) bool { return named[f] })
	after := reachable(len(lists), len(m.Features), func(i, f int) bool {
		return fits(len(lists)-1-i,
			len(m.Features)-1-f)
	},
		func(f int) bool { return named[len(m.Features)-1-f] })
	if !before[len(m.Features)][len(lists)] {
		return fmt.Errorf("%w: the %d lists of pandas_categorical do not fit the %d columns that are categorical: "+
			"train with categorical_feature='auto' and unordered categories", ErrUnsupported, len(lists), len(named))
	}
	used := usedFeatures(m)
	for f := range m.Features {
		// The ways to go on with this feature: without a list, or with list i.
		var ways []int
		for i := range len(lists) + 1 {
			rest := after[len(m.Features)-f-1]
			if !named[f] && before[f][i] && rest[len(lists)-i] {
				ways = append(ways, -1)
			}
			if i < len(lists) && before[f][i] && rest[len(lists)-i-1] && fits(i, f) {
				ways = append(ways, i)
			}
		}
		ways = slices.Compact(slices.Sorted(slices.Values(ways)))
		switch {
		case len(ways) == 1 && ways[0] >= 0:
			m.Features[f].Dictionary = lists[ways[0]]
		case len(ways) > 1 && used[f]:
			return fmt.Errorf("%w: the lists of pandas_categorical can belong to the columns in several ways, and "+
				"%q is one of those that differ: "+
				"train without ordered categories (they are numbers to LightGBM), or on their "+
				"codes", ErrUnsupported, clip(m.Features[f].Name))
		}
	}
	return nil
}

// reachable[f][i] says whether lists 0..i-1 can belong to features before f,
// so that each of these that must have a list has one.
func reachable(lists, features int, fits func(list, feature int) bool, must func(feature int) bool) [][]bool {
	out := make([][]bool, features+1)
	out[0] = make([]bool, lists+1)
	out[0][0] = true
	for f := range features {
		out[f+1] = make([]bool, lists+1)
		for i := range lists + 1 {
			out[f+1][i] = out[f][i] && !must(f) || i > 0 && out[f][i-1] && fits(i-1, f)
		}
	}
	return out
}

// categoricalColumns are the features that the file calls categorical: those of
// its parameters where they are there, and those with lists of codes.
func categoricalColumns(m *models.Model) (map[int]bool, error) {
	out := map[int]bool{}
	for s := range strings.SplitSeq(m.Params["categorical_feature"], ",") {
		if i, err := strconv.Atoi(s); err == nil && i >= 0 && i < len(m.Features) {
			out[i] = true
		}
	}
	for i := range m.Features {
		if m.Features[i].Categorical {
			if len(out) > 0 && !out[i] && m.Params["categorical_feature"] != "" {
				return nil, fmt.Errorf("%w: feature %q has codes, and the parameter categorical_feature does not "+
					"name it", ErrFormat, clip(m.Features[i].Name))
			}
			out[i] = true
		}
	}
	return out, nil
}

func usedFeatures(m *models.Model) []bool {
	used := make([]bool, len(m.Features))
	for i := range m.Trees {
		for _, f := range m.Trees[i].Feature {
			if f >= 0 && int(f) < len(used) { // the model is not validated yet
				used[f] = true
			}
		}
	}
	return used
}
