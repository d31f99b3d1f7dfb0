// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/models"
)

// ReadSklearn reads a pickled estimator of two classes of scikit-learn 0.19 and
// later: GradientBoostingClassifier, HistGradientBoostingClassifier (1.0 and
// later), RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier
// and ExtraTreeClassifier; or a GradientBoostingRegressor. The pickle is not
// run: nothing that it names is called. Model.Classes are the estimator's.
//
// Forests and single trees give a share of the bad class, no log-odds: their
// margin is that share, and Model.Share is set.
//
// All but HistGradientBoosting round values to float32 before they are
// compared, as scikit-learn does; a missing value that scikit-learn would refuse
// goes right. Margins have the bits of decision_function, or of predict_proba for
// a share. Only the initial score of a GradientBoostingClassifier of scikit-learn
// 0.21 and later, the log-odds of the class prior, is computed anew, and may
// differ in the last bit; it is in Model.Init.
func ReadSklearn(r io.Reader) (*models.Model, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	v, err := unpickle(b)
	if err == nil {
		var m *models.Model
		if m, err = sklearnModel(v, len(b)); err == nil {
			return m, nil
		}
	}
	switch {
	case bytes.Contains(b, []byte("joblib.numpy_pickle")):
		err = fmt.Errorf("%w (joblib wrote the file: load it there, and save it with pickle.dump)", err)
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		err = fmt.Errorf("%w (the file is compressed with gzip: unpack it)", err)
	}
	return nil, fmt.Errorf("scikit-learn pickle: %w", err)
}

// sklearnModel understands the estimator. A pickle can name one tree many times:
// no more than size bytes of nodes are read.
func sklearnModel(v any, size int) (*models.Model, error) {
	o, ok := v.(*pickled)
	if !ok {
		return nil, fmt.Errorf("%w: it does not hold an estimator", ErrFormat)
	}
	m := &models.Model{Sigmoid: 1}
	read := map[string]func(*models.Model, *pickled, int) error{
		"GradientBoostingClassifier": gradientBoosting, "GradientBoostingRegressor": gradientBoosting,
		"HistGradientBoostingClassifier": histGradientBoosting,
		"RandomForestClassifier":         shareForest, "ExtraTreesClassifier": shareForest,
		"DecisionTreeClassifier": shareForest, "ExtraTreeClassifier": shareForest,
	}[o.by.name]
	if read == nil || !o.is("sklearn.", o.by.name) {
		return nil, notAnEstimator(o)
	}
	if err := sklearnFeatures(m, o); err != nil {
		return nil, err
	}
	if err := read(m, o, size); err != nil {
		return nil, err
	}
	if err := sound(m); err != nil {
		return nil, err
	}
	return m, nil
}

// sklearnFeatures makes the list of features, with their names if the estimator
// has seen some.
func sklearnFeatures(m *models.Model, o *pickled) error {
	n, ok := whole(o.field("n_features_in_"))
	for _, older := range []string{"n_features_", "_n_features"} { // before 0.24
		if !ok {
			n, ok = whole(o.field(older))
		}
	}
	if !ok || n < 1 || n > models.MaxFeatures {
		return fmt.Errorf("%w: the number of features is not one from 1 to %d", ErrFormat, models.MaxFeatures)
	}
	m.Features = make([]models.FeatureInfo, n)
	names, _ := arrayOf(o.field("feature_names_in_"))
	for i := range m.Features {
		m.Features[i].Name = "f" + strconv.Itoa(i)
		if len(names.objects) == n {
			if s, ok := names.objects[i].(string); ok {
				m.Features[i].Name = s
			}
		}
	}
	return nil
}

// gradientBoosting reads a GradientBoostingClassifier or -Regressor.
func gradientBoosting(m *models.Model, o *pickled, size int) error {
	m.Objective = models.Regression
	if o.by.name == "GradientBoostingClassifier" {
		m.Objective = models.Binary
		loss, _ := o.field("loss").(string)
		switch loss {
		case "deviance", "log_loss":
		case "exponential":
			m.Sigmoid = 2
		default:
			return fmt.Errorf("%w: the loss %q: want log_loss or exponential", ErrUnsupported, clip(loss))
		}
		if n, ok := whole(o.field("n_classes_")); !ok || n != 2 {
			return fmt.Errorf("%w: a classifier of %d classes, want 2", ErrUnsupported, n)
		}
		var err error
		if m.Classes, err = sklearnClasses(o.field("classes_")); err != nil {
			return err
		}
	}
	rate, ok := number(o.field("learning_rate"))
	if !ok {
		return fmt.Errorf("%w: learning_rate is not a number", ErrFormat)
	}
	if m.Init, ok = sklearnInit(o.field("init_"), m); !ok {
		return fmt.Errorf("%w: the initial estimator: want the default one, or zero", ErrUnsupported)
	}
	stages, ok := arrayOf(o.field("estimators_"))
	if !ok || stages.objects == nil || len(stages.objects) > models.MaxTrees {
		return fmt.Errorf("%w: estimators_ is not an array of at most %d trees", ErrFormat, models.MaxTrees)
	}
	for i, e := range stages.objects {
		estimator, _ := e.(*pickled)
		tree, _ := estimator.field("tree_").(*pickled)
		t, err := sklearnTree(tree, sklearnLeaf{rate: rate, width: 1}, len(m.Features), &size)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		m.Trees = append(m.Trees, t)
	}
	return nil
}

// sklearnInit is the score that sums start from.
func sklearnInit(v any, m *models.Model) (float64, bool) {
	if v == "zero" {
		return 0, true
	}
	o, ok := v.(*pickled)
	if !ok {
		return 0, false
	}
	switch o.by.name {
	case "ZeroEstimator":
		return 0, true
	case "LogOddsEstimator", "ScaledLogOddsEstimator":
		return number(o.field("prior"))
	case "MeanEstimator":
		return number(o.field("mean"))
	case "QuantileEstimator":
		return number(o.field("quantile"))
	case "DummyRegressor":
		return first(o.field("constant_"), 0)
	case "DummyClassifier":
		if o.field("strategy") != "prior" {
			return 0, false
		}
		p, ok := first(o.field("class_prior_"), 1)
		if !ok || !(p >= 0 && p <= 1) {
			return 0, false
		}
		const eps = 1.0 / (1 << 23) // of float32
		p = min(max(p, eps), 1-eps)
		return bitmath.Log(p/(1-p)) / m.Sigmoid, true
	}
	return 0, false
}

// first is number i of an array.
func first(v any, i int) (float64, bool) {
	a, ok := arrayOf(v)
	if !ok || a.kind != 'f' || a.size != 8 || len(a.data) < 8*(i+1) {
		return 0, false
	}
	return a.float(8 * i), true
}
