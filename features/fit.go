// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// FitReport says what fitting found and touched.
type FitReport struct {
	Rows       int            // rows that the plan was fitted on
	Rejected   int            // rows left out because they break a rule of the plan
	Rejections []*RowError    // the first hundred of them
	Open       int            // rows left out because their outcome is not known yet
	Duplicates int            // rows left out because they repeat an earlier one
	Outliers   []int          // rows of the record that the isolation forest marked
	Fields     []FieldReport  // in the order of the plan's fields
	Features   []FittedReport // in the order of the plan's features, hidden ones included

	plan      *Plan
	outOfFold map[int]map[int]float64 // feature -> record row -> value without the row's own fold
}

// FieldReport counts what the rules of one field touched in the training rows.
type FieldReport struct {
	Name    string
	Missing int // rows without a value
	Clipped int // brought back to min or max
	Cleared int // out of range and made missing
}

// FittedReport describes what one feature learned.
type FittedReport struct {
	Name       string
	Missing    int // training rows in which the feature has no value
	Touched    int // clip: values moved; category: rows in "other"
	Categories int
}

// OutOfFold overwrites, in a matrix of the table that was fitted, the values of
// target-encoded features (woe, target_mean) of the training rows by what the
// other folds say about them. A model trained without it would read its own
// labels.
func (r *FitReport) OutOfFold(m *Matrix) error {
	if m.Plan != r.plan.digest {
		return fmt.Errorf("the matrix is of plan %s, the report of plan %s: %w", m.Plan.Short(), r.plan.digest.Short(), assay.ErrConflict)
	}
	column := 0
	for i := range r.plan.spec.Features {
		if r.plan.spec.Features[i].Hidden {
			continue
		}
		if byRow := r.outOfFold[i]; byRow != nil {
			for j := range m.Rows {
				row := j
				if m.Row != nil {
					row = m.Row[j]
				}
				if x, ok := byRow[row]; ok {
					m.Columns[column][j] = x
				}
			}
		}
		column++
	}
	return nil
}

// fitting is one feature's view of the training rows.
type fitting struct {
	spec    *FeatureSpec
	learned *learned
	in      [][]float64 // input columns, training rows only
	labels  []float64   // nil if the table has none
	texts   [][]string  // dictionary of each text input

	outOfFold []float64 // set by target encodings: a value for each training row
}

// Fit learns what the features need from the given rows of rec (nil: all), and
// from no others. Rows that break the plan's rules are left out and counted.
func (s *Spec) Fit(ctx context.Context, rec arrow.Record, rows []int) (*Plan, *FitReport, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	if rows == nil {
		rows = make([]int, rec.NumRows())
		for i := range rows {
			rows[i] = i
		}
	}
	for _, r := range rows {
		if r < 0 || r >= int(rec.NumRows()) {
			return nil, nil, fmt.Errorf("training row %d of a table of %d: %w", r, rec.NumRows(), assay.ErrInvalid)
		}
	}
	frozen := &frozenPlan{Format: frozenFormat, Spec: s.clone(), Learned: make([]learned, len(s.Features))}
	report := &FitReport{outOfFold: map[int]map[int]float64{}}
	// A plan whose steps know nothing yet reads the fields and orders the steps.
	p, err := draft(frozen)
	if err != nil {
		return nil, nil, err
	}
	src, err := p.source(rec)
	if err != nil {
		return nil, nil, err
	}
	past, err := p.replay(ctx, rec, src)
	if err != nil {
		return nil, nil, err
	}
	rows, report.Duplicates, err = s.duplicates(rec, past.scored(rows))
	if err != nil {
		return nil, nil, err
	}
	if rows, err = src.usable(ctx, rows, report); err != nil {
		return nil, nil, err
	}
	labels, err := s.outcomes(rec, src, rows)
	if err != nil {
		return nil, nil, err
	}
	rows, labels = report.closed(rows, labels)
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("no training row satisfies the plan (%d were rejected, %d have no outcome yet): %w", report.Rejected, report.Open, assay.ErrInvalid)
	}
	if rows, labels, err = src.withoutOutliers(rows, labels, report); err != nil {
		return nil, nil, err
	}
	frozen.Rows = len(rows)
	if labels != nil {
		rate := mean(labels)
		frozen.BadRate = &rate
	}
	src.learnTexts(rows)
	sc := p.newScratch(len(rows))
	if err := src.fill(sc, rows); err != nil {
		return nil, nil, err
	}
	past.fill(sc, rows)
	if err := p.fitSteps(sc, rows, labels, report); err != nil {
		return nil, nil, err
	}
	plan, err := newPlan(frozen, nil)
	if err != nil {
		return nil, nil, err
	}
	report.Rows, report.plan = len(rows), plan
	return plan, report, nil
}

// draft is a plan whose kernels have not learned anything.
func draft(f *frozenPlan) (*Plan, error) {
	p := &Plan{frozen: f, spec: f.Spec, byName: map[string]int{}}
	if err := p.compileFields(); err != nil {
		return nil, err
	}
	order, err := checker{f.Spec}.order()
	if err != nil {
		return nil, err
	}
	p.slots = len(p.fields) + 1 + len(f.Spec.Features)
	for _, i := range order {
		s := &f.Spec.Features[i]
		k, _ := kernelOf(f.Spec.kernelName(s))
		st := step{kernel: &k, learned: &f.Learned[i], fill: s.Fill, out: p.featureSlot(i)}
		st.learned.spec = s
		for _, n := range f.Spec.inputs(s) {
			st.in = append(st.in, p.slotOf(n))
		}
		p.steps = append(p.steps, st)
	}
	p.needs = make([]window.Needs, len(f.Spec.Windows))
	p.compileWindows()
	return p, nil
}

// clone copies the spec's top level; nothing below it is written.
func (s *Spec) clone() *Spec {
	c := *s
	c.pos = nil
	return &c
}

// usable returns the rows that keep the plan's rules, and counts the others.
func (s *source) usable(ctx context.Context, rows []int, report *FitReport) ([]int, error) {
	p := s.p
	event := p.spec.event()
	report.Fields = make([]FieldReport, len(p.fields))
	for i := range p.fields {
		report.Fields[i].Name = p.fields[i].spec.Name
	}
	out := make([]int, 0, len(rows))
	for n, row := range rows {
		if n&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var bad *RowError
		for i := range p.fields {
			if !p.fields[i].on[event] {
				continue
			}
			x, err := s.field(i, row)
			if err != nil {
				bad = err
				break
			}
			r := &report.Fields[i]
			if x != x {
				r.Missing++
			}
			if raw := s.cols[i]; p.fields[i].kind == assay.Number && !raw.null(row) && raw.number(row) != x {
				if x != x {
					r.Cleared++
				} else {
					r.Clipped++
				}
			}
		}
		if bad != nil {
			report.Rejected++
			if len(report.Rejections) < 100 {
				report.Rejections = append(report.Rejections, bad)
			}
			continue
		}
		out = append(out, row)
	}
	return out, nil
}

// withoutOutliers marks the outlying rows, and leaves them out if the plan says
// so.
func (s *source) withoutOutliers(rows []int, labels []float64, report *FitReport) ([]int, []float64, error) {
	p := s.p
	if p.spec.Clean == nil || p.spec.Clean.Outliers == nil {
		return rows, labels, nil
	}
	sc := p.newScratch(len(rows))
	if err := s.fill(sc, rows); err != nil {
		return nil, nil, err
	}
	marked := p.outliers(sc, len(rows))
	var kept []int
	var keptLabels []float64
	for i, out := range marked {
		if out {
			report.Outliers = append(report.Outliers, rows[i])
		} else if kept = append(kept, rows[i]); labels != nil {
			keptLabels = append(keptLabels, labels[i])
		}
	}
	if !p.spec.Clean.Outliers.Drop || marked == nil {
		return rows, labels, nil
	}
	return kept, keptLabels, nil
}

// closed leaves out, and counts, the rows whose outcome is not known yet.
func (r *FitReport) closed(rows []int, labels []float64) ([]int, []float64) {
	if labels == nil {
		return rows, nil
	}
	n := 0
	for i, y := range labels {
		if y == y {
			rows[n], labels[n] = rows[i], y
			n++
		}
	}
	r.Open = len(rows) - n
	return rows[:n], labels[:n]
}

// columnLabels reads the label column of the rows, nil if the table has none.
func (s *Spec) columnLabels(rec arrow.Record, rows []int) ([]float64, error) {
	if len(rec.Schema().FieldIndices(s.Label.Column)) == 0 {
		return nil, nil
	}
	c, err := columnOf(rec, s.Label.Column, assay.Number, true)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(rows))
	for i, row := range rows {
		if out[i] = c.number(row); out[i] < 0 || out[i] > 1 {
			return nil, &RowError{row, c.name, "a label wants 0 (good) or 1 (bad)"}
		}
	}
	return out, nil
}

// learnTexts makes the dictionary of every text field that a kernel reads:
// the texts of the training rows that some kernel keeps, sorted.
func (s *source) learnTexts(rows []int) {
	p := s.p
	keep := map[int]int{} // field -> least count that any of its kernels keeps
	for i := range p.steps {
		st := &p.steps[i]
		if !st.kernel.text {
			continue
		}
		for _, slot := range st.in {
			n := st.learned.spec.minCount(st.kernel.name)
			if st.kernel.name == "cross" {
				n = 1 // the pairs are counted, not the texts
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
		var texts []string
		for t, n := range counts {
			if n >= least {
				texts = append(texts, t)
			}
		}
		if len(texts) > maxCategories {
			sort.Slice(texts, func(a, b int) bool {
				if counts[texts[a]] != counts[texts[b]] {
					return counts[texts[a]] > counts[texts[b]]
				}
				return texts[a] < texts[b]
			})
			texts = texts[:maxCategories]
		}
		slices.Sort(texts)
		codes := make(map[string]float64, len(texts))
		for c, t := range texts {
			codes[t] = float64(c)
		}
		p.fields[i].codes = codes
		p.frozen.Texts = append(p.frozen.Texts, frozenTexts{Field: p.fields[i].spec.Name, Texts: texts})
	}
}

// fitSteps fits and runs the features one after the other: a feature may read
// what an earlier one became.
func (p *Plan) fitSteps(sc *scratch, rows []int, labels []float64, report *FitReport) error {
	report.Features = make([]FittedReport, len(p.spec.Features))
	for n := range p.steps {
		st := &p.steps[n]
		i := st.out - p.featureSlot(0)
		f := &fitting{spec: st.learned.spec, learned: st.learned, in: sc.in[n], labels: labels}
		for _, slot := range st.in {
			var texts []string
			for _, t := range p.frozen.Texts {
				if slot < len(p.fields) && t.Field == p.fields[slot].spec.Name {
					texts = t.Texts
				}
			}
			f.texts = append(f.texts, texts)
		}
		if st.kernel.fit != nil {
			if err := st.kernel.fit(f); err != nil {
				return fmt.Errorf("feature %q: %w", f.spec.Name, err)
			}
			if err := st.kernel.verify(st.learned, p.dictSizes(st.in)); err != nil {
				return fmt.Errorf("feature %q: %w: %w", f.spec.Name, err, assay.ErrInvalid)
			}
		}
		p.runStep(sc, n)
		if f.outOfFold != nil {
			byRow := make(map[int]float64, len(rows))
			for j, row := range rows {
				byRow[row] = f.outOfFold[j]
			}
			report.outOfFold[i] = byRow
		}
		report.Features[i] = f.report(sc.cols[st.out])
	}
	return nil
}

// report counts what the fitted feature does to the training rows.
func (f *fitting) report(values []float64) FittedReport {
	r := FittedReport{Name: f.spec.Name, Categories: len(f.learned.Categories)}
	for j, x := range values {
		switch {
		case x != x:
			r.Missing++
		case f.learned.Low != nil && f.in[0][j] != x:
			r.Touched++
		case f.learned.Counts != nil && x == float64(len(f.learned.Categories)):
			r.Touched++
		}
	}
	return r
}

func mean(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	if len(xs) == 0 {
		return math.NaN()
	}
	return s / float64(len(xs))
}
