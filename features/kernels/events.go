// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// The kernels over the order and the spread of a window's values: quantiles, the
// latest events one by one, trends, and sums that decay.

func quantileKernels() []Kernel {
	return []Kernel{
		{Name: "median", Needs: window.Sample, NeedsValue: true,
			Formula: "the middle value, or the mean of the two in the middle; exact while no more than `samples` " +
				"events came since the window's beginning, else of a sample of about half to all of that many",
			Missing: "missing for a key without events, or when the sample has none of them, as can be with `offset`",
			Params:  "`samples` at the window (default 256)", Example: "values=10,30,20,50 -> 25",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return quantile(r.Values, 0.5) }},
		{Name: "quantile", Needs: window.Sample, NeedsValue: true,
			Formula: "the value at place 1 + (n - 1) * q of the n values by size, between two of them by linear " +
				"interpolation; exact as `median` is",
			Missing: "missing as `median` is",
			Params:  "`quantile: 0.9`; `samples` at the window (default 256)",
			Example: "values=10,30,20,50 quantile=0.9 -> 44", Check: checkQuantile,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return quantile(r.Values, *l.Spec.Quantile) }},
	}
}

func checkQuantile(f *plantext.FeatureSpec) string {
	if f.Quantile == nil || !(*f.Quantile >= 0 && *f.Quantile <= 1) {
		return "quantile wants a share between 0 and 1, as in `quantile: 0.9`"
	}
	return ""
}

// quantile interpolates a quantile of sorted values (type 7 of Hyndman and Fan, The American
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

func orderKernels() []Kernel {
	return []Kernel{
		{Name: "earliest", Needs: window.Earliest, NeedsValue: true,
			Formula: "value of the earliest event in the window", Missing: "missing for a key without events",
			Example: "values=10,30,20 -> 10",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Earliest }},
		{Name: "nth_latest", Needs: window.Recents, NeedsValue: true, Recent: needsK,
			Formula: "value of the k-th latest event: 1 is the latest, 2 the one before",
			Missing: "missing with fewer than k events",
			Params:  "`k: 2` (default 1)", Example: "values=10,30,20 k=2 -> 30", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 {
				if e := recent(r, eventsRead(l.Spec)); e != nil {
					return e.Value
				}
				return math.NaN()
			}},
		{Name: "since_nth", Needs: window.Recents, Recent: needsK,
			Formula: "days since the k-th latest event, 0 if that is later than the event that reads",
			Missing: "missing with fewer than k events",
			Params:  "`k: 2` (default 1)", Example: "days=1,5,4 at=7 k=2 -> 3", Check: checkK,
			Read: func(r *window.Reading, at int64, l *Learned) float64 {
				if e := recent(r, eventsRead(l.Spec)); e != nil {
					return max(0, float64(at-e.At)/eventtime.DayMicros)
				}
				return math.NaN()
			}},
		{Name: "change", Needs: window.Recents, NeedsValue: true, Recent: needsOneMoreThanK,
			Formula: "value of the latest event - value of the event k before it",
			Missing: "missing with k events or fewer",
			Params:  "`k: 1` (default)", Example: "values=10,30,20 -> -10", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 {
				if e := recent(r, eventsRead(l.Spec)+1); e != nil {
					return recent(r, 1).Value - e.Value
				}
				return math.NaN()
			}},
		{Name: "last_sum", Needs: window.Recents, NeedsValue: true, Recent: needsK,
			Formula: "sum of the values of the k latest events", Missing: "0 for a key without events",
			Params: "`k: 3` (default 1)", Example: "values=10,30,20 k=2 -> 50", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return sumOf(latest(r, l)) }},
		{Name: "last_mean", Needs: window.Recents, NeedsValue: true, Recent: needsK,
			Formula: "mean of the values of the k latest events, or of all if they are fewer",
			Missing: "missing for a key without events",
			Params:  "`k: 3` (default 1)", Example: "values=10,30,20 k=2 -> 25", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 {
				events := latest(r, l)
				return sumOf(events) / float64(len(events))
			}},
		{Name: "last_min", Needs: window.Recents, NeedsValue: true, Recent: needsK,
			Formula: "smallest value of the k latest events", Missing: "missing for a key without events",
			Params: "`k: 3` (default 1)", Example: "values=10,30,20 k=2 -> 20", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return extreme(latest(r, l), 1) }},
		{Name: "last_max", Needs: window.Recents, NeedsValue: true, Recent: needsK,
			Formula: "greatest value of the k latest events", Missing: "missing for a key without events",
			Params: "`k: 3` (default 1)", Example: "values=40,30,20 k=2 -> 30", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return extreme(latest(r, l), -1) }},
		{Name: "streak", Needs: window.Recents, NeedsValue: true, Recent: needsK,
			Formula: "number of the latest events in a row whose value is above 0, at most k",
			Missing: "0 for a key without events",
			Params:  "`k: 12`", Example: "values=1,0,1,1 k=12 -> 2", Check: checkK,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return streak(latest(r, l)) }},
	}
}

// timedKernels weigh values by their times.
func timedKernels() []Kernel {
	return []Kernel{
		{Name: "slope", Needs: window.Trend, NeedsValue: true,
			Formula: "change of the value a day: the slope of the least-squares line through the events",
			Missing: "missing if all events are of one time",
			Example: "values=10,30,20 -> 5",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Slope }},
		{Name: "decayed_count", Needs: window.Decay,
			Formula: "sum of weights, each 0.5^(age of the event / half_life)",
			Missing: "0 for a key without events",
			Params:  "`half_life` at the window (default 30d)", Example: "days=0,30 at=60 -> 0.75",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Decayed }},
		{Name: "decayed_sum", Needs: window.Decay, NeedsValue: true,
			Formula: "sum of weight * value, weights as of `decayed_count`",
			Missing: "0 for a key without events",
			Params:  "`half_life` at the window (default 30d)", Example: "values=10,20 days=0,30 at=60 -> 12.5",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return r.DecaySum }},
		{Name: "decayed_mean", Needs: window.Decay, NeedsValue: true,
			Formula: "sum of weight * value / sum of weights: a mean in which an event counts half as much as one " +
				"that is half_life younger",
			Missing: "missing for a key without events",
			Params:  "`half_life` at the window (default 30d)",
			Example: "values=10,20 days=0,30 at=60 -> 16.6666666666667",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.DecayAvg }},
	}
}

// needsK and needsOneMoreThanK are how many of the latest events a window must keep for a kernel.
func needsK(f *plantext.FeatureSpec) int            { return eventsRead(f) }
func needsOneMoreThanK(f *plantext.FeatureSpec) int { return eventsRead(f) + 1 }

// recent is the k-th latest event, nil if there are fewer.
func recent(r *window.Reading, k int) *window.Recent {
	if k > len(r.Recent) {
		return nil
	}
	return &r.Recent[len(r.Recent)-k]
}

// latest are the k latest events, or all if they are fewer.
func latest(r *window.Reading, l *Learned) []window.Recent {
	return r.Recent[max(len(r.Recent)-eventsRead(l.Spec), 0):]
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
