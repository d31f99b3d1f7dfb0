// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// fitting is one feature's view of the training rows.
type fitting struct {
	spec    *FeatureSpec
	learned *learned
	in      [][]float64 // input columns, training rows only
	labels  []float64   // nil if the table has none
	texts   [][]string  // dictionary of each text input; of the window's members, if it answers with one
	out     []float64   // what a window said, of kernels over windows

	outOfFold []float64 // set by target encodings: a value for each training row
}

// Fit learns what the features need from the given rows of rec (nil: all), and
// from no others. Rows that break the plan's rules are left out and counted.
func (s *Spec) Fit(ctx context.Context, rec arrow.Record, rows []int) (*Plan, *FitReport, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	return s.fit(ctx, rec, rows, nil)
}

// fit is Fit with what the windows said, nil to find out.
func (s *Spec) fit(ctx context.Context, rec arrow.Record, rows []int, past *history) (*Plan, *FitReport, error) {
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
	if err := (checker{s: s}).unread(); err != nil {
		return nil, nil, err
	}
	frozen := &frozenPlan{Format: frozenFormat, Spec: s.withDefaults(), Learned: make([]learned, len(s.Features))}
	var err error
	if frozen.Zones, err = s.freezeZones(); err != nil {
		return nil, nil, err
	}
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
	members, err := p.learnMembers(rec, src)
	if err != nil {
		return nil, nil, err
	}
	if past == nil {
		if past, err = p.replay(ctx, rec, src); err != nil {
			return nil, nil, err
		}
	}
	report.Windows = p.windowReports(past)
	rows, report.Duplicates, err = s.duplicates(rec, past.scored(rows))
	if err != nil {
		return nil, nil, err
	}
	if rows, err = src.usable(ctx, rows, report); err != nil {
		return nil, nil, err
	}
	outcomes := &Outcomes{Rows: rows}
	if err := p.outcomes(rec, src, outcomes); err != nil {
		return nil, nil, err
	}
	labels := outcomes.Labels
	rows, labels = report.closed(rows, labels)
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("no training row satisfies the plan (%d were rejected, %d have no outcome yet): %w",
			report.Rejected, report.Open, assay.ErrInvalid)
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
	for i := range p.steps {
		p.bindLookup(&p.steps[i]) // its keys have codes now
	}
	sc := p.newScratch(len(rows))
	if err := src.fill(sc, rows); err != nil {
		return nil, nil, err
	}
	past.fill(sc, rows)
	if err := p.fitSteps(sc, rows, labels, members, report); err != nil {
		return nil, nil, err
	}
	plan, err := newPlan(frozen, nil)
	if err != nil {
		return nil, nil, err
	}
	report.Rows, report.Kept, report.plan = len(rows), rows, plan
	return plan, report, nil
}

// draft is a plan whose kernels have not learned anything.
func draft(f *frozenPlan) (*Plan, error) {
	p := &Plan{frozen: f, spec: f.Spec, byName: map[string]int{}}
	if err := p.compileZones(); err != nil {
		return nil, err
	}
	if err := p.compileFields(); err != nil {
		return nil, err
	}
	order, err := checker{s: f.Spec}.order()
	if err != nil {
		return nil, err
	}
	p.slots = len(p.fields) + 1 + len(f.Spec.Features)
	for _, i := range order {
		s := &f.Spec.Features[i]
		k, _ := kernelOf(f.Spec.kernelName(s))
		st := step{kernel: &k, learned: &f.Learned[i], fill: s.Fill, out: p.featureSlot(i)}
		st.learned.spec, st.learned.zone = s, p.zones[s.Zone]
		st.learned.bindIs()
		for _, n := range f.Spec.inputs(s) {
			st.in = append(st.in, p.slotOf(n))
		}
		p.bindLevels(&st)
		p.bindLookup(&st)
		p.steps = append(p.steps, st)
	}
	p.compileDerived()
	p.compileWindows()
	return p, nil
}

// withDefaults copies the spec's top level, nothing below it is written, and
// fills in what a frozen plan must say of itself: a default that changes one day
// changes no plan that was fitted before.
func (s *Spec) withDefaults() *Spec {
	c := *s
	c.pos = nil
	if len(c.Windows) > 0 && c.Lateness == "" {
		c.Lateness = DefaultLateness
	}
	return &c
}

// fitSteps fits and runs the features one after the other: a feature may read
// what an earlier one became.
func (p *Plan) fitSteps(sc *scratch, rows []int, labels []float64, members map[int][]string, report *FitReport) error {
	report.Features = make([]FittedReport, len(p.spec.Features))
	for n := range p.steps {
		st := &p.steps[n]
		i := st.out - p.featureSlot(0)
		f := &fitting{spec: st.learned.spec, learned: st.learned, in: sc.in[n], labels: labels}
		f.out = sc.cols[st.out]
		if st.kernel.member {
			f.texts = append(f.texts, members[i])
		}
		for _, slot := range st.in {
			var texts []string
			if slot > len(p.fields) { // a window's member
				texts = append(slices.Clone(p.frozen.Learned[slot-p.featureSlot(0)].Categories), OtherCategory)
			}
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
