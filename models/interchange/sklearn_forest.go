// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"

	"github.com/assayrisk/assay/models"
)

// shareForest reads a forest whose trees each give the share of a class, of
// which predict_proba is the mean; or one such tree.
func shareForest(m *models.Model, o *pickled, size int) error {
	m.Objective, m.Share = models.Regression, true
	if n, ok := whole(o.field("n_outputs_")); !ok || n != 1 {
		return fmt.Errorf("%w: a classifier of %d outputs, want 1", ErrUnsupported, n)
	}
	var err error
	if m.Classes, err = sklearnClasses(o.field("classes_")); err != nil {
		return err
	}
	trees := []any{o}
	if list, ok := o.field("estimators_").(*pickleList); ok {
		trees, m.Average = list.items, true
	}
	if len(trees) == 0 || len(trees) > models.MaxTrees {
		return fmt.Errorf("%w: %d trees, want 1 to %d", ErrFormat, len(trees), models.MaxTrees)
	}
	for i, e := range trees {
		estimator, _ := e.(*pickled)
		tree, _ := estimator.field("tree_").(*pickled)
		t, err := sklearnTree(tree, sklearnLeaf{rate: 1, width: 2}, len(m.Features), &size)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		m.Trees = append(m.Trees, t)
	}
	return nil
}
