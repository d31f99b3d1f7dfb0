// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"github.com/assayrisk/assay/models"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// walker sends binned rows down one tree.
type walker struct {
	nodes   []walkNode
	routers []*router
}

type walkNode struct {
	feature     int32 // of the matrix
	left, right int32
}

func newWalker(g *grower, t *models.Tree) *walker {
	w := &walker{nodes: make([]walkNode, len(t.Feature)), routers: g.routers}
	index := make([]int32, len(g.matrix.binners))
	for i, f := range g.matrix.features {
		index[f.column] = int32(i)
	}
	for i := range w.nodes {
		w.nodes[i] = walkNode{index[t.Feature[i]], t.Left[i], t.Right[i]}
	}
	return w
}

// add adds the value of its leaf to the score of every row of m.
func (w *walker) add(m *matrix, score, value []float64, team *workers.Team) {
	const block = 4096
	team.Run((len(score)+block-1)/block, func(k int) {
		lo, hi := k*block, min((k+1)*block, len(score))
		for r := lo; r < hi; r++ {
			i := int32(0)
			for i >= 0 {
				n := &w.nodes[i]
				c := &m.columns[n.feature]
				if w.routers[i][c.cells[r<<c.shift]] != 0 {
					i = n.left
				} else {
					i = n.right
				}
			}
			score[r] += value[^i]
		}
	})
}

// validation follows the margins of held-out rows.
type validation struct {
	booster       *booster
	matrix        *matrix
	data          *Dataset
	score         []float64
	metrics       []Metric
	bestValues    []float64 // best value of each metric
	bestAt        []int     // iteration of it
	bestIteration int
}

func newValidation(b *booster, d *Dataset) (*validation, error) {
	v := &validation{booster: b, data: d, score: make([]float64, d.Rows())}
	v.matrix = newMatrix(b.matrix.names, b.matrix.binners, d.Rows(), 0, false)
	v.matrix.fill(d, 0, b.team)
	if b.opt.Init != nil {
		s, err := startFrom(b.opt.Init, d, b.p)
		if err != nil {
			return nil, err
		}
		d, v.data = s, s
	}
	copy(v.score, d.InitScore)
	for i := range v.score {
		v.score[i] += b.bias
	}
	names := b.p.Metric
	if len(names) == 0 && len(b.opt.Metrics) == 0 {
		names = []string{defaultMetric(b.p.Objective)}
	}
	for _, n := range names {
		m, err := metricByName(n, b.p)
		if err != nil {
			return nil, err
		}
		v.metrics = append(v.metrics, m)
	}
	v.metrics = append(v.metrics, b.opt.Metrics...)
	v.bestValues, v.bestAt = make([]float64, len(v.metrics)), make([]int, len(v.metrics))
	return v, nil
}

// add adds one more tree to the scores. The first tree contains the bias, and
// scores start from it already.
func (v *validation) add(g *grower, t *models.Tree) {
	value := t.LeafValue
	if len(v.booster.model.Trees) == 1 {
		for i := range v.score {
			v.score[i] = 0
		}
		if v.data.InitScore != nil {
			copy(v.score, v.data.InitScore)
		}
	}
	newWalker(g, t).add(v.matrix, v.score, value, v.booster.team)
}

// measure evaluates the metrics after an iteration; stop is true when one of
// them has not improved for early_stopping_round iterations.
func (v *validation) measure(iteration int) (evals []Eval, stop bool) {
	for i, m := range v.metrics {
		x := m.Score(v.score, v.data.Label, v.data.Weight)
		evals = append(evals, Eval{iteration, m.Name, x})
		gain := x - v.bestValues[i]
		if !m.HigherBetter {
			gain = -gain
		}
		if v.bestAt[i] == 0 || gain > v.booster.p.EarlyStoppingDelta {
			v.bestValues[i], v.bestAt[i] = x, iteration
			if i == 0 {
				v.bestIteration = iteration
			}
		} else if r := v.booster.p.EarlyStoppingRound; r > 0 && iteration-v.bestAt[i] >= r &&
			(i == 0 || !v.booster.p.FirstMetricOnly) {
			v.bestIteration = v.bestAt[i]
			stop = true
		}
	}
	return evals, stop
}
