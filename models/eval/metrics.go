// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Metric is a named statistic with its interval.
type Metric struct {
	Name string `json:"name"` // stable: "auc", "tpr_at_fpr_0.05", ...
	Estimate
}

// CatchShares are the rejection rates of good rows at which the catch is reported.
var CatchShares = [...]float64{0.01, 0.05, 0.10, 0.20}

// PartialShare is the share of good rows rejected up to which the partial area is
// measured: nobody would set a cut-off beyond it.
const PartialShare = 0.2

// Metrics returns the statistics of a sample that every report has, each with its
// interval. Their names do not change between versions: auc, gini, ks, h_measure, average_precision,
// tpr_at_fpr_0.01 and so on, brier, logloss, bad_rate, mean_pd, partial_auc. One
// bootstrap of the given replicates serves all; c is the curve of the rows of label,
// pd and weight (nil = 1 each).
func Metrics(ctx context.Context, c *Curve, label, pd, weight []float64, replicates int, seed uint64) (
	[]Metric, error) {
	n := c.Rows()
	point := make([]float64, 0, 16)
	names := []string{"ks", "h_measure", "average_precision"}
	ks, _ := c.KS()
	point = append(point, ks, c.HMeasure(), c.AveragePrecision())
	for _, f := range CatchShares {
		names = append(names, fmt.Sprintf("tpr_at_fpr_%.2f", f))
		point = append(point, c.TPRAt(f))
	}
	names = append(names, "brier", "logloss", "bad_rate", "mean_pd", "partial_auc")
	rows := inFallingOrder(c, label, pd, weight)
	point = append(point, Brier(label, pd, weight), LogLoss(label, pd, weight), c.BadRate(),
		WeightedMean(rows.pd, rows.weight), c.PartialAUC(PartialShare))
	draws, err := drawMetrics(ctx, c, replicates, len(point), seed, rows)
	if err != nil {
		return nil, err
	}
	auc := c.Area()
	gini := auc
	gini.Value, gini.Low, gini.High = 2*auc.Value-1, 2*auc.Low-1, 2*auc.High-1
	auc.Chance, gini.Chance = numfmt.Pointer(0.5), numfmt.Pointer(0)
	out := []Metric{{"auc", auc}, {"gini", gini}}
	for j, name := range names {
		r := replicated{point[j], draws[j], n, c.rarer(), fmt.Sprintf("bootstrap, %d resamples", replicates)}
		share := math.NaN()
		if j >= 3 && j < 3+len(CatchShares) {
			share = CatchShares[j-3]
		}
		out = append(out, Metric{name, c.metricInterval(name, r, share)})
	}
	return out, nil
}

// metricInterval computes the interval by the method that fits the statistic; share
// is the share of good rows lost, for the metrics tpr_at_fpr.
func (c *Curve) metricInterval(name string, r replicated, share float64) Estimate {
	switch name {
	case "ks":
		return c.ksInterval(r)
	case "h_measure":
		return r.share()
	case "average_precision":
		e := r.share()
		e.Chance = numfmt.Pointer(c.BadRate())
		return e
	case "partial_auc":
		e := r.share()
		e.Chance = numfmt.Pointer(0.5)
		return e
	case "brier", "logloss":
		return r.size()
	case "bad_rate":
		return c.BadRateEstimate() // one method for rates everywhere
	case "mean_pd":
		r.rarer = c.Tally().Effective()
		return r.size()
	}
	e := c.catchInterval(r, share)
	e.Chance = numfmt.Pointer(share)
	return e
}

// inFallingOrder returns the rows from the highest score to the lowest, the order of
// the curve's steps; resamples do not depend on the order of rows.
func inFallingOrder(c *Curve, label, pd, weight []float64) drawnRows {
	n := c.Rows()
	r := drawnRows{bad: make([]uint8, n), weight: Select(weight, c.Falling), pd: make([]float64, n),
		brier: make([]float64, n), loss: make([]float64, n)}
	for k, i := range c.Falling {
		y, p := label[i], pd[i]
		r.bad[k], r.pd[k] = uint8(y), p
		r.brier[k] = float64((p - y) * (p - y))
		r.loss[k] = rowLoss(y, p)
	}
	return r
}

// drawnRows holds the rows that resamples draw from, from the highest score to the
// lowest.
type drawnRows struct {
	bad                     []uint8
	weight, pd, brier, loss []float64
}

// drawMetrics computes the statistics of Metrics, in its order, for each resample.
func drawMetrics(ctx context.Context, c *Curve, replicates, statistics int, seed uint64, rows drawnRows) (
	[][]float64, error) {
	scratch := make(chan *Curve, 64) // one per thread in flight
	return resamples(ctx, c.Rows(), statistics, replicates, seed, func(dst []float64, counts []uint16) {
		var into *Curve
		select {
		case into = <-scratch:
		default:
			into = &Curve{}
		}
		r := c.resampled(into, rows.bad, counts, rows.weight)
		dst[0], _ = r.KS()
		dst[1], dst[2] = r.HMeasure(), r.AveragePrecision()
		for j, f := range CatchShares {
			dst[3+j] = r.TPRAt(f)
		}
		var sb, sl, sp float64
		for i, m := range counts {
			w := float64(float64(m) * WeightAt(rows.weight, i))
			sb, sl, sp = sb+float64(w*rows.brier[i]), sl+float64(w*rows.loss[i]), sp+float64(w*rows.pd[i])
		}
		j, total := 3+len(CatchShares), r.BadTally.Sum+r.GoodTally.Sum
		dst[j], dst[j+1], dst[j+2], dst[j+3] = sb/total, sl/total, r.BadRate(), sp/total
		dst[j+4] = r.PartialAUC(PartialShare)
		select {
		case scratch <- into:
		default:
		}
	})
}
