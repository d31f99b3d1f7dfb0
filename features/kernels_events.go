// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"

	"github.com/assayrisk/assay/features/window"
)

// The kernels over the order and the spread of a window's values: quantiles, the
// latest events one by one, trends, and sums that fade.

func quantileKernels() []kernel {
	return []kernel{
		{name: "median", needs: window.Sample, needsValue: true,
			formula: "the middle value, or the mean of the two in the middle; exact while no more than `samples` " +
				"events came since the window's beginning, else of a sample of about half to all of that many",
			missing: "missing for a key without events, or when the sample has none of them, as can be with `offset`",
			params:  "`samples` at the window (default 256)", example: "values=10,30,20,50 -> 25",
			read: func(r *window.Reading, _ int64, _ *learned) float64 { return quantile(r.Values, 0.5) }},
		{name: "quantile", needs: window.Sample, needsValue: true,
			formula: "the value at place 1 + (n - 1) * q of the n values by size, between two of them by linear " +
				"interpolation; exact as `median` is",
			missing: "missing as `median` is",
			params:  "`quantile: 0.9`; `samples` at the window (default 256)",
			example: "values=10,30,20,50 quantile=0.9 -> 44", check: checkQuantile,
			read: func(r *window.Reading, _ int64, l *learned) float64 { return quantile(r.Values, *l.spec.Quantile) }},
	}
}

func checkQuantile(f *FeatureSpec) string {
	if f.Quantile == nil || !(*f.Quantile >= 0 && *f.Quantile <= 1) {
		return "quantile wants a share between 0 and 1, as in `quantile: 0.9`"
	}
	return ""
}

// quantile is that of sorted values (type 7 of Hyndman and Fan, The American
// Statistician 50 (1996)).
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := float64(float64(len(sorted)-1) * q)
	i := min(int(at), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + float64((at-float64(i))*(sorted[j]-sorted[i]))
}

func orderKernels() []kernel {
	return []kernel{
		{name: "earliest", needs: window.Earliest, needsValue: true,
			formula: "value of the earliest event in the window", missing: "missing for a key without events",
			example: "values=10,30,20 -> 10",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Earliest }},
		{name: "nth_latest", needs: window.Recents, needsValue: true, recent: kth,
			formula: "value of the k-th latest event: 1 is the latest, 2 the one before",
			missing: "missing with fewer than k events",
			params:  "`k: 2` (default 1)", example: "values=10,30,20 k=2 -> 30", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 {
				if e := recent(r, l.spec.k()); e != nil {
					return e.Value
				}
				return math.NaN()
			}},
		{name: "since_nth", needs: window.Recents, recent: kth,
			formula: "days since the k-th latest event, 0 if that is later than the event that reads",
			missing: "missing with fewer than k events",
			params:  "`k: 2` (default 1)", example: "days=1,5,4 at=7 k=2 -> 3", check: checkK,
			read: func(r *window.Reading, at int64, l *learned) float64 {
				if e := recent(r, l.spec.k()); e != nil {
					return max(0, float64(at-e.At)/dayMicros)
				}
				return math.NaN()
			}},
		{name: "change", needs: window.Recents, needsValue: true, recent: kthBefore,
			formula: "value of the latest event - value of the event k before it",
			missing: "missing with k events or fewer",
			params:  "`k: 1` (default)", example: "values=10,30,20 -> -10", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 {
				if e := recent(r, l.spec.k()+1); e != nil {
					return recent(r, 1).Value - e.Value
				}
				return math.NaN()
			}},
		{name: "last_sum", needs: window.Recents, needsValue: true, recent: kth,
			formula: "sum of the values of the k latest events", missing: "0 for a key without events",
			params: "`k: 3` (default 1)", example: "values=10,30,20 k=2 -> 50", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 { return sumOf(latest(r, l)) }},
		{name: "last_mean", needs: window.Recents, needsValue: true, recent: kth,
			formula: "mean of the values of the k latest events, or of all if they are fewer",
			missing: "missing for a key without events",
			params:  "`k: 3` (default 1)", example: "values=10,30,20 k=2 -> 25", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 {
				events := latest(r, l)
				return sumOf(events) / float64(len(events))
			}},
		{name: "last_min", needs: window.Recents, needsValue: true, recent: kth,
			formula: "smallest value of the k latest events", missing: "missing for a key without events",
			params: "`k: 3` (default 1)", example: "values=10,30,20 k=2 -> 20", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 { return extreme(latest(r, l), 1) }},
		{name: "last_max", needs: window.Recents, needsValue: true, recent: kth,
			formula: "greatest value of the k latest events", missing: "missing for a key without events",
			params: "`k: 3` (default 1)", example: "values=40,30,20 k=2 -> 30", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 { return extreme(latest(r, l), -1) }},
		{name: "streak", needs: window.Recents, needsValue: true, recent: kth,
			formula: "number of the latest events in a row whose value is above 0, at most k",
			missing: "0 for a key without events",
			params:  "`k: 12`", example: "values=1,0,1,1 k=12 -> 2", check: checkK,
			read: func(r *window.Reading, _ int64, l *learned) float64 { return streak(latest(r, l)) }},
	}
}

// timedKernels weigh values by their times.
func timedKernels() []kernel {
	return []kernel{
		{name: "slope", needs: window.Trend, needsValue: true,
			formula: "change of the value a day: the slope of the least-squares line through the events",
			missing: "missing if all events are of one time",
			example: "values=10,30,20 -> 5",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Slope }},
		{name: "decayed_count", needs: window.Decay,
			formula: "sum of weights, each 0.5^(age of the event / half_life)",
			missing: "0 for a key without events",
			params:  "`half_life` at the window (default 30d)", example: "days=0,30 at=60 -> 0.75",
			read: func(r *window.Reading, _ int64, _ *learned) float64 { return r.Decayed }},
		{name: "decayed_sum", needs: window.Decay, needsValue: true,
			formula: "sum of weight * value, weights as of `decayed_count`",
			missing: "0 for a key without events",
			params:  "`half_life` at the window (default 30d)", example: "values=10,20 days=0,30 at=60 -> 12.5",
			read: func(r *window.Reading, _ int64, _ *learned) float64 { return r.DecaySum }},
		{name: "decayed_mean", needs: window.Decay, needsValue: true,
			formula: "sum of weight * value / sum of weights: a mean in which an event counts half as much as one " +
				"that is half_life younger",
			missing: "missing for a key without events",
			params:  "`half_life` at the window (default 30d)",
			example: "values=10,20 days=0,30 at=60 -> 16.6666666666667",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.DecayAvg }},
	}
}

// kth and kthBefore are the events that a window keeps for a kernel.
func kth(f *FeatureSpec) int       { return f.k() }
func kthBefore(f *FeatureSpec) int { return f.k() + 1 }

// recent is the k-th latest event, nil if there are fewer.
func recent(r *window.Reading, k int) *window.Recent {
	if k > len(r.Recent) {
		return nil
	}
	return &r.Recent[len(r.Recent)-k]
}

// latest are the k latest events, or all if they are fewer.
func latest(r *window.Reading, l *learned) []window.Recent {
	return r.Recent[max(len(r.Recent)-l.spec.k(), 0):]
}

func sumOf(events []window.Recent) float64 {
	sum := 0.0
	for i := range events {
		sum += events[i].Value
	}
	return sum
}

// extreme is the smallest value if sign is 1, the greatest if it is -1.
func extreme(events []window.Recent, sign float64) float64 {
	best := math.NaN()
	for i := range events {
		if x := events[i].Value; !(sign*x >= sign*best) {
			best = x
		}
	}
	return best
}

func streak(events []window.Recent) float64 {
	n := 0
	for n < len(events) && events[len(events)-1-n].Value > 0 {
		n++
	}
	return float64(n)
}
