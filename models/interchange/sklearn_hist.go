// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange/pickle"
)

// histGradientBoosting reads a HistGradientBoostingClassifier. Its trees compare
// float64 numbers, send missing values either way, also those of a category, and
// number a category by its place in the encoder's list. They number the features
// in an order of their own: the categorical ones first, then the others.
func histGradientBoosting(m *models.Model, o *pickle.Object, budget *int) error {
	m.Objective = models.Binary
	switch loss, _ := o.Attribute("loss").(string); loss {
	case "log_loss", "binary_crossentropy", "auto":
	default:
		return fmt.Errorf("%w: the loss %q: want log_loss", ErrUnsupported, clip(loss))
	}
	if n, ok := pickle.Whole(o.Attribute("n_trees_per_iteration_")); !ok || n != 1 {
		return fmt.Errorf("%w: a classifier of %d trees an iteration, want 1 (two classes)", ErrUnsupported, n)
	}
	var err error
	if m.Classes, err = sklearnClasses(o.Attribute("classes_")); err != nil {
		return err
	}
	var ok bool
	if m.Init, ok = pickle.Number(o.Attribute("_baseline_prediction")); !ok {
		if m.Init, ok = numberAt(o.Attribute("_baseline_prediction"), 0); !ok {
			return fmt.Errorf("%w: _baseline_prediction is not a number", ErrFormat)
		}
	}
	order, err := histFeatures(m, o)
	if err != nil {
		return err
	}
	iterations, ok := o.Attribute("_predictors").(*pickle.List)
	if !ok || len(iterations.Items) > models.MaxTrees {
		return fmt.Errorf("%w: _predictors is not a list of at most %d trees", ErrFormat, models.MaxTrees)
	}
	for i, it := range iterations.Items {
		list, ok := it.(*pickle.List)
		if !ok || len(list.Items) != 1 {
			return fmt.Errorf("%w: iteration %d has not one tree", ErrFormat, i)
		}
		p, _ := list.Items[0].(*pickle.Object)
		t, err := histTree(p, order, budget)
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
func histFeatures(m *models.Model, o *pickle.Object) ([]int, error) {
	n := len(m.Features)
	var categorical, others []int
	if flags, ok := pickle.ArrayOf(o.Attribute("is_categorical_")); ok {
		if flags.Size != 1 || len(flags.Data) != n {
			return nil, fmt.Errorf("%w: is_categorical_ is not a flag for each feature", ErrFormat)
		}
		for i, b := range flags.Data {
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
	lists, ok := encoder.Attribute("categories_").(*pickle.List)
	if !ok || len(lists.Items) != len(categorical) {
		return nil, fmt.Errorf("%w: the encoder has not a list of categories for each of the %d categorical features",
			ErrFormat, len(categorical))
	}
	for i, f := range categorical {
		x := &m.Features[f]
		if x.Dictionary, err = encoderDictionary(lists.Items[i]); err != nil {
			return nil, fmt.Errorf("the categories of %q: %w", clip(x.Name), err)
		}
		x.Categorical = true
	}
	return append(categorical, others...), nil
}

// histEncoder finds the OrdinalEncoder of the preprocessor.
func histEncoder(o *pickle.Object) (*pickle.Object, error) {
	pre, _ := o.Attribute("_preprocessor").(*pickle.Object)
	if pre == nil {
		return nil, fmt.Errorf("%w: categorical features of scikit-learn before 1.4, which does not list their "+
			"values: fit the model with 1.4 or later", ErrUnsupported)
	}
	steps, _ := pre.Attribute("transformers_").(*pickle.List)
	if steps != nil {
		for _, s := range steps.Items {
			if step, ok := s.(pickle.Tuple); ok && len(step) == 3 && step[0] == "encoder" {
				if e, ok := step[1].(*pickle.Object); ok && e.Is("sklearn.preprocessing", "OrdinalEncoder") {
					return e, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("%w: the preprocessor has no OrdinalEncoder", ErrUnsupported)
}

// encoderDictionary reads the categories of one feature. If there was a missing
// value in training, it is the last one.
func encoderDictionary(v any) (*models.Dictionary, error) {
	a, ok := pickle.ArrayOf(v)
	if !ok {
		return nil, fmt.Errorf("%w: they are not an array", ErrFormat)
	}
	d := &models.Dictionary{Kind: models.DictionaryNumbers}
	switch a.Kind {
	case 'O':
		for i, x := range a.Objects {
			if f, isFloat := x.(float64); i == len(a.Objects)-1 && (x == nil || isFloat && math.IsNaN(f)) {
				break // missing
			}
			kind, name := models.DictionaryNumbers, ""
			switch x := x.(type) {
			case string:
				kind, name = models.DictionaryTexts, x
			case bool:
				kind, name = models.DictionaryFlags, fmt.Sprint(x)
			default:
				f, ok := pickle.Number(x)
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
		if a.Kind == 'f' && a.Size != 8 {
			return nil, fmt.Errorf("%w: categories of %d bytes", ErrUnsupported, a.Size)
		}
		for i := range a.Len() {
			if f, _ := a.Number(i); f == f {
				d.Values = append(d.Values, numberName(f))
			}
		}
	case 'b':
		d.Kind = models.DictionaryFlags
		for _, b := range a.Data {
			d.Values = append(d.Values, fmt.Sprint(b != 0))
		}
	case 'U':
		d.Kind = models.DictionaryTexts
		for i := range a.Len() {
			d.Values = append(d.Values, a.Text(i))
		}
	default:
		return nil, fmt.Errorf("%w: categories of another kind", ErrUnsupported)
	}
	return d, checkDictionary(d)
}

// histTree reads a TreePredictor; order gives the estimator's feature for each
// number that the tree uses.
func histTree(o *pickle.Object, order []int, budget *int) (models.Tree, error) {
	bad := func(what string) (models.Tree, error) { return models.Tree{}, fmt.Errorf("%w: %s", ErrFormat, what) }
	if !o.Is("sklearn.ensemble._hist_gradient_boosting", "TreePredictor") {
		return bad("it is missing")
	}
	nodes, ok := pickle.ArrayOf(o.Attribute("nodes"))
	if !ok || nodes.Members == nil {
		return bad("its nodes are not an array of records")
	}
	n := nodes.Len()
	if n == 0 || n > 2*models.MaxLeaves {
		return bad(fmt.Sprintf("%d nodes, want 1 to %d", n, 2*models.MaxLeaves))
	}
	if *budget -= len(nodes.Data); *budget < 0 {
		return bad("the trees have more nodes than the file has room for")
	}
	members := map[string]pickle.Member{}
	for _, name := range []string{"value", "count", "feature_idx", "num_threshold", "missing_go_to_left", "left",
		"right", "gain", "is_leaf"} {
		f, ok := nodes.Member(name)
		if !ok || (f.Kind == 'f') != (name == "value" || name == "num_threshold" || name == "gain") {
			return bad("its nodes have no " + name)
		}
		members[name] = f
	}
	isCategory, hasCategories := nodes.Member("is_categorical")
	bitset, _ := nodes.Member("bitset_idx")
	sets, _ := pickle.ArrayOf(o.Attribute("raw_left_cat_bitsets"))
	float := func(i int, name string) float64 { return nodes.Float(i, members[name]) }
	x := emptyTree(n)
	x.threshold = func(c float64) float64 { return c }
	x.value = x.threshold
	for i := range n {
		x.hess[i] = float64(max(nodes.Int(i, members["count"]), 0))
		if nodes.Int(i, members["is_leaf"]) != 0 {
			x.condition[i] = float(i, "value")
			continue
		}
		l, r, f := nodes.Int(i, members["left"]), nodes.Int(i, members["right"]), nodes.Int(i, members["feature_idx"])
		if l < 0 || l >= int64(n) || r < 0 || r >= int64(n) || f < 0 || f >= int64(len(order)) {
			return bad(fmt.Sprintf("node %d has a child or a feature out of range", i))
		}
		missingLeft := nodes.Int(i, members["missing_go_to_left"]) != 0
		x.left[i], x.right[i], x.feature[i], x.condition[i] = int(l), int(r), order[f], float(i, "num_threshold")
		if g := float(i, "gain"); g > 0 && !math.IsInf(g, 0) {
			x.gain[i] = g
		}
		if hasCategories && bitset.Size > 0 && nodes.Int(i, isCategory) != 0 {
			// The set goes left; in a foreignTree it goes right.
			set, ok := bitsOf(sets, nodes.Int(i, bitset))
			if !ok {
				return bad(fmt.Sprintf("node %d has no set of categories", i))
			}
			x.splitKind[i], x.sets[i] = 1, set
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
func bitsOf(a pickle.Array, i int64) ([]int, bool) {
	if a.Kind != 'u' || a.Size != 4 || a.ColumnsFirst || i < 0 || int64(len(a.Data)) < 32*(i+1) {
		return nil, false
	}
	out := []int{}
	for w := range 8 {
		bits := binary.LittleEndian.Uint32(a.Data[32*int(i)+4*w:])
		for k := range 32 {
			if bits>>k&1 != 0 {
				out = append(out, 32*w+k)
			}
		}
	}
	return out, true
}
