// SPDX-License-Identifier: Apache-2.0

package features

import (
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
)

// learnTexts makes the dictionary of every text field that a kernel reads: the
// texts of the training rows that at least one kernel keeps, sorted.
func (s *source) learnTexts(rows []int) {
	p := s.p
	keep := map[int]int{}        // field -> lowest count at which one of its kernels keeps a text
	listed := map[int][]string{} // field -> texts that kernels list, kept whatever their count
	for i := range p.steps {
		st := &p.steps[i]
		if l := st.learned.Lookup; l != nil && l.Keyed {
			slot := st.in[0]
			for _, key := range lookupKeys(&p.spec.Lookups[p.spec.LookupIndex(st.learned.Spec.Table)]) {
				if key = p.fields[slot].CanonicalText(key); key != "" {
					listed[slot] = append(listed[slot], key)
				}
			}
			if _, ok := keep[slot]; !ok {
				keep[slot] = math.MaxInt
			}
			continue
		}
		if !st.kernel.Texts || st.learned.Levels != nil {
			continue
		}
		for _, slot := range st.in {
			if slot >= len(p.fields) {
				continue // a window's member: its texts are its categories
			}
			n := kernels.MinCount(st.learned.Spec, st.kernel.Name)
			if st.kernel.Name == "cross" {
				n = 1 // the pairs are counted, not the texts
			}
			if st.learned.Spec.Listed() {
				n = math.MaxInt
				listed[slot] = append(listed[slot], st.learned.Spec.Categories...)
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
			if t := s.cols[i].Text(row); t != "" {
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
		if limit := max(kernels.MaxCategories-len(fixed), 0); len(texts) > limit {
			sort.Slice(texts, func(a, b int) bool {
				if counts[texts[a]] != counts[texts[b]] {
					return counts[texts[a]] > counts[texts[b]]
				}
				return texts[a] < texts[b]
			})
			texts = texts[:limit]
		}
		texts = slices.AppendSeq(texts, maps.Keys(fixed))
		slices.Sort(texts)
		codes := make(map[string]float64, len(texts))
		for c, t := range texts {
			codes[t] = float64(c)
		}
		p.fields[i].Codes = codes
		p.frozen.Texts = append(p.frozen.Texts, frozenTexts{Field: p.fields[i].Spec.Name, Texts: texts})
	}
}

// learnMembers lists, for each feature whose value is a member of its window, all
// texts that members have in the log, and gives each a provisional code until
// the kernel is fitted and knows which of them are categories.
func (p *Plan) learnMembers(rec arrow.Record, src *source) (map[int][]string, error) {
	out, columns := map[int][]string{}, map[string][]string{}
	for i := range p.steps {
		st := &p.steps[i]
		if !st.kernel.Member {
			continue
		}
		name := p.spec.Windows[p.spec.WindowIndex(st.learned.Spec.Window)].Member
		texts, ok := columns[name]
		if !ok {
			textOf, err := p.memberTexts(rec, src, name)
			if err != nil {
				return nil, err
			}
			seen := map[string]bool{}
			for row := range int(rec.NumRows()) {
				if t := textOf(row); t != "" && !seen[t] {
					seen[t] = true
					texts = append(texts, t)
				}
			}
			slices.Sort(texts)
			columns[name] = texts
		}
		out[st.out-p.featureSlot(0)] = texts
		st.learned.BindMembers(texts)
	}
	return out, nil
}

// memberTexts returns a function that reads a role or a text field of a table's
// row in the form that events have.
func (p *Plan) memberTexts(rec arrow.Record, src *source, name string) (func(row int) string, error) {
	if i, ok := p.byName[name]; ok && !slices.Contains(p.spec.Entities, name) {
		return func(row int) string {
			v, err := p.fields[i].CellAsValue(&src.cols[i], row)
			if err != nil {
				return "" // the replay reports the error
			}
			return v.Text()
		}, nil
	}
	c, err := fieldvalue.ColumnOf(rec, name, assay.Text, false)
	return c.Text, err
}
