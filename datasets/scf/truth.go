// SPDX-License-Identifier: Apache-2.0

package scf

import (
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Truth is what the generator knows of one application.
type Truth struct {
	ID      string
	Micros  int64
	Visible float64 // log-odds of default without the hidden shock: what a perfect model knows
	PD      float64 // the true probability, hidden shock included
	Default bool    // drawn with probability PD
	Fraud   string  // planted pattern, "" if none
}

// shock is the standard deviation of the hidden shock.
const shock = 0.6

// truth computes the true probability of an application, from the state of the
// world before it:
//
//	late         mean days past due of the buyer's payments of the last 180 days, at most 30
//	utilisation  what the buyer asked for in the last 90 days, this included, over its limit, at most 3
//	index        level of the buyer's sector
//	newness      exp(-age of the pair / 60 days)
//	gap          (invoiced - received) / invoiced, 0 to 0.3
//	dilution     credit notes over invoices of the pair in the last 365 days, at most 0.5
//	cover        collateral / amount, at most 1
func (w *World) truth(d *deal, amount, collateral float64) Truth {
	b := d.pair.buyer
	late := 0.0
	if n, sum := b.late.since(w.now - 180*day); n > 0 {
		late = min(sum/float64(n), 30)
	}
	_, asked := b.asked.since(w.now - 90*day)
	utilisation := min((asked+amount)/b.limit, 3)
	newness := bitmath.Exp(-float64(w.now-d.pair.first) / float64(60*day))
	gap := min(max(0, (d.invoiced-d.received)/d.invoiced), 0.3)
	_, billed := d.pair.invoiced.since(w.now - 365*day)
	_, credited := d.pair.credited.since(w.now - 365*day)
	dilution := 0.0
	if billed > 0 {
		dilution = min(credited/billed, 0.5)
	}
	cover := min(collateral/amount, 1)
	z := -4.3
	for _, term := range [...]float64{
		float64(0.28 * late), float64(0.55 * utilisation), float64(-0.5 * w.index[b.sector]), float64(0.9 * newness),
		float64(6 * gap), float64(5 * dilution), float64(-1.1 * cover), float64(float64(0.06*late) * utilisation),
	} {
		z += term
	}
	return Truth{
		Micros: w.now, Visible: z, Fraud: d.fraud,
		PD: bitmath.Sigmoid(z + float64(shock*w.normal())),
	}
}

// Truths returns what the generator knows of the applications emitted so far,
// in their order.
func (w *World) Truths() []Truth { return w.truths }

// BestAUC is the AUC of the visible log-odds against the defaults that were
// drawn: what a model reaches that has found out everything the stream shows.
// Oracle is the AUC of the true probability, which knows the hidden shock, too.
func BestAUC(truths []Truth) (best, oracle float64) {
	visible, pd, y := make([]float64, len(truths)), make([]float64, len(truths)), make([]bool, len(truths))
	for i, t := range truths {
		visible[i], pd[i], y[i] = t.Visible, t.PD, t.Default
	}
	return auc(visible, y), auc(pd, y)
}

// auc is the Mann-Whitney statistic, ties counted half.
func auc(score []float64, bad []bool) float64 {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b]:
			return -1
		case score[a] > score[b]:
			return 1
		}
		return a - b
	})
	var ranks, nBad float64
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && score[order[j]] == score[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			if bad[order[k]] {
				ranks += float64(i+j+1) / 2
				nBad++
			}
		}
		i = j
	}
	nGood := float64(len(score)) - nBad
	if nBad == 0 || nGood == 0 {
		return math.NaN()
	}
	return (ranks - nBad*(nBad+1)/2) / (nBad * nGood)
}
