// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/window"
)

// The kernels over windows: each turns one reading into a number. at is the
// time of the event that reads, in microseconds.

// windowKernels are the kernels over sums, extremes and times of a window. A feature
// is missing when the event lacks a part of the window's key.
func windowKernels() []Kernel {
	return []Kernel{
		{Name: "count", Needs: window.Count, Formula: "number of events in the window",
			Missing: "0 for a key without events",
			Example: "values=10,30,20 -> 3",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Count }},
		{Name: "window_sum", Needs: window.Sum, NeedsValue: true, Formula: "sum of the value over the window",
			Missing: "0 for a key without events",
			Example: "values=10,30,20 -> 60",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Sum }},
		{Name: "mean", Needs: window.Sum | window.Count, NeedsValue: true, Formula: "sum / count",
			Missing: "missing for a key without events",
			Example: "values=10,30,20 -> 20",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Sum / r.Count }},
		{Name: "min", Needs: window.Min, NeedsValue: true, Formula: "smallest value in the window",
			Missing: "missing for a key without events",
			Example: "values=10,30,20 -> 10",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Min }},
		{Name: "max", Needs: window.Max, NeedsValue: true, Formula: "greatest value in the window",
			Missing: "missing for a key without events",
			Example: "values=10,30,20 -> 30",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Max }},
		{Name: "std", Needs: window.Spread | window.Count, NeedsValue: true,
			Formula: "sqrt(sum (x - mean)^2 / (count - 1))", Missing: "missing with fewer than 2 events",
			Example: "values=10,30,20 -> 10",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 {
				if r.Count < 2 {
					return math.NaN()
				}
				return math.Sqrt(r.Deviance / (r.Count - 1))
			}},
		{Name: "distinct", Needs: window.Distinct, NeedsMember: true,
			Formula: "number of different members in the window; exact while the window has no more than `members`, " +
				"else an estimate with a standard error of about 1.2/sqrt(members)",
			Missing: "0 for a key without events",
			Params:  "`members` at the window (default 128)", Example: "members=a,b,a -> 2",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Distinct }},
		{Name: "share", Needs: window.Share | window.Sum, NeedsMember: true,
			Formula: "greatest sum of one member / sum of all (concentration); above 1 if others are negative; exact " +
				"while no more than `members` members came since the window's beginning, else never too large if " +
				"no value is negative",
			Missing: "missing when the sum is not positive, or, in a window with `offset`, when `members` others " +
				"came since " +
				"and all its members were forgotten",
			Params: "`members` at the window (default 128)", Example: "values=10,30,20 members=a,b,a -> 0.5",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Share }},
		{Name: "since_last", Needs: window.Last,
			Formula: "days since the latest event in the window, 0 if that is later than the event that reads",
			Missing: "missing for a key without events",
			Example: "days=1,5,4 at=7 -> 2",
			Read: func(r *window.Reading, at int64, _ *Learned) float64 {
				if !r.Seen {
					return math.NaN()
				}
				return max(0, float64(at-r.Last)/eventtime.DayMicros)
			}},
		{Name: "age", Needs: window.First, Formula: "days since the earliest event in the window",
			Missing: "missing for a key without events",
			Example: "days=1,5,4 at=7 -> 6",
			Read: func(r *window.Reading, at int64, _ *Learned) float64 {
				if !r.Seen {
					return math.NaN()
				}
				return max(0, float64(at-r.First)/eventtime.DayMicros)
			}},
		{Name: "latest", Needs: window.Latest, NeedsValue: true,
			Formula: "value of the latest event in the window: an index as of now",
			Missing: "missing for a key without events",
			Example: "values=10,30,20 -> 20",
			Read:    func(r *window.Reading, _ int64, _ *Learned) float64 { return r.Latest }},
	}
}
