// SPDX-License-Identifier: Apache-2.0

package baseline

// counts are the rows of one bin.
type counts struct{ bad, good int }

func (c counts) rows() int { return c.bad + c.good }

// chiMerge joins neighbouring bins whose bad rates differ least, by the
// chi-squared statistic of the two-by-two table (Kerber 1992), until at most
// most bins are left, each has at least least rows, and every neighbouring
// pair differs by at least stop. Equal statistics merge from the left. It
// returns the index of the last input bin of each output bin.
//
// Bins that are too small are joined first, to the neighbour that they differ
// from least. Otherwise a tail of three rows would keep its own bin because it is
// extreme.
func chiMerge(in []counts, most, least int, stop float64) []int {
	bins, last := append([]counts(nil), in...), make([]int, len(in))
	for i := range last {
		last[i] = i
	}
	for len(bins) > 1 {
		at, low := -1, 0.0
		small := smallest(bins)
		tooSmall := bins[small].rows() < least
		for i := range len(bins) - 1 {
			if tooSmall && i != small && i+1 != small {
				continue
			}
			if x := chiSquared(bins[i], bins[i+1]); at < 0 || x < low {
				at, low = i, x
			}
		}
		if !tooSmall && len(bins) <= most && low >= stop {
			break
		}
		bins[at] = counts{bins[at].bad + bins[at+1].bad, bins[at].good + bins[at+1].good}
		last[at] = last[at+1]
		bins, last = append(bins[:at+1], bins[at+2:]...), append(last[:at+1], last[at+2:]...)
	}
	return last
}

func smallest(bins []counts) int {
	k := 0
	for i, b := range bins {
		if b.rows() < bins[k].rows() {
			k = i
		}
	}
	return k
}

// chiSquared is Pearson's statistic of two bins; an expected count below one
// half is taken as one half, as in golearn and in Kerber's paper.
func chiSquared(a, b counts) float64 {
	n := float64(a.rows() + b.rows())
	if n == 0 {
		return 0
	}
	var x float64
	term := func(observed, row, class int) {
		e := float64(row) * float64(class) / n
		d := float64(observed) - e
		x += d * d / max(e, 0.5)
	}
	term(a.bad, a.rows(), a.bad+b.bad)
	term(a.good, a.rows(), a.good+b.good)
	term(b.bad, b.rows(), a.bad+b.bad)
	term(b.good, b.rows(), a.good+b.good)
	return x
}
