// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Data is a column of a sample, and of the training rows.
type Data struct {
	Values     []float64     // NaN = missing; a category is its code
	Train      []float64     // the same column of the training rows; nil = not known
	Categories []string      // names of the codes; nil = a number
	Format     numfmt.Format // of numbers in the names of bins
}

// Variable holds the figures of one feature. Sorting columns takes most of the time of
// a report of many rows, so each is sorted once, by MeasureVariable, and only figures
// are kept.
type Variable struct {
	Binned            Binned    // bins of the evaluated rows, with weights of evidence
	Alone             Estimate  // AUC of the value by itself; NaN for a category
	PSI               float64   // against training, NaN without
	PSIByChance       float64   // what no shift gives on average
	IVByChance        float64   // what a variable without information gives on average
	Bins              Bins      // of the training rows, or of the evaluated where those are not given
	Expected          []float64 // training (or evaluated) rows by bin
	Missing           float64   // share of the evaluated rows
	MissingInTraining float64   // of the training rows, NaN without
	Distinct          int
	Low, Median       float64
	High              float64
	Far               int // rows outside Tukey's outer fence
	Spread            float64
}

// MeasureVariable measures a feature; weight holds the weights of the evaluated rows,
// trained those of the training rows, nil = 1 each.
func MeasureVariable(label, weight, trained []float64, f Data) Variable {
	if f.Categories != nil {
		return measureCategory(label, weight, trained, f)
	}
	r := rankColumn(label, f.Values)
	n := len(r.value)
	c := Variable{PSI: math.NaN(), PSIByChance: math.NaN(), Missing: 1 - Ratio(float64(n), float64(len(f.Values))),
		MissingInTraining: math.NaN(),
		Spread:            Spread(f.Values, nil)}
	c.Low, c.Median, c.High = Quantile(r.value, 0), Quantile(r.value, 0.5), Quantile(r.value, 1)
	c.Distinct, c.Far = distinct(r.value), farValues(r.value)
	if weight == nil {
		c.Alone, c.Binned = r.curve().Area(), r.binned(label, f.Format)
	} else {
		rows := known(f.Values)
		c.Alone = CurveOf(Select(label, rows), Select(f.Values, rows), Select(weight, rows)).Area()
		c.Binned = binWeighted(label, f.Values, weight, f.Format)
	}
	var reference []float64
	switch {
	case f.Train != nil:
		reference = SortedValues(f.Train)
		c.MissingInTraining = 1 - Ratio(float64(len(reference)), float64(len(f.Train)))
	default:
		reference, trained = r.value, weight
	}
	against := f.Train
	if against == nil {
		against = f.Values
	}
	c.Bins = Bins{cuts: cutsOf(reference, 10)}
	if trained != nil {
		c.Bins.cuts = Cuts(against, trained, 10)
		c.Expected = c.Bins.count(against, trained)
	} else {
		c.Expected = c.Bins.countSorted(reference, len(against)-len(reference))
	}
	if f.Train == nil {
		return c
	}
	seen := c.Bins.countSorted(r.value, len(f.Values)-n)
	if weight != nil {
		seen = c.Bins.count(f.Values, weight)
	}
	c.shift(seen, weight, trained, f)
	return c
}

// shift compares the evaluated rows with the training rows by bin.
func (c *Variable) shift(seen, weight, trained []float64, f Data) {
	before, now := TallyOf(trained, len(f.Train)), TallyOf(weight, len(f.Values))
	c.PSI = PSI(c.Expected, seen, before.HalfRow(), now.HalfRow())
	c.PSIByChance = ChancePSI(UsedBins(c.Expected, seen), before.Effective(), now.Effective())
}

func measureCategory(label, weight, trained []float64, f Data) Variable {
	none := math.NaN()
	c := Variable{PSI: none, PSIByChance: none, MissingInTraining: none, Low: none, Median: none, High: none,
		Alone: Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN()}}
	c.Binned = binCategory(label, f.Values, weight, f.Categories)
	c.Missing = Ratio(float64(countNaN(f.Values)), float64(len(f.Values)))
	c.Bins = Bins{codes: max(1, len(f.Categories))}
	seen := c.Bins.count(f.Values, weight)
	for _, n := range seen[:c.Bins.codes+1] {
		if n > 0 {
			c.Distinct++
		}
	}
	if c.Expected = seen; f.Train != nil {
		c.MissingInTraining = Ratio(float64(countNaN(f.Train)), float64(len(f.Train)))
		c.Expected = c.Bins.count(f.Train, trained)
		c.shift(seen, weight, trained, f)
	}
	return c
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

// curve returns the curve of the values as scores.
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
	c.BadTally, c.GoodTally = equal(c.Bad), equal(c.Good)
	return c
}

// binned cuts the values as BinVariable does.
func (r ranked) binned(label []float64, format numfmt.Format) Binned {
	cuts := cutsOf(r.value, 10)
	bins := make([]WOEBin, 0, len(cuts)+2)
	bad, at := 0.0, 0
	for k, name := range IntervalNames(cuts, format) {
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

// Spread is a robust standard deviation: the distance between the quartiles
// over 1.349, or the ordinary one where the quartiles coincide; 0 for a
// category.
func Spread(values []float64, categories []string) float64 {
	if categories != nil {
		return 0
	}
	var x []float64
	for _, i := range EvenlySpaced(len(values), 10_000) {
		if v := values[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			x = append(x, v)
		}
	}
	slices.Sort(x)
	if len(x) == 0 {
		return 0
	}
	if d := Quantile(x, 0.75) - Quantile(x, 0.25); d > 0 {
		return d / 1.349
	}
	m, s := Mean(x), 0.0
	for _, v := range x {
		s += float64((v - m) * (v - m))
	}
	return math.Sqrt(s / float64(len(x)))
}

// Separation returns how well a variable by itself separates the classes, in either
// direction: the larger of the AUC of its value and the AUC of its bins, the
// riskiest first.
func (c *Variable) Separation() float64 {
	best := math.NaN()
	if a := float64(c.Alone.Value); !math.IsNaN(a) && c.Missing == 0 {
		best = math.Max(a, 1-a)
	}
	if a := c.Binned.area(); !(a <= best) {
		best = a
	}
	return best
}

// area returns the AUC with each bin's bad rate as the score.
func (v Binned) area() float64 {
	bins := slices.Clone(v.Bins)
	slices.SortStableFunc(bins, func(a, b WOEBin) int {
		return cmp.Compare(b.Bad*(a.Bad+a.Good), a.Bad*(b.Bad+b.Good))
	})
	c := &Curve{}
	for k, b := range bins {
		c.score, c.bad, c.good = append(c.score, float64(-k)), append(c.bad, b.Bad), append(c.good, b.Good)
		c.BadTally.Sum, c.GoodTally.Sum = c.BadTally.Sum+b.Bad, c.GoodTally.Sum+b.Good
	}
	return c.AUC()
}
