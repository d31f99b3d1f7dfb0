// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange/pickle"
)

// gradientBoosting reads a GradientBoostingClassifier or -Regressor.
func gradientBoosting(m *models.Model, o *pickle.Object, budget *int) error {
	m.Objective = models.Regression
	if o.Callable.Name == "GradientBoostingClassifier" {
		m.Objective = models.Binary
		loss, _ := o.Attribute("loss").(string)
		switch loss {
		case "deviance", "log_loss":
		case "exponential":
			m.Sigmoid = 2
		default:
			return fmt.Errorf("%w: the loss %q: want log_loss or exponential", ErrUnsupported, clip(loss))
		}
		if n, ok := pickle.Whole(o.Attribute("n_classes_")); !ok || n != 2 {
			return fmt.Errorf("%w: a classifier of %d classes, want 2", ErrUnsupported, n)
		}
		var err error
		if m.Classes, err = sklearnClasses(o.Attribute("classes_")); err != nil {
			return err
		}
	}
	rate, ok := pickle.Number(o.Attribute("learning_rate"))
	if !ok {
		return fmt.Errorf("%w: learning_rate is not a number", ErrFormat)
	}
	if m.Init, ok = sklearnInit(o.Attribute("init_"), m); !ok {
		return fmt.Errorf("%w: the initial estimator: want the default one, or zero", ErrUnsupported)
	}
	stages, ok := pickle.ArrayOf(o.Attribute("estimators_"))
	if !ok || stages.Objects == nil || len(stages.Objects) > models.MaxTrees {
		return fmt.Errorf("%w: estimators_ is not an array of at most %d trees", ErrFormat, models.MaxTrees)
	}
	return sklearnTrees(m, stages.Objects, sklearnLeaf{rate: rate, width: 1}, budget)
}

// sklearnInit is the score that sums start from.
func sklearnInit(v any, m *models.Model) (float64, bool) {
	if v == "zero" {
		return 0, true
	}
	o, ok := v.(*pickle.Object)
	if !ok {
		return 0, false
	}
	switch o.Callable.Name {
	case "ZeroEstimator":
		return 0, true
	case "LogOddsEstimator", "ScaledLogOddsEstimator":
		return pickle.Number(o.Attribute("prior"))
	case "MeanEstimator":
		return pickle.Number(o.Attribute("mean"))
	case "QuantileEstimator":
		return pickle.Number(o.Attribute("quantile"))
	case "DummyRegressor":
		return numberAt(o.Attribute("constant_"), 0)
	case "DummyClassifier":
		if o.Attribute("strategy") != "prior" {
			return 0, false
		}
		p, ok := numberAt(o.Attribute("class_prior_"), 1)
		if !ok || !(p >= 0 && p <= 1) {
			return 0, false
		}
		const eps = 1.0 / (1 << 23) // of float32
		p = min(max(p, eps), 1-eps)
		return bitmath.Log(p/(1-p)) / m.Sigmoid, true
	}
	return 0, false
}

// numberAt is number i of an array of float64.
func numberAt(v any, i int) (float64, bool) {
	a, ok := pickle.ArrayOf(v)
	if !ok || a.Kind != 'f' {
		return 0, false
	}
	return a.Number(i)
}

// sharesOfTrees reads a forest whose trees each give the share of the bad class,
// of which predict_proba is the mean; or one such tree.
func sharesOfTrees(m *models.Model, o *pickle.Object, budget *int) error {
	m.Objective, m.Share = models.Regression, true
	if n, ok := pickle.Whole(o.Attribute("n_outputs_")); !ok || n != 1 {
		return fmt.Errorf("%w: a classifier of %d outputs, want 1", ErrUnsupported, n)
	}
	var err error
	if m.Classes, err = sklearnClasses(o.Attribute("classes_")); err != nil {
		return err
	}
	trees := []any{o}
	if list, ok := o.Attribute("estimators_").(*pickle.List); ok {
		trees, m.Average = list.Items, true
	}
	if len(trees) == 0 || len(trees) > models.MaxTrees {
		return fmt.Errorf("%w: %d trees, want 1 to %d", ErrFormat, len(trees), models.MaxTrees)
	}
	return sklearnTrees(m, trees, sklearnLeaf{rate: 1, width: 2}, budget)
}

// sklearnTrees reads the tree_ of each estimator.
func sklearnTrees(m *models.Model, estimators []any, leaf sklearnLeaf, budget *int) error {
	for i, e := range estimators {
		estimator, _ := e.(*pickle.Object)
		tree, _ := estimator.Attribute("tree_").(*pickle.Object)
		t, err := sklearnTree(tree, leaf, len(m.Features), budget)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		m.Trees = append(m.Trees, t)
	}
	return nil
}
