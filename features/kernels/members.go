// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
	"github.com/assayrisk/assay/internal/bitmath"
)

// The kernels over the members of a window: how its events, or the sum of its
// values, are spread over them.

func memberKernels() []Kernel {
	return []Kernel{
		{Name: "top_share", Needs: window.Sums, NeedsMember: true,
			Formula: "sum of the k greatest members / sum of all; exact as `share` is",
			Missing: "missing as `share` is",
			Params:  "`k: 3` (default 1); `members` at the window (default 128)",
			Example: "values=10,30,20 members=a,b,c k=2 -> 0.833333333333",
			Check:   checkK,
			Read:    func(r *window.Reading, _ int64, l *Learned) float64 { return topShare(r, eventsRead(l.Spec)) }},
		{Name: "hhi", Needs: window.Sums, NeedsMember: true,
			Formula: "sum over members of (member's sum / sum of all)^2, the Herfindahl-Hirschman index: 1/n if n " +
				"members are equal, 1 if there is one; exact as `share` is",
			Missing: "missing as `share` is",
			Params:  "`members` at the window (default 128)", Example: "values=10,30,20 members=a,b,a -> 0.5",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return concentration(r) }},
		{Name: "entropy", Needs: window.Sums, NeedsMember: true,
			Formula: "-sum over members of p * ln(p), p = member's sum / sum of all: 0 if there is one member, ln(n) " +
				"if n are equal; exact as `share` is",
			Missing: "missing as `share` is, or when a member's sum is negative",
			Params:  "`members` at the window (default 128)", Example: "values=10,30,20 members=a,b,a -> 0.69314718056",
			Read: func(r *window.Reading, _ int64, _ *Learned) float64 { return entropy(r) }},
		{Name: "count_of", Needs: window.Tally, NeedsMember: true,
			Formula: "number of events whose member is one of `is`; exact as `share` is, else never too large",
			Missing: "0 for a key without events; missing as `share` is when no member is known",
			Params:  "`is: [a, b]`; `members` at the window (default 128)",
			Example: "members=a,b,a is=a -> 2", Check: checkIs,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return countOf(r, l) }},
		{Name: "share_of", Needs: window.Tally | window.Count, NeedsMember: true,
			Formula: "number of events whose member is one of `is` / number of events",
			Missing: "missing for a key without events, or as `share` is when no member is known",
			Params:  "`is: [a, b]`; `members` at the window (default 128)",
			Example: "members=a,b,a is=b -> 0.333333333333", Check: checkIs,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return countOf(r, l) / r.Count }},
		{Name: "mode", Needs: window.Tally, NeedsMember: true, Member: true,
			Formula: "the member of most events, as `category` codes it; of equals the one with the smaller hash",
			Missing: "missing for a key without events, or as `share` is when no member is known",
			Params:  "as of `category`; `members` at the window (default 128)",
			Example: "members=a,b,a min_count=1 -> 0", Fit: fitMember, Check: checkMember, Verify: verifyMember,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 { return mode(r, l) }},
		{Name: "latest_text", Needs: window.LatestMember, NeedsMember: true, Member: true,
			Formula: "the member of the latest event, as `category` codes it",
			Missing: "missing for a key without events, or when the member was erased",
			Params:  "as of `category`", Example: "members=a,a,b min_count=1 -> 0", Fit: fitMember,
			Check: checkMember, Verify: verifyMember,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 {
				return l.memberCode(r.LastMember, r.Seen && r.LastMember != 0)
			}},
		{Name: "earliest_text", Needs: window.EarliestMember, NeedsMember: true, Member: true,
			Formula: "the member of the earliest event, as `category` codes it",
			Missing: "missing for a key without events, or when the member was erased",
			Params:  "as of `category`", Example: "members=b,a,a min_count=1 -> 0", Fit: fitMember,
			Check: checkMember, Verify: verifyMember,
			Read: func(r *window.Reading, _ int64, l *Learned) float64 {
				return l.memberCode(r.FirstMember, r.Seen && r.FirstMember != 0)
			}},
	}
}

// eventsRead is the parameter k: how many events or members a kernel reads.
func eventsRead(f *plantext.FeatureSpec) int { return max(f.K, 1) }

// maxK bounds k.
const maxK = 256

func checkK(f *plantext.FeatureSpec) string {
	if f.K < 0 || f.K > maxK {
		return fmt.Sprintf("k must lie between 1 and %d", maxK)
	}
	return ""
}

func checkIs(f *plantext.FeatureSpec) string {
	if len(f.Is) == 0 || slices.Contains(f.Is, "") {
		return "name the members to count: `is: [a, b]`"
	}
	return ""
}

// allForgotten reports whether a window has events, but all its members were forgotten
// for later ones. This can happen when the window ends some time ago. The value is then
// missing: 0 would be wrong.
func allForgotten(r *window.Reading, known []window.MemberSum) bool { return r.Seen && len(known) == 0 }

func topShare(r *window.Reading, k int) float64 {
	if !(r.Sum > 0) || allForgotten(r, r.Sums) {
		return math.NaN()
	}
	slices.SortFunc(r.Sums, func(a, b window.MemberSum) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Member, b.Member))
	})
	sum := 0.0
	for _, m := range r.Sums[:min(k, len(r.Sums))] {
		sum += m.Weight
	}
	slices.SortFunc(r.Sums, func(a, b window.MemberSum) int { return cmp.Compare(a.Member, b.Member) })
	return sum / r.Sum
}

func concentration(r *window.Reading) float64 {
	if !(r.Sum > 0) || allForgotten(r, r.Sums) {
		return math.NaN()
	}
	sum := 0.0
	for _, m := range r.Sums {
		p := m.Weight / r.Sum
		sum += float64(p * p)
	}
	return sum
}

func entropy(r *window.Reading) float64 {
	if !(r.Sum > 0) || allForgotten(r, r.Sums) {
		return math.NaN()
	}
	sum := 0.0
	for _, m := range r.Sums {
		switch p := m.Weight / r.Sum; {
		case p < 0:
			return math.NaN()
		case p > 0:
			sum -= float64(p * bitmath.Log(p))
		}
	}
	return sum
}

func countOf(r *window.Reading, l *Learned) float64 {
	if allForgotten(r, r.Counts) {
		return math.NaN()
	}
	n := 0.0
	for _, h := range l.countedHashes {
		i, ok := slices.BinarySearchFunc(r.Counts, h, func(m window.MemberSum, h uint64) int {
			return cmp.Compare(m.Member, h)
		})
		if ok {
			n += r.Counts[i].Weight
		}
	}
	return n
}

func mode(r *window.Reading, l *Learned) float64 {
	best := window.MemberSum{}
	for _, m := range r.Counts { // by rising hash: the first of equals stays
		if m.Weight > best.Weight {
			best = m
		}
	}
	return l.memberCode(best.Member, best.Weight > 0)
}

// memberCode is the code of a member's category; a member without a category gets the
// last code.
func (l *Learned) memberCode(hash uint64, seen bool) float64 {
	if !seen {
		return math.NaN()
	}
	if c, ok := l.memberCodes[hash]; ok {
		return c
	}
	return float64(len(l.memberCodes))
}

// BindMembers gives members their codes, and prepares the members to count.
func (l *Learned) BindMembers(texts []string) {
	l.memberCodes = make(map[uint64]float64, len(texts))
	for c, t := range texts {
		l.memberCodes[window.Hash(t)] = float64(c)
	}
	l.BindCountedMembers()
}

func (l *Learned) BindCountedMembers() {
	l.countedHashes = nil
	for _, t := range l.Spec.Is {
		if h := window.Hash(t); !slices.Contains(l.countedHashes, h) {
			l.countedHashes = append(l.countedHashes, h)
		}
	}
}

func checkMember(f *plantext.FeatureSpec) string {
	if f.Listed() {
		return "the categories of a window's members are learned: leave categories and unknown out"
	}
	return checkCategory(f)
}

// fitMember keeps the members that training rows read often enough. Until then
// the column holds each member's place among all texts of the log.
func fitMember(f *Fitting) error {
	counts := make([]int64, len(f.Texts[0]))
	filled := int64(0)
	for _, c := range f.Out {
		if c == c {
			counts[int(c)]++
			filled++
		}
	}
	l, code := f.Learned, make([]float64, len(counts))
	l.Categories = []string{}
	kept := int64(0)
	keep := keepMostFrequent(counts, int64(MinCount(f.Spec, "category")), maxCategoriesOf(f.Spec))
	for c, k := range keep {
		if k {
			code[c] = float64(len(l.Categories))
			l.Categories = append(l.Categories, f.Texts[0][c])
			l.Counts = append(l.Counts, counts[c])
			kept += counts[c]
		}
	}
	for c, k := range keep {
		if !k {
			code[c] = float64(len(l.Categories))
		}
	}
	l.Counts = append(l.Counts, filled-kept)
	for j, c := range f.Out {
		if c == c {
			f.Out[j] = code[int(c)]
		}
	}
	l.BindMembers(l.Categories)
	return nil
}

// verifyMember checks that the categories are in the order that codes rely on.
func verifyMember(l *Learned, _ []int) error {
	for i, t := range l.Categories {
		if t == "" || i > 0 && t <= l.Categories[i-1] {
			return fmt.Errorf("the categories are not sorted texts")
		}
	}
	if len(l.Counts) != len(l.Categories)+1 || l.Table != nil || l.Other != nil || l.Pairs != nil {
		return fmt.Errorf("%d counts of %d categories", len(l.Counts), len(l.Categories))
	}
	l.BindMembers(l.Categories)
	return nil
}
