// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt/workers"
)

// Refit keeps the trees' splits and fits their leaf values to new rows, tree
// by tree: a leaf's value becomes refit_decay_rate times the old value plus
// 1-refit_decay_rate times the value that fits the new rows. Leaves that no new
// row reaches keep their values. m is not changed. p gives the objective's parameters,
// learning_rate where a tree does not record its own, and the regularisation.
func Refit(ctx context.Context, m *models.Model, d *Dataset, p Params) (*models.Model, error) {
	if err := p.Check(len(d.Columns)); err != nil {
		return nil, err
	}
	if err := checkContinues(m, len(d.Columns), &p); err != nil {
		return nil, err
	}
	if err := d.check("new", p.Objective); err != nil {
		return nil, err
	}
	for _, f := range m.Features {
		if f.Monotone != 0 {
			return nil, fmt.Errorf("%w: the model has monotone constraints, which new leaf values could break; train "+
				"it again", assay.ErrPrecondition)
		}
	}
	team := workers.New(p.NumThreads)
	defer team.Close()
	obj := newObjective(&p, d.Label, d.Weight)
	gr := newGradients(d.Rows())
	out := *m
	out.Trees = make([]models.Tree, len(m.Trees))
	score := make([]float64, d.Rows())
	copy(score, d.InitScore)
	bias := 0.0
	if p.BoostFromAverage && d.InitScore == nil && m.Init == 0 {
		bias = obj.start()
	}
	leaves := make([]int32, d.Rows())
	for i := range score {
		score[i] += m.Init + bias
	}
	for k := range m.Trees {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("refit stopped after %d trees: %w", k, err)
		}
		t := m.Trees[k] // its node arrays are shared with m
		leafIndex(&t, d, leaves, team)
		rows := make([][]uint32, t.Leaves())
		for i, l := range leaves {
			rows[l] = append(rows[l], uint32(i))
		}
		gr.compute(obj, score, team)
		refitTree(&t, m.Features, rows, gr, obj, score, &p, bias)
		for i, l := range leaves {
			score[i] += t.LeafValue[l] - bias
		}
		bias = 0
		out.Trees[k] = t
	}
	return &out, nil
}

// refitTree replaces the leaf arrays of t. The first tree contains the bias, and
// score starts from it already.
func refitTree(t *models.Tree, features []models.FeatureInfo, rows [][]uint32, gr *gradients, obj objective,
	score []float64, p *Params, bias float64) {
	n := t.Leaves()
	old := t.LeafValue
	t.LeafValue, t.LeafHess, t.LeafCount = make([]float64, n), make([]float64, n), make([]int64, n)
	rate := t.Shrinkage
	if rate <= 0 {
		rate = p.LearningRate
	}
	l2 := make([]float64, n) // under a split of many categories, cat_l2 too
	for i := range l2 {
		l2[i] = p.LambdaL2
	}
	for i, f := range t.Feature {
		if t.Decision[i]&models.DecisionCategorical == 0 || len(features[f].Categories) < p.MaxCatToOnehot {
			continue
		}
		for _, c := range [2]int32{t.Left[i], t.Right[i]} {
			if c < 0 {
				l2[^c] += p.CatL2
			}
		}
	}
	for i, r := range rows {
		t.LeafValue[i] = old[i]
		if len(r) == 0 {
			continue
		}
		g, h := gr.exactSums(r)
		v := p.output(g, h, l2[i], len(r), 0)
		if q, ok := obj.leafValue(score, r); ok {
			v = q
		}
		v = float64(v*rate) + bias
		t.LeafValue[i] = float64(p.RefitDecayRate*old[i]) + float64((1-p.RefitDecayRate)*v)
		t.LeafHess[i], t.LeafCount[i] = h, int64(len(r))
	}
}

// leafIndex finds the leaf of every row.
func leafIndex(t *models.Tree, d *Dataset, leaves []int32, team *workers.Team) {
	const block = 1024
	team.Run((len(leaves)+block-1)/block, func(k int) {
		x := make([]float64, len(d.Columns))
		for i := k * block; i < min((k+1)*block, len(leaves)); i++ {
			for j, c := range d.Columns {
				x[j] = c[i]
			}
			leaves[i] = int32(t.Leaf(x))
		}
	})
}
