// SPDX-License-Identifier: Apache-2.0

package features

import "slices"

// kinds numbers the kinds of event that a plan knows: the scored one, those
// that carry a field and those that feed a window. There are few, so that a
// search is faster than a hash.
type kinds []string

const unknownKind = -1

// index returns the number of a kind, unknownKind if the plan does not know it.
func (k kinds) index(kind string) int {
	for i := range k {
		if k[i] == kind {
			return i
		}
	}
	return unknownKind
}

// kindSet is a set of numbered kinds; kinds beyond its length are not in it.
type kindSet []bool

func (s kindSet) has(kind int) bool { return uint(kind) < uint(len(s)) && s[kind] }

// intern gives kinds numbers, new ones if need be, and returns their set.
func (k *kinds) intern(names ...string) kindSet {
	var out kindSet
	for _, n := range names {
		i := slices.Index(*k, n)
		if i < 0 {
			i = len(*k)
			*k = append(*k, n)
		}
		for len(out) <= i {
			out = append(out, false)
		}
		out[i] = true
	}
	return out
}

// scored is the number of the kind that the plan scores.
const scored = 0
