// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/numfmt"
)

// WOEBin is one bin of a variable. Its weight of evidence is ln of the share
// of all bad rows over the share of all good rows that fall into it: above 0
// the bin is riskier than the average.
type WOEBin struct {
	Name      string
	Bad, Good float64 // rows, by weight where they have weights
	WOE       float64
}

// Binned is a variable cut into bins, with its information value.
type Binned struct {
	Bins  []WOEBin // missing last, when there are missing values
	Other []string // of a category: the levels that the bin "other" gathers
	IV    float64  // sum over bins of (share bad - share good) WOE; NaN when a class is absent
}

// MaxLevels is the largest number of bins of a category, missing values aside: with
// more levels, the rarer ones share a bin.
const MaxLevels = 12

// BinVariable cuts a column. Numbers are cut into at most ten bins of nearly
// equal size; categories (codes into names) keep a bin each, rare ones
// gathered under "other". Half a row is added to bins with an empty class.
func BinVariable(label, x []float64, categories []string) Binned {
	if categories == nil {
		return rankColumn(label, x).binned(label, numfmt.Plain)
	}
	return binCategory(label, x, nil, categories)
}

func binCategory(label, x, weight []float64, categories []string) Binned {
	names, rare, of := levels(x, weight, categories)
	bins := make([]WOEBin, len(names))
	for i, n := range names {
		bins[i].Name = n
	}
	for i, v := range x {
		bins[of(v)].add(label[i], WeightAt(weight, i))
	}
	out := evidence(bins, TallyOf(weight, len(x)).HalfRow())
	out.Other = rare
	return out
}

// binWeighted cuts a number whose rows have weights into bins.
func binWeighted(label, x, weight []float64, format numfmt.Format) Binned {
	cuts := Cuts(x, weight, 10)
	names := IntervalNames(cuts, format)
	bins := make([]WOEBin, len(names))
	for i, n := range names {
		bins[i].Name = n
	}
	for i, v := range x {
		bins[Bin(cuts, v)].add(label[i], weight[i])
	}
	return evidence(bins, TallyOf(weight, len(x)).HalfRow())
}

func (b *WOEBin) add(label, weight float64) {
	if label == 1 {
		b.Bad += weight
	} else {
		b.Good += weight
	}
}

// evidence drops empty bins and computes the weight of evidence of the others; half
// is half a row.
func evidence(bins []WOEBin, half float64) Binned {
	bins = slices.DeleteFunc(bins, func(b WOEBin) bool { return b.Bad+b.Good == 0 })
	out := Binned{Bins: bins}
	var bad, good float64
	for _, b := range bins {
		bad, good = bad+b.Bad, good+b.Good
	}
	if bad == 0 || good == 0 {
		out.IV = math.NaN()
		for i := range bins {
			bins[i].WOE = math.NaN()
		}
		return out
	}
	for i := range bins {
		b := &bins[i]
		nb, ng := b.Bad, b.Good
		if nb == 0 || ng == 0 {
			nb, ng = nb+half, ng+half
		}
		pb, pg := nb/bad, ng/good
		b.WOE = bitmath.Log(pb / pg)
		out.IV += float64((pb - pg) * b.WOE)
	}
	return out
}

// IntervalNames names the bins between cuts, and last the bin of missing values. Cuts
// that are equal to four digits are printed with as many digits as they need.
func IntervalNames(cuts []float64, format numfmt.Format) []string {
	words := distinctNumbers(cuts, format)
	names := make([]string, 0, len(cuts)+2)
	for i := range cuts {
		if i == 0 {
			names = append(names, "≤ "+words[0])
		} else {
			names = append(names, words[i-1]+" – "+words[i])
		}
	}
	if len(cuts) == 0 {
		names = append(names, "all values")
	} else {
		names = append(names, "> "+words[len(cuts)-1])
	}
	return append(names, "missing")
}

// distinctNumbers prints rising numbers with enough digits that no two look alike.
func distinctNumbers(x []float64, format numfmt.Format) []string {
	out := make([]string, len(x))
	for i, v := range x {
		out[i] = format.Print(v)
	}
	for digits := 5; digits <= 17 && repeats(out); digits++ {
		for i, v := range x {
			out[i] = numfmt.Minus(strconv.FormatFloat(v, 'g', digits, 64))
		}
	}
	return out
}

// repeats reports whether two neighbours are equal.
func repeats(s []string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == s[i-1] {
			return true
		}
	}
	return false
}

// levels returns the most frequent categories in the order of their codes; rare are
// the others that occur, which share the bin "other".
func levels(x, weight []float64, categories []string) (names, rare []string, of func(float64) int) {
	count := make([]float64, len(categories))
	for i, v := range x {
		if k := int(v); v >= 0 && k < len(count) {
			count[k] += WeightAt(weight, i)
		}
	}
	order := make([]int, len(count))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(count[b], count[a]) })
	slot := make([]int, len(count))
	if len(order) > MaxLevels {
		order = order[:MaxLevels-1]
	}
	slices.Sort(order)
	const gathered = -1
	for i := range slot {
		slot[i] = gathered
	}
	for _, k := range order {
		if categories[k] == "other" {
			continue // one bin of that name, with the rare ones
		}
		slot[k] = len(names)
		names = append(names, categories[k])
	}
	other := len(names)
	names = append(names, "other", "missing")
	for k, n := range count {
		if slot[k] == gathered && n > 0 && categories[k] != "other" {
			rare = append(rare, categories[k])
		}
	}
	return names, rare, func(v float64) int {
		if math.IsNaN(v) {
			return other + 1
		}
		if k := int(v); v >= 0 && k < len(slot) && slot[k] != gathered {
			return slot[k]
		}
		return other
	}
}
