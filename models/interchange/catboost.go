// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/assayrisk/assay/models"
)

// ReadCatBoost reads a model of two classes that CatBoost saved as JSON,
// model.save_model("model.json", format="json"): symmetric trees over numbers.
// CatBoost turns categorical, text and embedding features into numbers by tables
// of hashes and counts; models that use them are refused.
//
// A symmetric tree tests one border at each depth. It becomes a tree of the
// usual form whose root tests the last border, as in CatBoost's explanations.
// Numbers are rounded to float32 before they are compared, as in CatBoost.
// CatBoost adds the leaves in an order of its own and the bias last, so that
// margins agree but for the last bits.
func ReadCatBoost(r io.Reader) (*models.Model, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(b)
	if err != nil {
		return nil, fmt.Errorf("catboost: %w", err)
	}
	m, err := readCatBoost(d)
	if err != nil {
		return nil, fmt.Errorf("catboost: %w", err)
	}
	return m, nil
}

func readCatBoost(d *document) (*models.Model, error) {
	m := &models.Model{Sigmoid: 1, Objective: models.Binary}
	params := d.field("model_info", "params")
	switch loss := params.field("loss_function", "type").text; loss {
	case "Logloss":
	case "CrossEntropy":
		m.Objective = models.CrossEntropy
	default:
		return nil, fmt.Errorf("%w: the loss function %q: want Logloss or CrossEntropy", ErrUnsupported, clip(loss))
	}
	info := d.field("features_info")
	for _, kind := range []string{"categorical_features", "text_features", "embedding_features"} {
		if len(info.field(kind).list) > 0 {
			return nil, fmt.Errorf("%w: %s, which CatBoost computes from tables of hashes and counts: train on "+
				"numbers", ErrUnsupported, kind)
		}
	}
	missing, err := catBoostFeatures(m, info.field("float_features").list)
	if err != nil {
		return nil, err
	}
	if names := d.field("model_info", "class_params", "class_names"); len(names.list)+len(names.numbers) > 0 {
		if m.Classes = textsOf(names); len(m.Classes) != 2 {
			return nil, fmt.Errorf("%w: %d classes, want 2", ErrUnsupported, len(m.Classes))
		}
	}
	scale, bias, err := catBoostScale(d.field("scale_and_bias"))
	if err != nil {
		return nil, err
	}
	m.Init = bias
	if _, ok := d.fields["oblivious_trees"]; !ok {
		return nil, fmt.Errorf("%w: no oblivious_trees: trees that are not symmetric (grow_policy Depthwise or "+
			"Lossguide) are not read", ErrUnsupported)
	}
	trees := d.field("oblivious_trees").list
	if len(trees) > models.MaxTrees {
		return nil, fmt.Errorf("%w: %d trees, at most %d are read", ErrFormat, len(trees), models.MaxTrees)
	}
	for i, t := range trees {
		tree, err := catBoostTree(t, scale, missing)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		m.Trees = append(m.Trees, tree)
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	return m, nil
}

// textsOf gives a list of texts or numbers as texts.
func textsOf(d *document) []string {
	var out []string
	for _, x := range d.numbers {
		out = append(out, numberName(x))
	}
	for _, x := range d.list {
		out = append(out, x.text)
	}
	return out
}

// catBoostFeatures makes the list of features, and says for each whether a missing
// value is above every border.
func catBoostFeatures(m *models.Model, list []*document) ([]bool, error) {
	m.Features = make([]models.FeatureInfo, len(list))
	missing := make([]bool, len(list))
	for _, f := range list {
		i, ok := f.field("feature_index").number()
		if flat, ok2 := f.field("flat_feature_index").number(); !ok || !ok2 || flat != i || !(i >= 0 &&
			i < float64(len(list))) || i != math.Trunc(i) {
			return nil, fmt.Errorf("%w: the features are not numbered from 0 on", ErrFormat)
		}
		x := &m.Features[int(i)]
		if x.Name = f.field("feature_id").text; x.Name == "" {
			x.Name = "f" + strconv.Itoa(int(i))
		}
		switch of := f.field("nan_value_treatment").text; of {
		case "AsIs", "AsFalse":
		case "AsTrue":
			missing[int(i)] = true
		default:
			return nil, fmt.Errorf("%w: missing values of %q are treated as %q: want AsIs, AsFalse or AsTrue",
				ErrUnsupported, clip(x.Name), clip(of))
		}
	}
	for i := range m.Features {
		if m.Features[i].Name == "" {
			return nil, fmt.Errorf("%w: two features have the same number", ErrFormat)
		}
	}
	return missing, nil
}

// catBoostScale reads scale_and_bias: [scale, [bias]], or [scale, bias] of older
// versions.
func catBoostScale(d *document) (scale, bias float64, err error) {
	if _, err := checkNumbers(d.numbers, 0); err != nil {
		return 0, 0, err
	}
	switch {
	case len(d.numbers) == 2:
		return d.numbers[0], d.numbers[1], nil
	case len(d.list) == 2:
		s, ok := d.list[0].number()
		b := d.list[1].numbers
		if ok && len(b) == 1 {
			return s, b[0], nil
		}
	}
	return 0, 0, fmt.Errorf("%w: scale_and_bias is not a scale and one bias", ErrUnsupported)
}

func checkNumbers(v []float64, n int) ([]float64, error) {
	if n > 0 && len(v) != n {
		return nil, fmt.Errorf("%w: %d numbers, want %d", ErrFormat, len(v), n)
	}
	for _, x := range v {
		if x-x != 0 {
			return nil, fmt.Errorf("%w: a number is not finite", ErrFormat)
		}
	}
	return v, nil
}

// catBoostTree spreads a symmetric tree out: the number of a vector's leaf has bit
// k set when its value lies above the border of split k.
func catBoostTree(d *document, scale float64, missing []bool) (models.Tree, error) {
	splits := d.field("splits").list
	depth := len(splits)
	if depth > 16 {
		return models.Tree{}, fmt.Errorf("%w: a depth of %d, at most 16 is read", ErrUnsupported, depth)
	}
	values, err := checkNumbers(d.field("leaf_values").numbers, 1<<depth)
	if err != nil {
		return models.Tree{}, fmt.Errorf("leaf_values: %w", err)
	}
	weights := d.field("leaf_weights").numbers
	if len(weights) != len(values) {
		weights = make([]float64, len(values))
	}
	n := len(values)
	x := emptyTree(2*n - 1)
	x.threshold = atMost32
	x.value = func(v float64) float64 { return v }
	// Node 0 is the root; level after level, the nodes of one test follow one another.
	for level := range depth {
		s := splits[depth-1-level]
		f, ok := s.field("float_feature_index").number()
		border, ok2 := s.field("border").number()
		if kind := s.field("split_type").text; kind != "FloatFeature" {
			return models.Tree{}, fmt.Errorf("%w: a split of type %q: want FloatFeature", ErrUnsupported, clip(kind))
		}
		if !ok || !ok2 || !(f >= 0 && f < float64(len(missing))) || f != math.Trunc(f) || border != border {
			return models.Tree{}, fmt.Errorf("%w: a split is not a feature and a border", ErrFormat)
		}
		for i := 1<<level - 1; i < 2<<level-1; i++ {
			x.left[i], x.right[i], x.feature[i], x.condition[i] = 2*i+1, 2*i+2, int(f), border
			if !missing[int(f)] {
				x.defaultLeft[i] = 1
			}
		}
	}
	for leaf := range n {
		x.condition[n-1+leaf], x.hess[n-1+leaf] = float64(scale*values[leaf]), weights[leaf]
	}
	if err := x.convert(); err != nil {
		return models.Tree{}, err
	}
	x.out.NodeValue, x.out.NodeHess, x.out.Gain = nil, nil, nil
	return x.out, nil
}
