// SPDX-License-Identifier: Apache-2.0

package window

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// naive keeps every event that was not late, and computes each aggregate from
// the definition.
type naive struct {
	cfg      Config
	lateness int64
	mark     int64
	events   map[string][]event
}

type event struct {
	at     int64
	value  float64
	member uint64
}

func (n *naive) horizon() int64 {
	if n.mark == math.MinInt64 {
		return math.MinInt64 / 4
	}
	return n.mark - n.lateness
}

func (n *naive) add(key string, e event) bool {
	if e.at < n.horizon() {
		return false
	}
	n.events[key] = append(n.events[key], e)
	return true
}

func floorDiv(a, b int64) int64 { return int64(math.Floor(float64(a) / float64(b))) }

// span is the period that a read at time at sees: from <= t < to.
func (n *naive) span(at int64) (from, to int64) {
	at = max(at, n.horizon())
	to = math.MaxInt64
	switch c := n.cfg; {
	case c.Length == 0:
		return math.MinInt64, to
	case c.Calendar != nil:
		_, from, to = c.Calendar.Pane(at)
		for range c.Offset {
			_, from, to = c.Calendar.Pane(from - 1)
		}
		if c.Offset == 0 {
			to = math.MaxInt64
		}
		for range c.Length - 1 {
			_, from, _ = c.Calendar.Pane(from - 1)
		}
		return from, to
	}
	if n.cfg.Offset > 0 {
		to = floorDiv(at-n.cfg.Offset, n.cfg.Hop) * n.cfg.Hop
	}
	return floorDiv(at-n.cfg.Length-n.cfg.Offset, n.cfg.Hop) * n.cfg.Hop, to
}

func (n *naive) read(key string, at int64) Reading {
	var r Reading
	r.clear()
	r.Rare.clear()
	from, to := n.span(at)
	var in []event
	for _, e := range n.events[key] {
		if e.at >= from && e.at < to {
			in = append(in, e)
		}
	}
	if len(in) == 0 {
		return r
	}
	r.Seen, r.Min, r.Max, r.First, r.Last = true, math.Inf(1), math.Inf(-1), math.MaxInt64, math.MinInt64
	parts, counts := map[uint64]float64{}, map[uint64]float64{}
	for _, e := range in {
		r.Count++
		r.Sum += e.value
		r.Min, r.Max = min(r.Min, e.value), max(r.Max, e.value)
		if e.at < r.First {
			r.First, r.Earliest, r.FirstMember = e.at, e.value, e.member
		}
		if e.at >= r.Last {
			r.Last, r.Latest, r.LastMember = e.at, e.value, e.member
		}
		if e.member != 0 { // 0 was erased
			parts[e.member] += e.value
			counts[e.member]++
		}
		r.Values = append(r.Values, e.value)
		r.Recent = append(r.Recent, Recent{At: e.at, Value: e.value})
	}
	slices.Sort(r.Values)
	slices.SortStableFunc(r.Recent, func(a, b Recent) int { return cmp.Compare(a.At, b.At) })
	r.Recent = r.Recent[max(len(r.Recent)-n.cfg.Recent, 0):]
	r.Mean, r.Deviance = r.Sum/r.Count, 0
	for _, e := range in {
		r.Deviance += (e.value - r.Mean) * (e.value - r.Mean)
	}
	r.Distinct = float64(len(parts))
	best := math.Inf(-1)
	for m, w := range parts {
		best = max(best, w)
		r.Sums = append(r.Sums, MemberSum{m, w})
		r.Counts = append(r.Counts, MemberSum{m, counts[m]})
	}
	byHash := func(a, b MemberSum) int { return cmp.Compare(a.Member, b.Member) }
	slices.SortFunc(r.Sums, byHash)
	slices.SortFunc(r.Counts, byHash)
	if r.Sum > 0 && len(parts) > 0 {
		r.Share = best / r.Sum
	}
	n.timed(in, max(at, n.horizon()), &r)
	return r
}

// timed computes the slope and the decayed sums from their definitions.
func (n *naive) timed(in []event, at int64, r *Reading) {
	var mt, tt, tv float64
	for _, e := range in {
		mt += float64(e.at-r.First) / dayMicros / r.Count
	}
	for _, e := range in {
		dt := float64(e.at-r.First)/dayMicros - mt
		tt += dt * dt
		tv += dt * (e.value - r.Mean)
		age := at - e.at
		if r.Last > at { // nothing weighs more than an event of now
			age = r.Last - e.at
		}
		w := math.Exp2(-float64(age) / float64(n.cfg.HalfLife))
		r.Decayed += w
		r.DecaySum += w * e.value
	}
	if r.First < r.Last {
		r.Slope = tv / tt
	}
	r.DecayAvg = r.DecaySum / r.Decayed
}

const everything = endOfNeeds - 1

// near compares two readings: counts, times, members and extremes exactly, sums
// within the rounding of another order of addition.
func near(a, b Reading) error {
	eq := func(x, y float64) bool {
		return x == y || x != x && y != y || math.Abs(x-y) <= 1e-9*(1+math.Abs(x))
	}
	exact := func(x, y float64) bool { return x == y || x != x && y != y }
	same := func(x, y []MemberSum) bool {
		return slices.EqualFunc(x, y, func(a, b MemberSum) bool {
			return a.Member == b.Member && eq(a.Weight, b.Weight)
		})
	}
	sameEvent := func(x, y Recent) bool { return x.At == y.At && x.Value == y.Value }
	steep := (b.Max - b.Min) / (float64(b.Last-b.First) / dayMicros)
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"seen", a.Seen == b.Seen}, {"first", a.First == b.First}, {"last", a.Last == b.Last},
		{"count", exact(a.Count, b.Count)},
		{"min", exact(a.Min, b.Min)}, {"max", exact(a.Max, b.Max)}, {"latest", exact(a.Latest, b.Latest)},
		{"earliest", exact(a.Earliest, b.Earliest)}, {"distinct", exact(a.Distinct, b.Distinct)},
		{"sum", eq(a.Sum, b.Sum)},
		{"mean", eq(a.Mean, b.Mean)}, {"deviance", eq(a.Deviance, b.Deviance)}, {"share", eq(a.Share, b.Share)},
		{"slope", math.Abs(a.Slope-b.Slope) <= steep*1e-9 || exact(a.Slope, b.Slope)},
		{"decayed", eq(a.Decayed, b.Decayed)}, {"decayed sum", eq(a.DecaySum, b.DecaySum)},
		{"decayed mean", eq(a.DecayAvg, b.DecayAvg)},
		{"first member", a.FirstMember == b.FirstMember}, {"last member", a.LastMember == b.LastMember},
		{"sums", same(a.Sums, b.Sums)}, {"counts", same(a.Counts, b.Counts)},
		{"values", slices.Equal(a.Values, b.Values)},
		{"recent", slices.EqualFunc(a.Recent, b.Recent, sameEvent)},
	} {
		if !c.ok {
			return fmt.Errorf("%s:\n got %+v\nwant %+v", c.name, a, b)
		}
	}
	return nil
}

// bitsOf makes readings comparable bit for bit, NaN included.
func bitsOf(r *Reading) []uint64 {
	var b []uint64
	for _, x := range []float64{
		r.Count, r.Sum, r.Mean, r.Deviance, r.Min, r.Max, r.Latest, r.Earliest, r.Distinct, r.Share, r.Slope,
		r.Decayed, r.DecaySum, r.DecayAvg,
	} {
		b = append(b, math.Float64bits(x))
	}
	b = append(b, uint64(r.First), uint64(r.Last), r.FirstMember, r.LastMember,
		uint64(len(r.Sums)), uint64(len(r.Counts)))
	for _, m := range slices.Concat(r.Sums, r.Counts) {
		b = append(b, m.Member, math.Float64bits(m.Weight))
	}
	for _, x := range r.Values {
		b = append(b, math.Float64bits(x))
	}
	for _, e := range r.Recent {
		b = append(b, uint64(e.At), math.Float64bits(e.Value))
	}
	return b
}

// weeks is a calendar of uneven panes: of 30 and 45 units in turn.
type weeks struct{}

func (weeks) Pane(at int64) (number, from, to int64) {
	q := floorDiv(at, 75)
	if at-75*q < 30 {
		return 2 * q, 75 * q, 75*q + 30
	}
	return 2*q + 1, 75*q + 30, 75*q + 75
}
