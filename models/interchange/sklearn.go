// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange/pickle"
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
// Except for HistGradientBoosting, values are rounded to float32 before they are
// compared, as in scikit-learn; a missing value that scikit-learn would refuse
// goes right. Margins have the bits of decision_function, or of predict_proba for
// a share. Only the initial score of a GradientBoostingClassifier of scikit-learn
// 0.21 and later, the log-odds of the class prior, is computed again here, and may
// differ in the last bit; it is in Model.Init.
func ReadSklearn(r io.Reader) (*models.Model, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	m, err := readSklearn(b)
	if err == nil {
		return m, nil
	}
	switch {
	case bytes.Contains(b, []byte("joblib.numpy_pickle")):
		err = fmt.Errorf("%w (joblib wrote the file: load it there, and save it with pickle.dump)", err)
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		err = fmt.Errorf("%w (the file is compressed with gzip: unpack it)", err)
	}
	return nil, fmt.Errorf("scikit-learn pickle: %w", err)
}

// readSklearn understands the estimator. A pickle can name one tree many times:
// the trees together may have as many bytes of nodes as the file has.
func readSklearn(b []byte) (*models.Model, error) {
	v, err := pickle.Load(b)
	switch {
	case errors.Is(err, pickle.ErrUnsupported):
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, fmt.Errorf("%w: it does not hold an estimator", ErrFormat)
	}
	read := sklearnEstimators[o.Callable.Name]
	if read == nil || !o.Is("sklearn.", o.Callable.Name) {
		return nil, refuseEstimator(o)
	}
	m := &models.Model{Sigmoid: 1}
	if err := sklearnFeatures(m, o); err != nil {
		return nil, err
	}
	budget := len(b)
	if err := read(m, o, &budget); err != nil {
		return nil, err
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	return m, nil
}

// sklearnEstimators are the classes that are read. A reader takes the bytes of
// nodes that it reads from the budget.
var sklearnEstimators = map[string]func(m *models.Model, o *pickle.Object, budget *int) error{
	"GradientBoostingClassifier":     gradientBoosting,
	"GradientBoostingRegressor":      gradientBoosting,
	"HistGradientBoostingClassifier": histGradientBoosting,
	"RandomForestClassifier":         sharesOfTrees,
	"ExtraTreesClassifier":           sharesOfTrees,
	"DecisionTreeClassifier":         sharesOfTrees,
	"ExtraTreeClassifier":            sharesOfTrees,
}

// sklearnFeatures makes the list of features, with their names if the estimator
// has seen some.
func sklearnFeatures(m *models.Model, o *pickle.Object) error {
	n, ok := pickle.Whole(o.Attribute("n_features_in_"))
	for _, older := range []string{"n_features_", "_n_features"} { // before 0.24
		if !ok {
			n, ok = pickle.Whole(o.Attribute(older))
		}
	}
	if !ok || n < 1 || n > models.MaxFeatures {
		return fmt.Errorf("%w: the number of features is not one from 1 to %d", ErrFormat, models.MaxFeatures)
	}
	m.Features = make([]models.FeatureInfo, n)
	names, _ := pickle.ArrayOf(o.Attribute("feature_names_in_"))
	for i := range m.Features {
		m.Features[i].Name = "f" + strconv.Itoa(i)
		if len(names.Objects) == n {
			if s, ok := names.Objects[i].(string); ok {
				m.Features[i].Name = s
			}
		}
	}
	return nil
}

// sklearnWrappers are estimators around the one that is read, and where they keep
// it.
var sklearnWrappers = map[string]string{
	"Pipeline": "pipeline[-1]", "CalibratedClassifierCV": "its calibrated_classifiers_[0].estimator, and calibrate " +
		"anew",
	"GridSearchCV": "search.best_estimator_", "RandomizedSearchCV": "search.best_estimator_",
	"HalvingGridSearchCV":        "search.best_estimator_",
	"TunedThresholdClassifierCV": "model.estimator_", "FixedThresholdClassifier": "model.estimator_",
	"OneVsRestClassifier": "model.estimators_[0]",
	"FrozenEstimator":     "model.estimator", "TransformedTargetRegressor": "model.regressor_",
}

// refuseEstimator says what the pickle holds, and what to save in its place.
func refuseEstimator(o *pickle.Object) error {
	module, name := o.Callable.Module, clip(o.Callable.Name)
	for prefix, do := range map[string]string{"xgboost": saveXGBoost, "lightgbm": saveLightGBM,
		"catboost": saveCatBoost} {
		if strings.HasPrefix(module, prefix) {
			return fmt.Errorf("%w: a pickle of %s: load it with Python, and %s", ErrUnsupported, prefix+"'s "+name, do)
		}
	}
	if inner, ok := sklearnWrappers[o.Callable.Name]; ok && strings.HasPrefix(module, "sklearn") {
		return fmt.Errorf("%w: %s is a wrapper: pickle the classifier inside, %s; what steps before it do to the "+
			"rows belongs into the plan", ErrUnsupported, name, inner)
	}
	return fmt.Errorf("%w: %s: want GradientBoostingClassifier, HistGradientBoostingClassifier, "+
		"RandomForestClassifier, ExtraTreesClassifier, "+
		"DecisionTreeClassifier, ExtraTreeClassifier or GradientBoostingRegressor", ErrUnsupported, name)
}
