// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
)

// histGradientBoosting reads a HistGradientBoostingClassifier. Its trees compare
// float64 numbers, send missing values either way, also those of a category, and
// know a category by its place in the encoder's list: the features that the
// trees number are the categorical ones first, then the others.
func histGradientBoosting(m *models.Model, o *pickled, size int) error {
	m.Objective = models.Binary
	switch loss, _ := o.field("loss").(string); loss {
	case "log_loss", "binary_crossentropy", "auto":
	default:
		return fmt.Errorf("%w: the loss %q: want log_loss", ErrUnsupported, clip(loss))
	}
	if n, ok := whole(o.field("n_trees_per_iteration_")); !ok || n != 1 {
		return fmt.Errorf("%w: a classifier of %d trees an iteration, want 1 (two classes)", ErrUnsupported, n)
	}
	var err error
	if m.Classes, err = sklearnClasses(o.field("classes_")); err != nil {
		return err
	}
	var ok bool
	if m.Init, ok = number(o.field("_baseline_prediction")); !ok {
		if m.Init, ok = first(o.field("_baseline_prediction"), 0); !ok {
			return fmt.Errorf("%w: _baseline_prediction is not a number", ErrFormat)
		}
	}
	order, err := histFeatures(m, o)
	if err != nil {
		return err
	}
	iterations, ok := o.field("_predictors").(*pickleList)
	if !ok || len(iterations.items) > models.MaxTrees {
		return fmt.Errorf("%w: _predictors is not a list of at most %d trees", ErrFormat, models.MaxTrees)
	}
	for i, it := range iterations.items {
		list, ok := it.(*pickleList)
		if !ok || len(list.items) != 1 {
			return fmt.Errorf("%w: iteration %d has not one tree", ErrFormat, i)
		}
		p, _ := list.items[0].(*pickled)
		t, err := histTree(p, order, &size)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		for _, f := range t.Feature {
			m.Features[f].Categorical = m.Features[f].Categorical || m.Features[f].Dictionary != nil
		}
		m.Trees = append(m.Trees, t)
	}
	return nil
}

// histFeatures gives the estimator's feature for each number that the trees use,
// and the categorical ones their dictionaries.
func histFeatures(m *models.Model, o *pickled) ([]int, error) {
	n := len(m.Features)
	var categorical, others []int
	if flags, ok := arrayOf(o.field("is_categorical_")); ok {
		if flags.size != 1 || len(flags.data) != n {
			return nil, fmt.Errorf("%w: is_categorical_ is not a flag for each feature", ErrFormat)
		}
		for i, b := range flags.data {
			if b != 0 {
				categorical = append(categorical, i)
			} else {
				others = append(others, i)
			}
		}
	}
	if len(categorical) == 0 {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		return order, nil
	}
	encoder, err := histEncoder(o)
	if err != nil {
		return nil, err
	}
	lists, ok := encoder.field("categories_").(*pickleList)
	if !ok || len(lists.items) != len(categorical) {
		return nil, fmt.Errorf("%w: the encoder has not a list of categories for each of the %d categorical features",
			ErrFormat, len(categorical))
	}
	for i, f := range categorical {
		x := &m.Features[f]
		if x.Dictionary, err = encoderDictionary(lists.items[i]); err != nil {
			return nil, fmt.Errorf("the categories of %q: %w", clip(x.Name), err)
		}
		x.Categorical = true
	}
	return append(categorical, others...), nil
}

// histEncoder finds the OrdinalEncoder of the preprocessor.
func histEncoder(o *pickled) (*pickled, error) {
	pre, _ := o.field("_preprocessor").(*pickled)
	if pre == nil {
		return nil, fmt.Errorf("%w: categorical features of scikit-learn before 1.4, which does not list their "+
			"values: fit the model with 1.4 or later", ErrUnsupported)
	}
	steps, _ := pre.field("transformers_").(*pickleList)
	if steps != nil {
		for _, s := range steps.items {
			if step, ok := s.(pickleTuple); ok && len(step) == 3 && step[0] == "encoder" {
				if e, ok := step[1].(*pickled); ok && e.is("sklearn.preprocessing", "OrdinalEncoder") {
					return e, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("%w: the preprocessor has no OrdinalEncoder", ErrUnsupported)
}

// encoderDictionary reads the categories of one feature. A missing value, if
// training had one, is the last.
func encoderDictionary(v any) (*models.Dictionary, error) {
	a, ok := arrayOf(v)
	if !ok {
		return nil, fmt.Errorf("%w: they are not an array", ErrFormat)
	}
	d := &models.Dictionary{Kind: models.DictionaryNumbers}
	switch a.kind {
	case 'O':
		for i, x := range a.objects {
			if f, isFloat := x.(float64); i == len(a.objects)-1 && (x == nil || isFloat && math.IsNaN(f)) {
				break // missing
			}
			kind, name := models.DictionaryNumbers, ""
			switch x := x.(type) {
			case string:
				kind, name = models.DictionaryTexts, x
			case bool:
				kind, name = models.DictionaryFlags, fmt.Sprint(x)
			default:
				f, ok := number(x)
				if !ok || math.Abs(f) >= 1<<53 {
					return nil, fmt.Errorf("%w: a category is neither a text, a number nor a boolean", ErrUnsupported)
				}
				name = numberName(f)
			}
			if i > 0 && kind != d.Kind {
				return nil, fmt.Errorf("%w: categories of several kinds (%s and %s)", ErrUnsupported, d.Kind, kind)
			}
			d.Kind, d.Values = kind, append(d.Values, name)
		}
	case 'f', 'i', 'u':
		if a.kind == 'f' && a.size != 8 {
			return nil, fmt.Errorf("%w: categories of %d bytes", ErrUnsupported, a.size)
		}
		for i := range len(a.data) / a.size {
			f := 0.0
			if a.kind == 'f' {
				f = a.float(8 * i)
			} else {
				f = float64(a.int(i, member{a.kind, a.size, 0}))
			}
			if f == f {
				d.Values = append(d.Values, numberName(f))
			}
		}
	case 'b':
		d.Kind = models.DictionaryFlags
		for _, b := range a.data {
			d.Values = append(d.Values, fmt.Sprint(b != 0))
		}
	case 'U':
		d.Kind = models.DictionaryTexts
		for at := 0; at+a.size <= len(a.data); at += a.size {
			d.Values = append(d.Values, utf32(a.data[at:at+a.size]))
		}
	default:
		return nil, fmt.Errorf("%w: categories of another kind", ErrUnsupported)
	}
	return d, checkDictionary(d)
}

// histTree reads a TreePredictor; order gives the features of its numbers.
func histTree(o *pickled, order []int, budget *int) (models.Tree, error) {
	bad := func(what string) (models.Tree, error) { return models.Tree{}, fmt.Errorf("%w: %s", ErrFormat, what) }
	if !o.is("sklearn.ensemble._hist_gradient_boosting", "TreePredictor") {
		return bad("it is missing")
	}
	nodes, ok := arrayOf(o.field("nodes"))
	if !ok || nodes.size == 0 || nodes.members == nil {
		return bad("its nodes are not an array of records")
	}
	n := len(nodes.data) / nodes.size
	if n == 0 || n > 2*models.MaxLeaves {
		return bad(fmt.Sprintf("%d nodes, want 1 to %d", n, 2*models.MaxLeaves))
	}
	if *budget -= len(nodes.data); *budget < 0 {
		return bad("the trees have more nodes than the file has room for")
	}
	members := map[string]member{}
	for _, name := range []string{"value", "count", "feature_idx", "num_threshold", "missing_go_to_left", "left",
		"right", "gain", "is_leaf"} {
		f, ok := nodes.member(name)
		if !ok || (f.kind == 'f') != (name == "value" || name == "num_threshold" || name == "gain") {
			return bad("its nodes have no " + name)
		}
		members[name] = f
	}
	isCategory, hasCategories := nodes.member("is_categorical")
	bitset, _ := nodes.member("bitset_idx")
	sets, _ := arrayOf(o.field("raw_left_cat_bitsets"))
	float := func(i int, name string) float64 { return nodes.float(i*nodes.size + members[name].offset) }
	x := emptyTree(n)
	x.threshold = func(c float64) float64 { return c }
	x.value = x.threshold
	for i := range n {
		x.hess[i] = float64(max(nodes.int(i, members["count"]), 0))
		if nodes.int(i, members["is_leaf"]) != 0 {
			x.condition[i] = float(i, "value")
			continue
		}
		l, r, f := nodes.int(i, members["left"]), nodes.int(i, members["right"]), nodes.int(i, members["feature_idx"])
		if l < 0 || l >= int64(n) || r < 0 || r >= int64(n) || f < 0 || f >= int64(len(order)) {
			return bad(fmt.Sprintf("node %d has a child or a feature out of range", i))
		}
		missingLeft := nodes.int(i, members["missing_go_to_left"]) != 0
		x.left[i], x.right[i], x.feature[i], x.condition[i] = int(l), int(r), order[f], float(i, "num_threshold")
		if g := float(i, "gain"); g > 0 && !math.IsInf(g, 0) {
			x.gain[i] = g
		}
		if hasCategories && bitset.size > 0 && nodes.int(i, isCategory) != 0 {
			// The set goes left, and in this form right.
			set, ok := bitsOf(sets, nodes.int(i, bitset))
			if !ok {
				return bad(fmt.Sprintf("node %d has no set of categories", i))
			}
			x.kind[i], x.sets[i] = 1, set
			x.left[i], x.right[i] = int(r), int(l)
			missingLeft = !missingLeft
		} else if x.condition[i] != x.condition[i] {
			return bad(fmt.Sprintf("the threshold of node %d is not a number", i))
		}
		if missingLeft {
			x.defaultLeft[i] = 1
		}
	}
	if err := x.convert(); err != nil {
		return models.Tree{}, err
	}
	x.out.NodeValue = nil
	return x.out, nil
}

// bitsOf gives the members of a set of 256, eight words of 32 bits.
func bitsOf(a array, i int64) ([]int, bool) {
	if a.kind != 'u' || a.size != 4 || a.fortran || i < 0 || int64(len(a.data)) < 32*(i+1) {
		return nil, false
	}
	out := []int{}
	for w := range 8 {
		bits := binary.LittleEndian.Uint32(a.data[32*int(i)+4*w:])
		for k := range 32 {
			if bits>>k&1 != 0 {
				out = append(out, 32*w+k)
			}
		}
	}
	return out, true
}
