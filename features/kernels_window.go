// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"

	"github.com/assayrisk/assay/features/window"
)

// The kernels over windows: each turns one reading into a number. at is the
// time of the event that reads, in microseconds.

// windowKernels is the part of the kernel table that reads windows. A feature
// is missing when the event lacks a part of the window's key.
func windowKernels() []kernel {
	return []kernel{
		{name: "count", needs: window.Count, formula: "number of events in the window",
			missing: "0 for a key without events",
			example: "values=10,30,20 -> 3",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Count }},
		{name: "window_sum", needs: window.Sum, needsValue: true, formula: "sum of the value over the window",
			missing: "0 for a key without events",
			example: "values=10,30,20 -> 60",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Sum }},
		{name: "mean", needs: window.Sum | window.Count, needsValue: true, formula: "sum / count",
			missing: "missing for a key without events",
			example: "values=10,30,20 -> 20",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Sum / r.Count }},
		{name: "min", needs: window.Min, needsValue: true, formula: "smallest value in the window",
			missing: "missing for a key without events",
			example: "values=10,30,20 -> 10",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Min }},
		{name: "max", needs: window.Max, needsValue: true, formula: "greatest value in the window",
			missing: "missing for a key without events",
			example: "values=10,30,20 -> 30",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Max }},
		{name: "std", needs: window.Spread | window.Count, needsValue: true,
			formula: "sqrt(sum (x - mean)^2 / (count - 1))", missing: "missing with fewer than 2 events",
			example: "values=10,30,20 -> 10",
			read: func(r *window.Reading, _ int64, _ *learned) float64 {
				if r.Count < 2 {
					return math.NaN()
				}
				return math.Sqrt(r.Deviance / (r.Count - 1))
			}},
		{name: "distinct", needs: window.Distinct, needsMember: true,
			formula: "number of different members in the window; exact while the window has no more than `members`, " +
				"else an estimate with a standard error of about 1.2/sqrt(members)",
			missing: "0 for a key without events",
			params:  "`members` at the window (default 128)", example: "members=a,b,a -> 2",
			read: func(r *window.Reading, _ int64, _ *learned) float64 { return r.Distinct }},
		{name: "share", needs: window.Share | window.Sum, needsMember: true,
			formula: "greatest sum of one member / sum of all (concentration); above 1 if others are negative; exact " +
				"while no more than `members` members came since the window's beginning, else never too large if " +
				"no value is negative",
			missing: "missing when the sum is not positive, or, in a window with `offset`, when `members` others " +
				"came since " +
				"and all its members were forgotten",
			params: "`members` at the window (default 128)", example: "values=10,30,20 members=a,b,a -> 0.5",
			read: func(r *window.Reading, _ int64, _ *learned) float64 { return r.Share }},
		{name: "since_last", needs: window.Last,
			formula: "days since the latest event in the window, 0 if that is later than the event that reads",
			missing: "missing for a key without events",
			example: "days=1,5,4 at=7 -> 2",
			read: func(r *window.Reading, at int64, _ *learned) float64 {
				if !r.Seen {
					return math.NaN()
				}
				return max(0, float64(at-r.Last)/dayMicros)
			}},
		{name: "age", needs: window.First, formula: "days since the earliest event in the window",
			missing: "missing for a key without events",
			example: "days=1,5,4 at=7 -> 6",
			read: func(r *window.Reading, at int64, _ *learned) float64 {
				if !r.Seen {
					return math.NaN()
				}
				return max(0, float64(at-r.First)/dayMicros)
			}},
		{name: "latest", needs: window.Latest, needsValue: true,
			formula: "value of the latest event in the window: an index as of now",
			missing: "missing for a key without events",
			example: "values=10,30,20 -> 20",
			read:    func(r *window.Reading, _ int64, _ *learned) float64 { return r.Latest }},
	}
}
