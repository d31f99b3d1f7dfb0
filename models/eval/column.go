// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"sort"

	"github.com/assayrisk/assay/internal/numfmt"
)

// column is what the report knows of one feature. Sorting a column is what a
// report of many rows spends its time on, so each is sorted once, here, and
// only figures are kept.
type column struct {
	binned       Binned      // bins of the evaluated rows, with weights of evidence
	alone        Estimate    // AUC of the value by itself; NaN for a category
	psi          float64     // against training, NaN without
	psiChance    float64     // what no shift gives on average
	ivChance     float64     // what a variable without information gives on average
	bins         featureBins // of the training rows, or of the evaluated where those are not given
	expected     []float64   // training (or evaluated) rows by bin
	missing      float64     // share of the evaluated rows
	missingTrain float64     // of the training rows, NaN without
	distinct     int
	low, median  float64
	high         float64
	far          int // rows outside Tukey's outer fence
	spread       float64
	partner      int // the feature most correlated with it, -1 for none
	rho          float64
	format       numfmt.Format // of its values
}

// columns measures every feature.
func (b *builder) columns() error {
	b.cols = make([]column, len(b.in.Features))
	b.each(len(b.cols), func(j int) {
		var trained []float64
		if b.in.Train != nil {
			trained = b.in.Train.Weight
		}
		b.cols[j] = measure(b.in.Label, b.in.Weight, trained, &b.in.Features[j])
		b.cols[j].ivChance = chancePSI(len(b.cols[j].binned.Bins), b.curve.badMass.effective(),
			b.curve.goodMass.effective())
	})
	return b.ctx.Err()
}

// measure measures a feature; weight is of the evaluated rows, trained of the
// training rows, nil for rows that have none.
func measure(label, weight, trained []float64, f *Feature) column {
	if f.Categories != nil {
		return measureCategory(label, weight, trained, f)
	}
	r := rankColumn(label, f.Values)
	n := len(r.value)
	c := column{psi: math.NaN(), psiChance: math.NaN(), missing: 1 - share(n, len(f.Values)), missingTrain: math.NaN(),
		partner: -1, rho: math.NaN(), spread: spread(f.Values, nil)}
	c.format = f.format()
	c.low, c.median, c.high = Quantile(r.value, 0), Quantile(r.value, 0.5), Quantile(r.value, 1)
	c.distinct, c.far = distinct(r.value), farValues(r.value)
	if weight == nil {
		c.alone, c.binned = r.curve().Area(), r.binned(label, c.format)
	} else {
		rows := known(f.Values)
		c.alone = newCurve(subset(label, rows), subset(f.Values, rows), subset(weight, rows)).Area()
		c.binned = binWeighted(label, f.Values, weight, c.format)
	}
	var reference []float64
	switch {
	case f.Train != nil:
		reference = sortedValues(f.Train)
		c.missingTrain = 1 - share(len(reference), len(f.Train))
	default:
		reference, trained = r.value, weight
	}
	against := f.Train
	if against == nil {
		against = f.Values
	}
	c.bins = featureBins{cuts: cutsOf(reference, 10)}
	if trained != nil {
		c.bins.cuts = weightedCuts(against, trained, 10)
		c.expected = c.bins.count(against, trained)
	} else {
		c.expected = c.bins.countSorted(reference, len(against)-len(reference))
	}
	if f.Train == nil {
		return c
	}
	seen := c.bins.countSorted(r.value, len(f.Values)-n)
	if weight != nil {
		seen = c.bins.count(f.Values, weight)
	}
	c.shift(seen, weight, trained, f)
	return c
}

// shift compares the evaluated rows by bin with those of training.
func (c *column) shift(seen, weight, trained []float64, f *Feature) {
	before, now := massOf(trained, len(f.Train)), massOf(weight, len(f.Values))
	c.psi = stabilityIndex(c.expected, seen, before.half(), now.half())
	c.psiChance = chancePSI(usedBins(c.expected, seen), before.effective(), now.effective())
}

func measureCategory(label, weight, trained []float64, f *Feature) column {
	none := math.NaN()
	c := column{psi: none, psiChance: none, missingTrain: none, low: none, median: none, high: none, partner: -1,
		rho: none, alone: Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN()}}
	c.binned = binCategory(label, f.Values, weight, f.Categories)
	c.missing = share(countNaN(f.Values), len(f.Values))
	c.bins = featureBins{codes: max(1, len(f.Categories))}
	seen := c.bins.count(f.Values, weight)
	for _, n := range seen[:c.bins.codes+1] {
		if n > 0 {
			c.distinct++
		}
	}
	if c.expected = seen; f.Train != nil {
		c.missingTrain = share(countNaN(f.Train), len(f.Train))
		c.expected = c.bins.count(f.Train, trained)
		c.shift(seen, weight, trained, f)
	}
	return c
}

// usedBins counts the bins that either sample has rows in.
func usedBins(expected, actual []float64) (n int) {
	for k := range expected {
		if expected[k]+actual[k] > 0 {
			n++
		}
	}
	return n
}

// ranked is a column's known values in rising order, with the labels that go
// with them.
type ranked struct {
	value []float64
	bad   []uint8
}

func rankColumn(label, x []float64) ranked {
	r := ranked{make([]float64, 0, len(x)), make([]uint8, 0, len(x))}
	for i, v := range x {
		if v == v {
			r.value, r.bad = append(r.value, v), append(r.bad, uint8(label[i]))
		}
	}
	sortLabelled(r.value, r.bad)
	return r
}

// curve gathers equal values, the largest first.
func (r ranked) curve() *Curve {
	c := &Curve{}
	last := math.NaN()
	for i := len(r.value) - 1; i >= 0; i-- {
		if v := r.value[i]; v != last {
			c.score, c.bad, c.good = append(c.score, v), append(c.bad, 0), append(c.good, 0)
			last = v
		}
		k := len(c.score) - 1
		b := int(r.bad[i])
		c.bad[k] += float64(b)
		c.good[k] += float64(1 - b)
		c.Bad += b
		c.Good += 1 - b
	}
	c.badMass, c.goodMass = equal(c.Bad), equal(c.Good)
	return c
}

// binned cuts the values as BinVariable does.
func (r ranked) binned(label []float64, format numfmt.Format) Binned {
	cuts := cutsOf(r.value, 10)
	bins := make([]WOEBin, 0, len(cuts)+2)
	bad, at := 0.0, 0
	for k, name := range intervalNames(cuts, format) {
		b := WOEBin{Name: name}
		switch {
		case k < len(cuts):
			for ; at < len(r.value) && r.value[at] <= cuts[k]; at++ {
				b.add(float64(r.bad[at]), 1)
			}
		case k == len(cuts):
			for ; at < len(r.value); at++ {
				b.add(float64(r.bad[at]), 1)
			}
		default: // missing: the rest of the rows
			all := 0.0
			for _, y := range label {
				all += y
			}
			b.Bad = all - bad
			b.Good = float64(len(label)-len(r.value)) - b.Bad
		}
		bad += b.Bad
		bins = append(bins, b)
	}
	return evidence(bins, 0.5)
}

func distinct(sorted []float64) (n int) {
	for i, v := range sorted {
		if i == 0 || v != sorted[i-1] {
			n++
		}
	}
	return n
}

// farValues counts values more than three interquartile ranges outside the
// quartiles.
func farValues(sorted []float64) int {
	q1, q3 := Quantile(sorted, 0.25), Quantile(sorted, 0.75)
	low, high := q1-float64(3*(q3-q1)), q3+float64(3*(q3-q1))
	if math.IsNaN(low) || math.IsNaN(high) {
		return 0
	}
	below := sort.SearchFloat64s(sorted, low)
	above := sort.Search(len(sorted), func(i int) bool { return sorted[i] > high })
	return below + len(sorted) - above
}

// featureBins cuts a feature as a reference sample suggests: a number into the
// tenths of the reference and a bin for missing values, a category into its
// codes, one bin for others and one for missing values.
type featureBins struct {
	cuts  []float64
	codes int // of a category; 0 for a number
}

// size is the number of bins.
func (b featureBins) size() int {
	if b.codes == 0 {
		return len(b.cuts) + 2
	}
	return b.codes + 2
}

func (b featureBins) of(v float64) int {
	switch {
	case b.codes == 0 && math.IsNaN(v):
		return len(b.cuts) + 1
	case b.codes == 0:
		k := 0
		for _, c := range b.cuts { // at most nine: counting beats searching
			if v > c {
				k++
			}
		}
		return k
	case math.IsNaN(v):
		return b.codes + 1
	case v >= 0 && v < float64(b.codes):
		return int(v)
	}
	return b.codes
}

// count adds up the rows by bin, by weight where they have weights.
func (b featureBins) count(x, weight []float64) []float64 {
	n := make([]float64, b.size())
	for i, v := range x {
		n[b.of(v)] += weightAt(weight, i)
	}
	return n
}

// countSorted counts rising values of a number, and so many missing ones.
func (b featureBins) countSorted(sorted []float64, missing int) []float64 {
	n := make([]float64, b.size())
	at := 0
	for k, c := range b.cuts {
		next := at + sort.Search(len(sorted)-at, func(i int) bool { return sorted[at+i] > c })
		n[k], at = float64(next-at), next
	}
	n[len(b.cuts)], n[len(b.cuts)+1] = float64(len(sorted)-at), float64(missing)
	return n
}

// qualityTable counts missing values, far values and what cleaning touched.
func (b *builder) qualityTable() Table {
	t := Table{Title: "Data quality by variable",
		Caption: fmt.Sprintf("%s evaluated rows. A far value lies more than three interquartile ranges outside the "+
			"quartiles (Tukey's outer fence).", numfmt.Count.Print(float64(b.curve.Rows()))),
		Columns: []Column{{Name: "Variable"}, {Name: "Kind"}, {Name: "Missing", Format: numfmt.Percent},
			{Name: "Missing in training", Format: numfmt.Percent}, {Name: "Distinct", Format: numfmt.Count},
			{Name: "Smallest"},
			{Name: "Median"}, {Name: "Largest"}, {Name: "Far values", Format: numfmt.Count},
			{Name: "Changed by cleaning", Format: numfmt.Count}}}
	for j, f := range b.in.Features {
		c, kind, far := &b.cols[j], "number", V(float64(b.cols[j].far))
		if f.Categories != nil {
			kind, far = "category", V(math.NaN())
		}
		t.Rows = append(t.Rows, []Cell{T(f.Name), T(kind), V(c.missing), V(c.missingTrain), I(c.distinct),
			V(c.low).As(c.format), V(c.median).As(c.format), V(c.high).As(c.format), far, I(f.Cleaned)})
	}
	return t
}
