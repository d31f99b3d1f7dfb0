// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/assayrisk/assay/models"
)

// ReadXGBoostBinary reads the binary format that XGBoost wrote before JSON, and
// up to 1.x when a file's name did not end in .json or .ubj. Margins are as
// ReadXGBoost says. All numbers are little-endian:
//
//	["binf"]
//	learner  base_score float32, num_feature uint32, num_class int32, 2 x int32,
//	         major version uint32, 28 x int32
//	         objective and booster, each a length (uint64) and a name
//	forest   num_trees int32, 5 x int32, num_output_group, size_leaf_vector int32, 32 x int32
//	tree     num_roots, num_nodes int32, 35 x int32
//	         nodes: parent, left, right int32, feature uint32 (top bit: missing go left),
//	         leaf value or threshold float32
//	         statistics: gain, hessian, weight float32, int32
func ReadXGBoostBinary(r io.Reader) (*models.Model, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	x := xgbBinaryReader{b: bytes.TrimPrefix(b, []byte("binf"))}
	m, err := x.model()
	if err != nil {
		return nil, fmt.Errorf("xgboost binary: %w", err)
	}
	return m, nil
}

type xgbBinaryReader struct{ b []byte }

func (x *xgbBinaryReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(x.b) {
		return nil, fmt.Errorf("%w: the file is cut off", ErrFormat)
	}
	p := x.b[:n]
	x.b = x.b[n:]
	return p, nil
}

func (x *xgbBinaryReader) name() (string, error) {
	p, err := x.take(8)
	if err != nil {
		return "", err
	}
	n := binary.LittleEndian.Uint64(p)
	if n > 64 {
		return "", fmt.Errorf("%w: a name of %d bytes", ErrFormat, n)
	}
	p, err = x.take(int(n))
	return string(p), err
}

func float32At(p []byte, at int) float64 {
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(p[at:])))
}

func int32At(p []byte, at int) int { return int(int32(binary.LittleEndian.Uint32(p[at:]))) }

// model makes the document that the header would be in JSON, so that the same
// code understands both.
func (x *xgbBinaryReader) model() (*models.Model, error) {
	learner, err := x.take(136)
	if err != nil {
		return nil, err
	}
	objective, err := x.name()
	if err != nil {
		return nil, err
	}
	booster, err := x.name()
	if err != nil {
		return nil, err
	}
	if booster != "gbtree" {
		return nil, fmt.Errorf("%w: booster %q: want gbtree", ErrUnsupported, clip(booster))
	}
	if major := int32At(learner, 20); major < 1 {
		return nil, fmt.Errorf("%w: a file of XGBoost %d.x: load it with XGBoost 1.x and save it as JSON",
			ErrUnsupported, major)
	}
	number := func(v float64) *document { return &document{numbers: []float64{v}} }
	d := &document{fields: map[string]*document{
		"learner_model_param": {fields: map[string]*document{
			"base_score":  number(float32At(learner, 0)),
			"num_feature": number(float64(binary.LittleEndian.Uint32(learner[4:]))),
			"num_class":   number(float64(int32At(learner, 8))),
		}},
		"objective": {fields: map[string]*document{"name": {text: objective}}},
	}}
	m := &models.Model{Sigmoid: 1, Float32Sums: true}
	if err := xgbObjective(m, d, nil); err != nil {
		return nil, err
	}
	if err := xgbFeatures(m, d); err != nil {
		return nil, err
	}
	head, err := x.take(160)
	if err != nil {
		return nil, err
	}
	trees := int32At(head, 0)
	if trees < 0 || trees > models.MaxTrees {
		return nil, fmt.Errorf("%w: %d trees, want 0 to %d", ErrFormat, trees, models.MaxTrees)
	}
	for i := range trees {
		t, err := x.tree(len(m.Features))
		if err == nil {
			err = t.convert()
		}
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		m.Trees = append(m.Trees, t.out)
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	return m, nil
}

func (x *xgbBinaryReader) tree(features int) (*foreignTree, error) {
	head, err := x.take(148)
	if err != nil {
		return nil, err
	}
	n := int32At(head, 4)
	if n < 1 || n > 2*models.MaxLeaves {
		return nil, fmt.Errorf("%w: %d nodes, want 1 to %d", ErrFormat, n, 2*models.MaxLeaves)
	}
	if int32At(head, 20) > 1 {
		return nil, fmt.Errorf("%w: leaves with several values", ErrUnsupported)
	}
	nodes, err := x.take(20 * n)
	if err != nil {
		return nil, err
	}
	stats, err := x.take(16 * n)
	if err != nil {
		return nil, err
	}
	t := newForeignTree()
	t.splitKind = make([]int, n)
	for i := range n {
		p, s := nodes[20*i:], stats[16*i:]
		left, right, split := int32At(p, 4), int32At(p, 8), binary.LittleEndian.Uint32(p[12:])
		if left < -1 || right < -1 || left >= n || right >= n || (left < 0) != (right < 0) {
			return nil, fmt.Errorf("%w: node %d has the children %d and %d", ErrFormat, i, left, right)
		}
		if left >= 0 && int(split&^(1<<31)) >= features {
			return nil, fmt.Errorf("%w: a split on feature %d of %d", ErrFormat, split&^(1<<31), features)
		}
		t.left, t.right, t.feature = append(t.left, left), append(t.right, right),
			append(t.feature, int(split&^(1<<31)))
		t.defaultLeft = append(t.defaultLeft, int(split>>31))
		t.condition = append(t.condition, float32At(p, 16))
		t.gain, t.hess, t.weight = append(t.gain, float32At(s, 0)), append(t.hess, float32At(s, 4)),
			append(t.weight, float32At(s, 8))
	}
	return t, nil
}
