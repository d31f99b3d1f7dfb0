// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
)

// ReasonGroup is features that share a reason, such as all that measure how
// late a buyer pays. Correlated features split a contribution among them in
// ways that no reader should have to follow; their sum is what a person can act
// on.
type ReasonGroup struct {
	Code     string // stable
	Text     string // one sentence
	Features []int  // columns of the vector
}

// Reasons turns contributions into the reasons of an adverse decision. It is
// immutable and safe for concurrent use.
type Reasons struct {
	groups []ReasonGroup
	used   []bool // per group: the model splits on one of its features
	max    int
}

// MaxReasons is how many reasons an adverse decision gives at most: more than
// four do not help the applicant (Regulation B, 12 CFR 1002.9, official
// commentary 9(b)(2)).
const MaxReasons = 4

// NewReasons checks that the groups name features of f, and none twice. A
// feature in no group gives no reason. Codes are distinct.
func NewReasons(f *Forest, groups []ReasonGroup) (*Reasons, error) {
	r := &Reasons{groups: slices.Clone(groups), used: make([]bool, len(groups)), max: MaxReasons}
	in := make([]int, f.features)
	codes := make(map[string]bool, len(groups))
	for i, g := range groups {
		if g.Code == "" || codes[g.Code] {
			return nil, fmt.Errorf("forest: the code %q of reason group %d is empty or taken: %w",
				g.Code, i, assay.ErrInvalid)
		}
		codes[g.Code] = true
		for _, j := range g.Features {
			if j < 0 || j >= f.features {
				return nil, fmt.Errorf("forest: reason group %q names feature %d of %d: %w", g.Code, j,
					f.features, assay.ErrInvalid)
			}
			if in[j]++; in[j] > 1 {
				return nil, fmt.Errorf("forest: feature %d is in more than one reason group: %w", j, assay.ErrInvalid)
			}
			r.used[i] = r.used[i] || f.splits[j] > 0
		}
	}
	return r, nil
}

// GroupReasons groups the features of a vector that share a reason: label gives
// the code and the sentence of feature j. Groups are in the order of their first
// feature, and have its sentence.
func GroupReasons(features int, label func(j int) (code, text string)) []ReasonGroup {
	var groups []ReasonGroup
	at := map[string]int{}
	for j := range features {
		code, text := label(j)
		i, ok := at[code]
		if !ok {
			i = len(groups)
			at[code] = i
			groups = append(groups, ReasonGroup{Code: code, Text: text})
		}
		groups[i].Features = append(groups[i].Features, j)
	}
	return groups
}

// Append appends to dst the groups that raise the margin, strongest first, at most
// MaxReasons: those whose features' contributions, as Contributions gives them,
// sum to more than zero. Groups that tie keep the order that they have in
// NewReasons. A group whose features the model does not use is never a reason.
func (r *Reasons) Append(dst []assay.Reason, contributions []float64) []assay.Reason {
	type sum struct {
		group int
		value float64
	}
	var top [MaxReasons]sum
	n := 0
	for i, g := range r.groups {
		s := sum{group: i}
		for _, j := range g.Features {
			s.value += contributions[j]
		}
		if !r.used[i] || !(s.value > 0) {
			continue
		}
		at, _ := slices.BinarySearchFunc(top[:n], s, func(a, b sum) int {
			if a.value == b.value {
				return -1 // after those that tie
			}
			return cmp.Compare(b.value, a.value)
		})
		if at == r.max {
			continue
		}
		n = min(n+1, r.max)
		copy(top[at+1:n], top[at:])
		top[at] = s
	}
	for _, s := range top[:n] {
		g := &r.groups[s.group]
		dst = append(dst, assay.Reason{Code: g.Code, Text: g.Text, Contribution: s.value})
	}
	return dst
}
