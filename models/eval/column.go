// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"sort"
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
	expected     []int       // training (or evaluated) rows by bin
	missing      float64     // share of the evaluated rows
	missingTrain float64     // of the training rows, NaN without
	distinct     int
	low, median  float64
	high         float64
	far          int // rows outside Tukey's outer fence
	spread       float64
	partner      int // the feature most correlated with it, -1 for none
	rho          float64
	format       Format // of its values
}

// columns measures every feature.
func (b *builder) columns() error {
	b.cols = make([]column, len(b.in.Features))
	b.each(len(b.cols), func(j int) {
		b.cols[j] = measure(b.in.Label, &b.in.Features[j])
		b.cols[j].ivChance = chancePSI(len(b.cols[j].binned.Bins), b.curve.Bad, b.curve.Good)
	})
	return b.ctx.Err()
}

func measure(label []float64, f *Feature) column {
	if f.Categories != nil {
		return measureCategory(label, f)
	}
	r := rankColumn(label, f.Values)
	n := len(r.value)
	c := column{psi: math.NaN(), psiChance: math.NaN(), missing: 1 - share(n, len(f.Values)), missingTrain: math.NaN(), partner: -1, rho: math.NaN(), spread: spread(f.Values, nil)}
	c.format = f.format()
	c.low, c.median, c.high = Quantile(r.value, 0), Quantile(r.value, 0.5), Quantile(r.value, 1)
	c.distinct, c.far = distinct(r.value), farValues(r.value)
	c.alone = r.curve().Area()
	c.binned = r.binned(label, c.format)
	reference := r.value
	if f.Train != nil {
		reference = sortedValues(f.Train)
		c.missingTrain = 1 - share(len(reference), len(f.Train))
	}
	c.bins = featureBins{cuts: cutsOf(reference, 10)}
	c.expected = c.bins.countSorted(reference, len(f.Train)-len(reference))
	if f.Train == nil {
		c.expected = c.bins.countSorted(reference, len(f.Values)-n)
		return c
	}
	seen := c.bins.countSorted(r.value, len(f.Values)-n)
	c.psi, c.psiChance = PSI(c.expected, seen), chancePSI(usedBins(c.expected, seen), len(f.Train), len(f.Values))
	return c
}

func measureCategory(label []float64, f *Feature) column {
	none := math.NaN()
	c := column{psi: none, psiChance: none, missingTrain: none, low: none, median: none, high: none, partner: -1, rho: none, alone: Estimate{Value: nan, Low: nan, High: nan}}
	c.binned = BinVariable(label, f.Values, f.Categories)
	c.missing = share(countNaN(f.Values), len(f.Values))
	reference := f.Values
	if f.Train != nil {
		reference, c.missingTrain = f.Train, share(countNaN(f.Train), len(f.Train))
	}
	c.bins = featureBins{codes: max(1, len(f.Categories))}
	c.expected = c.bins.count(reference)
	seen := c.bins.count(f.Values)
	for _, n := range seen[:c.bins.codes+1] {
		if n > 0 {
			c.distinct++
		}
	}
	if f.Train != nil {
		c.psi, c.psiChance = PSI(c.expected, seen), chancePSI(usedBins(c.expected, seen), len(f.Train), len(f.Values))
	}
	return c
}

// usedBins counts the bins that either sample has rows in.
func usedBins(expected, actual []int) (n int) {
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
		b := int32(r.bad[i])
		c.bad[k] += b
		c.good[k] += 1 - b
		c.Bad += int(b)
		c.Good += 1 - int(b)
	}
	return c
}

// binned cuts the values as BinVariable does.
func (r ranked) binned(label []float64, format Format) Binned {
	cuts := cutsOf(r.value, 10)
	bins := make([]WOEBin, 0, len(cuts)+2)
	bad, at := 0, 0
	for k, name := range intervalNames(cuts, format) {
		b := WOEBin{Name: name}
		switch {
		case k < len(cuts):
			for ; at < len(r.value) && r.value[at] <= cuts[k]; at++ {
				b.Bad += int(r.bad[at])
				b.Good += 1 - int(r.bad[at])
			}
		case k == len(cuts):
			for ; at < len(r.value); at++ {
				b.Bad += int(r.bad[at])
				b.Good += 1 - int(r.bad[at])
			}
		default: // missing: the rest of the rows
			all := 0
			for _, y := range label {
				all += int(y)
			}
			b.Bad = all - bad
			b.Good = len(label) - len(r.value) - b.Bad
		}
		bad += b.Bad
		bins = append(bins, b)
	}
	return evidence(bins)
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

func (b featureBins) count(x []float64) []int {
	n := make([]int, b.size())
	for _, v := range x {
		n[b.of(v)]++
	}
	return n
}

// countSorted counts rising values of a number, and so many missing ones.
func (b featureBins) countSorted(sorted []float64, missing int) []int {
	n := make([]int, b.size())
	at := 0
	for k, c := range b.cuts {
		next := at + sort.Search(len(sorted)-at, func(i int) bool { return sorted[at+i] > c })
		n[k], at = next-at, next
	}
	n[len(b.cuts)], n[len(b.cuts)+1] = len(sorted)-at, missing
	return n
}

// qualityTable counts missing values, far values and what cleaning touched.
func (b *builder) qualityTable() Table {
	t := Table{Title: "Data quality by variable", Caption: fmt.Sprintf("%s evaluated rows. A far value lies more than three interquartile ranges outside the quartiles (Tukey's outer fence).", Count.Print(float64(b.curve.Rows()))),
		Columns: []Column{{Name: "Variable"}, {Name: "Kind"}, {Name: "Missing", Format: Percent}, {Name: "Missing in training", Format: Percent}, {Name: "Distinct", Format: Count}, {Name: "Smallest"}, {Name: "Median"}, {Name: "Largest"}, {Name: "Far values", Format: Count}, {Name: "Changed by cleaning", Format: Count}}}
	for j, f := range b.in.Features {
		c, kind, far := &b.cols[j], "number", V(float64(b.cols[j].far))
		if f.Categories != nil {
			kind, far = "category", V(math.NaN())
		}
		t.Rows = append(t.Rows, []Cell{T(f.Name), T(kind), V(c.missing), V(c.missingTrain), I(c.distinct), V(c.low).As(c.format), V(c.median).As(c.format), V(c.high).As(c.format), far, I(f.Cleaned)})
	}
	return t
}
