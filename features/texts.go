// SPDX-License-Identifier: Apache-2.0

package features

import (
	"maps"
	"math"
	"slices"
	"sort"
)

// learnTexts makes the dictionary of every text field that a kernel reads:
// the texts of the training rows that some kernel keeps, sorted.
func (s *source) learnTexts(rows []int) {
	p := s.p
	keep := map[int]int{}        // field -> least count that any of its kernels keeps
	listed := map[int][]string{} // field -> texts that kernels list, kept at any count
	for i := range p.steps {
		st := &p.steps[i]
		if l := st.learned.lookup; l != nil && l.keyed {
			slot := st.in[0]
			for _, key := range p.spec.Lookups[p.spec.lookupOf(st.learned.spec.Table)].keys() {
				if key = p.fields[slot].textOf(key); key != "" {
					listed[slot] = append(listed[slot], key)
				}
			}
			if _, ok := keep[slot]; !ok {
				keep[slot] = math.MaxInt
			}
			continue
		}
		if !st.kernel.text || st.learned.levels != nil {
			continue
		}
		for _, slot := range st.in {
			if slot >= len(p.fields) {
				continue // a window's member: its texts are its categories
			}
			n := st.learned.spec.minCount(st.kernel.name)
			if st.kernel.name == "cross" {
				n = 1 // the pairs are counted, not the texts
			}
			if st.learned.spec.listed() {
				n = math.MaxInt
				listed[slot] = append(listed[slot], st.learned.spec.Categories...)
			}
			if old, ok := keep[slot]; !ok || n < old {
				keep[slot] = n
			}
		}
	}
	for i := range p.fields {
		least, ok := keep[i]
		if !ok {
			continue
		}
		counts := map[string]int{}
		for _, row := range rows {
			if t := s.cols[i].text(row); t != "" {
				counts[t]++
			}
		}
		fixed := map[string]bool{}
		for _, t := range listed[i] {
			fixed[t] = true
		}
		var texts []string
		for t, n := range counts {
			if n >= least && !fixed[t] {
				texts = append(texts, t)
			}
		}
		if room := max(maxCategories-len(fixed), 0); len(texts) > room {
			sort.Slice(texts, func(a, b int) bool {
				if counts[texts[a]] != counts[texts[b]] {
					return counts[texts[a]] > counts[texts[b]]
				}
				return texts[a] < texts[b]
			})
			texts = texts[:room]
		}
		texts = slices.AppendSeq(texts, maps.Keys(fixed))
		slices.Sort(texts)
		codes := make(map[string]float64, len(texts))
		for c, t := range texts {
			codes[t] = float64(c)
		}
		p.fields[i].codes = codes
		p.frozen.Texts = append(p.frozen.Texts, frozenTexts{Field: p.fields[i].spec.Name, Texts: texts})
	}
}
