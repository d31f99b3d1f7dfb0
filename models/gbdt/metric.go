// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
)

// Metric compares margins with labels. Score gets one margin and one label per
// row, and weights or nil.
type Metric struct {
	Name         string
	HigherBetter bool
	Score        func(margin, label, weight []float64) float64
}

// metricByName returns a built-in metric.
func metricByName(name string, p *Params) (Metric, error) {
	prob := func(m float64) float64 { return 1 / (1 + exp(-float64(p.Sigmoid*m))) }
	loss := func(f func(m, y float64) float64) func(a, b, c []float64) float64 {
		return func(margin, label, weight []float64) float64 {
			var s, w float64
			for i, m := range margin {
				wi := 1.0
				if weight != nil {
					wi = weight[i]
				}
				s += float64(wi * f(m, label[i]))
				w += wi
			}
			return s / w
		}
	}
	switch name {
	case "auc":
		return Metric{name, true, auc}, nil
	case "gini":
		return Metric{name, true, func(m, y, w []float64) float64 { return float64(2*auc(m, y, w)) - 1 }}, nil
	case "ks":
		return Metric{name, true, kolmogorovSmirnov}, nil
	case "average_precision":
		return Metric{name, true, averagePrecision}, nil
	case "binary_logloss", "cross_entropy":
		return Metric{name, false, loss(func(m, y float64) float64 {
			q := min(max(prob(m), 1e-15), 1-1e-15)
			return -(float64(y*log(q)) + float64((1-y)*log(1-q)))
		})}, nil
	case "brier":
		return Metric{name, false, loss(func(m, y float64) float64 { d := prob(m) - y; return d * d })}, nil
	case "binary_error":
		return Metric{name, false, loss(func(m, y float64) float64 {
			if prob(m) > 0.5 == (y > 0) {
				return 0
			}
			return 1
		})}, nil
	case "l2":
		return Metric{name, false, loss(func(m, y float64) float64 { d := m - y; return d * d })}, nil
	case "rmse":
		l := loss(func(m, y float64) float64 { d := m - y; return d * d })
		return Metric{name, false, func(m, y, w []float64) float64 { return math.Sqrt(l(m, y, w)) }}, nil
	case "l1":
		return Metric{name, false, loss(func(m, y float64) float64 { return math.Abs(m - y) })}, nil
	case "quantile":
		return Metric{name, false, loss(func(m, y float64) float64 {
			if d := y - m; d >= 0 {
				return p.Alpha * d
			}
			return (p.Alpha - 1) * (y - m)
		})}, nil
	}
	return Metric{},
		fmt.Errorf("%w: parameter metric: %q is not one of auc, gini, ks, average_precision, binary_logloss, "+
			"cross_entropy, brier, binary_error, l2, rmse, l1, quantile", assay.ErrInvalid, name)
}

// defaultMetric is LightGBM's for an objective.
func defaultMetric(o models.Objective) string {
	switch o {
	case models.Binary:
		return "binary_logloss"
	case models.CrossEntropy:
		return "cross_entropy"
	case models.Quantile:
		return "quantile"
	}
	return "l2"
}

// eachRank calls fn for each set of equal margins, highest first, with the
// weights of its positive and negative rows.
func eachRank(margin, label, weight []float64, fn func(pos, neg float64)) {
	order := make([]uint32, len(margin))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		switch {
		case margin[a] > margin[b]:
			return -1
		case margin[a] < margin[b]:
			return 1
		}
		return int(a) - int(b)
	})
	for i := 0; i < len(order); {
		var pos, neg float64
		m := margin[order[i]]
		for ; i < len(order) && margin[order[i]] == m; i++ {
			r := order[i]
			w := 1.0
			if weight != nil {
				w = weight[r]
			}
			if label[r] > 0 {
				pos += w
			} else {
				neg += w
			}
		}
		fn(pos, neg)
	}
}

// auc is the area under the ROC curve; 1/2 when a class is absent.
func auc(margin, label, weight []float64) float64 {
	var area, pos, neg float64
	eachRank(margin, label, weight, func(p, n float64) {
		area += float64(n * (pos + p/2))
		pos += p
		neg += n
	})
	if pos == 0 || neg == 0 {
		return 0.5
	}
	return area / (pos * neg)
}

// kolmogorovSmirnov is the greatest distance between the distributions of the two
// classes.
func kolmogorovSmirnov(margin, label, weight []float64) float64 {
	var pos, neg float64
	eachRank(margin, label, weight, func(p, n float64) { pos += p; neg += n })
	if pos == 0 || neg == 0 {
		return 0
	}
	var cp, cn, best float64
	eachRank(margin, label, weight, func(p, n float64) {
		cp += p
		cn += n
		best = max(best, math.Abs(cp/pos-cn/neg))
	})
	return best
}

// averagePrecision is the mean of precision over recall steps.
func averagePrecision(margin, label, weight []float64) float64 {
	var s, cp, cn float64
	eachRank(margin, label, weight, func(p, n float64) {
		cp += p
		cn += n
		if p > 0 {
			s += float64(p * (cp / (cp + cn)))
		}
	})
	if cp == 0 {
		return 0
	}
	return s / cp
}
