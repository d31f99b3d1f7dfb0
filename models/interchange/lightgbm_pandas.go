// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/models"
)

// LightGBM numbers the category columns of a pandas frame, and writes their
// values at the end of the file, one list a column in the frame's order. It does
// not write which features these columns are; assignDictionaries finds out. The
// lists belong to different features, in order; each feature that the file calls
// categorical has one; and a list is at least as long as the feature's codes
// need. A list can also be that of an ordered category, which LightGBM treats
// as a number, or of a column that is constant.

// pandasKey begins the last line of a LightGBM file: for each category column
// of the pandas frame that it was trained on, the values of its codes.
const pandasKey = "pandas_categorical:"

// pandasCategorical reads that line, if there is one.
func (l *lineReader) pandasCategorical() ([]*models.Dictionary, error) {
	for {
		line, ok := l.next()
		if !ok {
			return nil, nil
		}
		text, ok := strings.CutPrefix(line, pandasKey)
		if !ok {
			continue
		}
		var lists [][]any
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		if err := d.Decode(&lists); err != nil {
			return nil, fmt.Errorf("%w: %s is not a list of lists", ErrFormat, strings.TrimSuffix(pandasKey, ":"))
		}
		out := make([]*models.Dictionary, len(lists))
		for i, values := range lists {
			var err error
			if out[i], err = dictionaryOf(values); err != nil {
				return nil, fmt.Errorf("list %d of %s: %w", i+1, strings.TrimSuffix(pandasKey, ":"), err)
			}
		}
		return out, nil
	}
}

// dictionaryOf makes a dictionary of JSON values, all of one kind.
func dictionaryOf(values []any) (*models.Dictionary, error) {
	d := &models.Dictionary{}
	for _, v := range values {
		kind, text := models.DictionaryTexts, ""
		switch v := v.(type) {
		case string:
			text = v
		case bool:
			kind, text = models.DictionaryFlags, strconv.FormatBool(v)
		case json.Number:
			x, err := v.Float64()
			if err != nil {
				return nil, fmt.Errorf("%w: a category is not a number", ErrFormat)
			}
			if kind, text = models.DictionaryNumbers, numberName(x); math.Abs(x) >= 1<<53 {
				return nil, fmt.Errorf("%w: a category is a number of 2^53 or more, which is not told from its "+
					"neighbour: train on its text", ErrUnsupported)
			}
		default:
			return nil, fmt.Errorf("%w: a category is neither a text, a number nor a boolean: train on its text",
				ErrUnsupported)
		}
		if d.Kind != "" && d.Kind != kind {
			return nil, fmt.Errorf("%w: categories of several kinds (%s and %s) in one column: train on their texts",
				ErrUnsupported, d.Kind, kind)
		}
		d.Kind, d.Values = kind, append(d.Values, text)
	}
	return d, checkDictionary(d)
}

// assignDictionaries gives the features their lists. Where several ways are
// possible, and they differ in a feature that the trees use, the file is refused:
// a wrong list would be a wrong score.
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
	before := reachable(len(lists), len(m.Features), fits, func(f int) bool { return named[f] })
	after := reachable(len(lists), len(m.Features),
		func(i, f int) bool { return fits(len(lists)-1-i, len(m.Features)-1-f) },
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
				"%q is one of those that differ: train without ordered categories (they are numbers to LightGBM), "+
				"or on their codes", ErrUnsupported, clip(m.Features[f].Name))
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
