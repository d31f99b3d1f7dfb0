// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/models"
)

// ReadSklearn reads a pickled GradientBoostingClassifier of two classes, or
// GradientBoostingRegressor, of scikit-learn 0.19 and later. The pickle is not
// run: nothing that it names is called.
//
// Values are rounded to float32 before they are compared, as scikit-learn does;
// a missing value, which scikit-learn refuses, goes right. Margins have the bits
// of decision_function. Only the initial score of a classifier of scikit-learn
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
	switch {
	case o.is("sklearn.ensemble", "GradientBoostingClassifier"):
		m.Objective = models.Binary
		loss, _ := o.field("loss").(string)
		switch loss {
		case "deviance", "log_loss":
		case "exponential":
			m.Sigmoid = 2
		default:
			return nil, fmt.Errorf("%w: the loss %q: want log_loss or exponential", ErrUnsupported, clip(loss))
		}
		if n, ok := whole(o.field("n_classes_")); !ok || n != 2 {
			return nil, fmt.Errorf("%w: a classifier of %d classes, want 2", ErrUnsupported, n)
		}
	case o.is("sklearn.ensemble", "GradientBoostingRegressor"):
		m.Objective = models.Regression
	default:
		return nil, fmt.Errorf("%w: %s: want GradientBoostingClassifier or GradientBoostingRegressor", ErrUnsupported, clip(o.by.name))
	}
	n, ok := whole(o.field("n_features_in_"))
	if !ok {
		n, ok = whole(o.field("n_features_")) // before 0.24
	}
	if !ok || n < 1 || n > models.MaxFeatures {
		return nil, fmt.Errorf("%w: the number of features is not one from 1 to %d", ErrFormat, models.MaxFeatures)
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
	rate, ok := number(o.field("learning_rate"))
	if !ok {
		return nil, fmt.Errorf("%w: learning_rate is not a number", ErrFormat)
	}
	if m.Init, ok = sklearnInit(o.field("init_"), m); !ok {
		return nil, fmt.Errorf("%w: the initial estimator: want the default one, or zero", ErrUnsupported)
	}
	stages, ok := arrayOf(o.field("estimators_"))
	if !ok || stages.objects == nil || len(stages.objects) > models.MaxTrees {
		return nil, fmt.Errorf("%w: estimators_ is not an array of at most %d trees", ErrFormat, models.MaxTrees)
	}
	for i, e := range stages.objects {
		estimator, _ := e.(*pickled)
		tree, _ := estimator.field("tree_").(*pickled)
		t, err := sklearnTree(tree, rate, n, &size)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		m.Trees = append(m.Trees, t)
	}
	if err := sound(m); err != nil {
		return nil, err
	}
	return m, nil
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

// sklearnTree reads a tree, and multiplies its leaves by the learning rate.
func sklearnTree(o *pickled, rate float64, features int, budget *int) (models.Tree, error) {
	bad := func(what string) (models.Tree, error) { return models.Tree{}, fmt.Errorf("%w: %s", ErrFormat, what) }
	if !o.is("sklearn.tree", "Tree") {
		return bad("it is missing")
	}
	nodes, ok1 := arrayOf(o.field("nodes"))
	values, ok2 := arrayOf(o.field("values"))
	if !ok1 || !ok2 || nodes.size == 0 || values.kind != 'f' || values.size != 8 {
		return bad("its nodes and values are not arrays")
	}
	n := len(nodes.data) / nodes.size
	if n == 0 || n > 2*models.MaxLeaves || len(values.data) != 8*n {
		return bad(fmt.Sprintf("%d nodes and %d values, want 1 to %d, and as many", n, len(values.data)/8, 2*models.MaxLeaves))
	}
	if *budget -= len(nodes.data); *budget < 0 {
		return bad("the trees have more nodes than the file has room for")
	}
	var left, right, feature, count, threshold, impurity member
	for _, f := range []struct {
		name  string
		to    *member
		float bool
	}{
		{"left_child", &left, false}, {"right_child", &right, false}, {"feature", &feature, false},
		{"n_node_samples", &count, false}, {"threshold", &threshold, true}, {"impurity", &impurity, true},
	} {
		var ok bool
		if *f.to, ok = nodes.member(f.name); !ok || (f.to.kind == 'f') != f.float {
			return bad("its nodes have no " + f.name)
		}
	}
	missing, hasMissing := nodes.member("missing_go_to_left")
	queue := []pending{{0, -1, false}}
	x := &xgbTree{}
	for k := 0; k < len(queue); k++ {
		p := queue[k]
		if k >= n {
			return bad("a node is the child of two, or there is a cycle")
		}
		l, r := nodes.int(p.node, left), nodes.int(p.node, right)
		if l < 0 {
			v := values.float(8 * p.node)
			x.attach(p, ^int32(len(x.out.LeafValue)))
			x.out.LeafValue = append(x.out.LeafValue, float64(rate*v))
			x.out.LeafCount = append(x.out.LeafCount, max(nodes.int(p.node, count), 0))
			continue
		}
		f, c := nodes.int(p.node, feature), nodes.float(p.node*nodes.size+threshold.offset)
		if l >= int64(n) || r < 0 || r >= int64(n) || f < 0 || f >= int64(features) || c != c {
			return bad(fmt.Sprintf("node %d has a child, a feature or a threshold out of range", p.node))
		}
		d := uint8(models.MissingNaN) << 2
		if hasMissing && nodes.int(p.node, missing) != 0 {
			d |= models.DecisionDefaultLeft
		}
		at := int32(len(x.out.Feature))
		x.attach(p, at)
		x.out.Feature, x.out.Threshold, x.out.Decision = append(x.out.Feature, int32(f)), append(x.out.Threshold, upTo32(c)), append(x.out.Decision, d)
		x.out.Left, x.out.Right = append(x.out.Left, 0), append(x.out.Right, 0)
		x.out.NodeCount = append(x.out.NodeCount, max(nodes.int(p.node, count), 0))
		x.out.Gain = append(x.out.Gain, decrease(nodes, p.node, int(l), int(r), count, impurity))
		queue = append(queue, pending{int(l), at, false}, pending{int(r), at, true})
	}
	x.out.Shrinkage = rate
	return x.out, nil
}

// decrease is by how much a split lowers the impurity, summed over its rows.
func decrease(nodes array, i, l, r int, count, impurity member) float64 {
	of := func(i int) float64 {
		return float64(float64(nodes.int(i, count)) * nodes.float(i*nodes.size+impurity.offset))
	}
	if d := of(i) - of(l) - of(r); d > 0 && !math.IsInf(d, 0) {
		return d
	}
	return 0
}

// upTo32 gives the largest float64 that, rounded to float32, is at most c.
func upTo32(c float64) float64 {
	f := float32(c)
	if float64(f) > c {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	if math.IsInf(float64(f), 0) {
		return float64(f)
	}
	return below(math.Nextafter32(f, float32(math.Inf(1))))
}
