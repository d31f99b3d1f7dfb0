// SPDX-License-Identifier: Apache-2.0

package eval

import "math"

// Augmented holds the statistics of a sample with declined rows added.
type Augmented struct{ BadRate, AUC, KS, Brier float64 }

// Augment measures a sample with each declined row added twice: as bad with
// weight p and as good with weight 1-p, p being its PD with the odds multiplied
// by k (fuzzy augmentation, Siddiqi 2006). Rows are ranked by PD; nil weights are
// 1 each.
func Augment(label, pd, weight, declined, declinedWeight []float64, k float64) Augmented {
	n := len(label)
	score := append(append(make([]float64, 0, n+len(declined)), pd...), declined...)
	weigh := func(i int32) (bad, good float64) {
		if int(i) < n {
			w := WeightAt(weight, int(i))
			return float64(w * label[i]), float64(w * (1 - label[i]))
		}
		p, w := declined[int(i)-n], WeightAt(declinedWeight, int(i)-n)
		q := k * p / (float64(k*p) + 1 - p)
		return float64(w * q), float64(w * (1 - q))
	}
	var bad, good, brier float64
	order := FallingOrder(score)
	for _, i := range order {
		b, g := weigh(i)
		bad, good = bad+b, good+g
		p := score[i]
		brier += float64(b*float64((1-p)*(1-p))) + float64(g*float64(p*p))
	}
	r := Augmented{BadRate: Ratio(bad, bad+good), Brier: Ratio(brier, bad+good), AUC: math.NaN(), KS: math.NaN()}
	if bad == 0 || good == 0 {
		return r
	}
	var won, above, fp float64
	r.KS = 0
	for i := 0; i < len(order); {
		var sb, sg float64
		j := i
		for ; j < len(order) && score[order[j]] == score[order[i]]; j++ {
			b, g := weigh(order[j])
			sb, sg = sb+b, sg+g
		}
		won += float64(sg * (above + sb/2))
		above, fp = above+sb, fp+sg
		r.KS = math.Max(r.KS, math.Abs(above/bad-fp/good))
		i = j
	}
	r.AUC = won / (bad * good)
	return r
}
