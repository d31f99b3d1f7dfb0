// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/models"
)

// ReadXGBoost reads a model that XGBoost 1.x, 2.x or 3.x saved as JSON or
// UBJSON: boosters gbtree and dart, one output, and an objective whose margin
// this project can use. All trees count, as in Booster.predict, also those past
// the best iteration of early stopping (see BestIteration). Its margin has
// XGBoost's bits for vectors of float32 numbers, whole category codes, and NaN for
// what is missing; for other float64 numbers, the bits of the numbers rounded to
// float32, as XGBoost rounds them.
//
// XGBoost compares a float32 with a float32 threshold by <. The model compares
// a float64 by <=, with the largest float64 that rounds below the threshold.
// Sums are float32, as XGBoost's are.
//
// XGBoost sends missing values of a categorical feature either way, LightGBM's
// form only to the right. Where they would go left, the reader puts a node before
// the split, which sends them to a copy of the left side.
func ReadXGBoost(r io.Reader) (*models.Model, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(b)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	m, err := readXGBoost(d)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return m, nil
}

func readXGBoost(d *document) (*models.Model, error) {
	learner := d.field("learner")
	if learner.fields == nil {
		return nil, fmt.Errorf("%w: no \"learner\": save the model with Booster.save_model as .json or .ubj", ErrFormat)
	}
	m := &models.Model{Sigmoid: 1, Float32Sums: true}
	if err := xgbObjective(m, learner, d.field("version").numbers); err != nil {
		return nil, err
	}
	if err := xgbClasses(m, learner); err != nil {
		return nil, err
	}
	if err := xgbFeatures(m, learner); err != nil {
		return nil, err
	}
	booster := learner.field("gradient_booster")
	var drop []float64
	dart := false
	switch name := booster.field("name").text; name {
	case "gbtree":
	case "dart":
		dart, drop = true, booster.field("weight_drop").numbers
		booster = booster.field("gbtree")
	default:
		return nil, fmt.Errorf("%w: booster %q: want gbtree or dart", ErrUnsupported, clip(name))
	}
	if _, ok := booster.field("model").fields["trees"]; !ok {
		return nil, fmt.Errorf("%w: no trees", ErrFormat)
	}
	if err := xgbDictionaries(m, booster.field("model", "cats")); err != nil {
		return nil, err
	}
	trees := booster.field("model", "trees").list
	if len(trees) > models.MaxTrees {
		return nil, fmt.Errorf("%w: %d trees, at most %d are read", ErrFormat, len(trees), models.MaxTrees)
	}
	if err := xgbForest(m, learner, booster.field("model"), len(trees)); err != nil {
		return nil, err
	}
	if dart && len(drop) != len(trees) {
		return nil, fmt.Errorf("%w: %d weights of %d trees", ErrFormat, len(drop), len(trees))
	}
	for i, t := range trees {
		x, err := newXGBTree(t, len(m.Features))
		if err == nil {
			err = x.convert()
		}
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		if dart {
			for j, v := range x.out.LeafValue {
				x.out.LeafValue[j] = float64(float32(v) * float32(drop[i]))
			}
		}
		for _, n := range x.out.Feature {
			m.Features[n].Categorical = m.Features[n].Categorical || x.categorical[n]
		}
		m.Trees = append(m.Trees, x.out)
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	return m, nil
}

// xgbForest compares the list of trees with what the file says about it: how many
// there are, and the class of each. It notes where training found the best
// iteration.
func xgbForest(m *models.Model, learner, forest *document, trees int) error {
	if n, ok := forest.field("gbtree_model_param", "num_trees").number(); ok && n != float64(trees) {
		return fmt.Errorf("%w: %d trees, num_trees is %v", ErrFormat, trees, n)
	}
	if d, ok := forest.fields["tree_info"]; ok {
		if classes, ok := d.integers(0, math.MaxInt32); !ok || len(classes) != trees {
			return fmt.Errorf("%w: tree_info has another length than trees", ErrFormat)
		} else if trees > 0 && slices.Max(classes) > 0 {
			return fmt.Errorf("%w: tree_info names class %d: only models with one output are read", ErrUnsupported,
				slices.Max(classes))
		}
	}
	best, ok := learner.field("attributes", "best_iteration").number()
	if !ok {
		return nil
	}
	if n, ok := forest.field("gbtree_model_param", "num_parallel_tree").number(); ok && n >= 1 &&
		(best+1)*n < float64(trees) {
		m.Params = map[string]string{BestIteration: strconv.FormatFloat(best, 'f', -1, 64)}
	}
	return nil
}

// BestIteration is a key of a model's Params. It is set when an XGBoost file holds
// trees past its best iteration, as early stopping leaves them; the value is that
// iteration, counted from 0. All trees make up the margin, as in Booster.predict;
// XGBClassifier.predict would stop at the best iteration.
const BestIteration = "best_iteration"

// xgbObjective reads the objective, and the margin that sums start from, as the
// version of XGBoost that wrote the file computes it.
func xgbObjective(m *models.Model, learner *document, version []float64) error {
	param := learner.field("learner_model_param")
	for _, k := range []string{"num_class", "num_target"} {
		if n, ok := param.field(k).number(); ok && n > 1 {
			return fmt.Errorf("%w: %s is %v: only models with one output are read", ErrUnsupported, k, n)
		}
	}
	base, ok := param.field("base_score").number()
	if !ok || math.IsNaN(base) || math.IsInf(base, 0) {
		return fmt.Errorf("%w: base_score is not a number", ErrFormat)
	}
	name := learner.field("objective", "name").text
	switch name {
	case "binary:logistic", "reg:logistic":
		m.Objective = models.Binary
		if name == "reg:logistic" {
			m.Objective = models.CrossEntropy
		}
		if base, ok = xgbLogit(base, version); !ok {
			return fmt.Errorf("%w: base_score %v is not a probability", ErrFormat, base)
		}
	case "binary:logitraw":
		m.Objective = models.Binary
	case "reg:squarederror", "reg:linear", "reg:absoluteerror", "reg:pseudohubererror":
		m.Objective = models.Regression
	default:
		return fmt.Errorf("%w: objective %q: want binary:logistic, binary:logitraw, reg:logistic, or a regression "+
			"without a link function", ErrUnsupported, clip(name))
	}
	m.Init = float64(float32(base))
	return nil
}

// xgbLogit is the margin of a probability: -logf(1/p - 1) in float32. Since 3.2
// XGBoost limits p to the range from 1e-6 to 1 - 1e-6. Earlier versions take any p
// between 0 and 1 as it is, and refuse 0 and 1, which rows of one class give; here
// these two are limited, too.
func xgbLogit(p float64, version []float64) (float64, bool) {
	if !(p >= 0 && p <= 1) {
		return p, false
	}
	const least = float32(1e-6)
	of := float32(p)
	if of <= 0 || of >= 1 || len(version) > 1 && (version[0] > 3 || version[0] == 3 && version[1] >= 2) {
		of = min(max(of, least), 1-least)
	}
	odds := 1/of - 1
	return -float64(float32(bitmath.Log(float64(odds)))), true
}

// xgbClasses reads the classes that XGBClassifier wrote into its files before
// 1.7, of a label encoder or its own.
func xgbClasses(m *models.Model, learner *document) error {
	text := learner.field("attributes", "scikit_learn").text
	if text == "" {
		return nil
	}
	d, err := parseDocument([]byte(text))
	if err != nil {
		return fmt.Errorf("%w: the attribute scikit_learn is not JSON", ErrFormat)
	}
	for _, path := range [][]string{{"_le", "classes_"}, {"classes_"}} {
		of := d.field(path...)
		for _, x := range of.numbers {
			m.Classes = append(m.Classes, numberName(x))
		}
		for _, x := range of.list {
			m.Classes = append(m.Classes, x.text)
		}
		if len(m.Classes) > 0 {
			break
		}
	}
	switch n := len(m.Classes); n {
	case 0, 2:
	case 1: // rows of one class
		m.Classes = nil
	default:
		return fmt.Errorf("%w: %d classes, want 2", ErrUnsupported, n)
	}
	return nil
}

func xgbFeatures(m *models.Model, learner *document) error {
	v, ok := learner.field("learner_model_param", "num_feature").number()
	if !ok || !(v >= 1 && v <= models.MaxFeatures) {
		return fmt.Errorf("%w: num_feature is not a number from 1 to %d", ErrFormat, models.MaxFeatures)
	}
	m.Features = make([]models.FeatureInfo, int(v))
	names, types := learner.field("feature_names").list, learner.field("feature_types").list
	for key, list := range map[string][]*document{"feature_names": names, "feature_types": types} {
		if len(list) != 0 && len(list) != len(m.Features) {
			return fmt.Errorf("%w: %d %s for %d features", ErrFormat, len(list), key, len(m.Features))
		}
	}
	for i := range m.Features {
		f := &m.Features[i]
		f.Name = "f" + strconv.Itoa(i)
		if len(names) == len(m.Features) {
			f.Name = names[i].text
		}
		f.Categorical = len(types) == len(m.Features) && types[i].text == "c"
	}
	return nil
}
