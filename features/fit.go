// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// Fit learns what the features need from the given rows of rec (nil: all), and
// from no others. Rows that break the plan's rules are left out and counted.
func Fit(ctx context.Context, s *plantext.Spec, rec arrow.Record, rows []int) (*Plan, *FitReport, error) {
	if err := plancheck.Check(s); err != nil {
		return nil, nil, err
	}
	return fitReplayed(ctx, s, rec, rows, nil)
}

// fitReplayed is Fit with the history of a replay, nil to replay the table here.
func fitReplayed(ctx context.Context, s *plantext.Spec, rec arrow.Record, rows []int, past *history) (*Plan, *FitReport,
	error) {
	rows, err := rowsOrAll(rec, rows)
	if err != nil {
		return nil, nil, err
	}
	if err := plancheck.LookupsRead(s); err != nil {
		return nil, nil, err
	}
	frozen := &frozenPlan{Format: frozenFormat, Spec: s.WithDefaults(),
		Learned: make([]kernels.Learned, len(s.Features))}
	if frozen.Zones, err = freezeZones(s); err != nil {
		return nil, nil, err
	}
	// A plan that has learned nothing yet reads the fields and orders the steps.
	p, err := unfittedPlan(frozen)
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
	report := &FitReport{outOfFold: map[int]map[int]float64{}, Windows: p.windowReports(past)}
	rows, labels, err := src.trainingRows(ctx, s, rec, past.scored(rows), report)
	if err != nil {
		return nil, nil, err
	}
	frozen.Rows, frozen.BadRate = len(rows), badRate(labels)
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

// rowsOrAll returns the given rows if all are rows of the table, and all rows of
// the table for nil.
func rowsOrAll(rec arrow.Record, rows []int) ([]int, error) {
	if rows == nil {
		rows = make([]int, rec.NumRows())
		for i := range rows {
			rows[i] = i
		}
	}
	for _, r := range rows {
		if r < 0 || r >= int(rec.NumRows()) {
			return nil, fmt.Errorf("training row %d of a table of %d: %w", r, rec.NumRows(), assay.ErrInvalid)
		}
	}
	return rows, nil
}

// badRate is the mean label, nil if there are no labels.
func badRate(labels []float64) *float64 {
	if labels == nil {
		return nil
	}
	bad := 0.0
	for _, y := range labels {
		bad += y
	}
	rate := bad / float64(len(labels))
	return &rate
}

// unfittedPlan is a plan whose kernels have not learned anything.
func unfittedPlan(f *frozenPlan) (*Plan, error) {
	p := &Plan{frozen: f, spec: f.Spec, byName: map[string]int{}}
	if err := p.compileZones(); err != nil {
		return nil, err
	}
	if err := p.compileFields(); err != nil {
		return nil, err
	}
	order, err := plancheck.FeatureOrder(f.Spec)
	if err != nil {
		return nil, err
	}
	p.slots = len(p.fields) + 1 + len(f.Spec.Features)
	for _, i := range order {
		s := &f.Spec.Features[i]
		k, _ := kernels.Named(f.Spec.KernelName(s))
		st := step{kernel: &k, learned: &f.Learned[i], fill: s.Fill, out: p.featureSlot(i)}
		st.learned.Spec, st.learned.Zone = s, p.zones[s.Zone]
		st.learned.BindCountedMembers()
		for _, n := range f.Spec.Inputs(s) {
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

// fitSteps fits and runs the features one after the other: a feature may read
// what an earlier one became.
func (p *Plan) fitSteps(sc *scratch, rows []int, labels []float64, members map[int][]string, report *FitReport) error {
	report.Features = make([]FittedReport, len(p.spec.Features))
	for n := range p.steps {
		st := &p.steps[n]
		i := st.out - p.featureSlot(0)
		f := &kernels.Fitting{Spec: st.learned.Spec, Learned: st.learned, In: sc.in[n], Labels: labels}
		f.Out = sc.cols[st.out]
		if st.kernel.Member {
			f.Texts = append(f.Texts, members[i])
		}
		for _, slot := range st.in {
			var texts []string
			if slot > len(p.fields) { // a window's member
				texts = append(slices.Clone(p.frozen.Learned[slot-p.featureSlot(0)].Categories), plantext.OtherCategory)
			}
			for _, t := range p.frozen.Texts {
				if slot < len(p.fields) && t.Field == p.fields[slot].Spec.Name {
					texts = t.Texts
				}
			}
			f.Texts = append(f.Texts, texts)
		}
		if st.kernel.Fit != nil {
			if err := st.kernel.Fit(f); err != nil {
				return fmt.Errorf("feature %q: %w", f.Spec.Name, err)
			}
			if err := st.kernel.Verify(st.learned, p.dictSizes(st.in)); err != nil {
				return fmt.Errorf("feature %q: %w: %w", f.Spec.Name, err, assay.ErrInvalid)
			}
		}
		p.runStep(sc, n)
		if f.OutOfFold != nil {
			byRow := make(map[int]float64, len(rows))
			for j, row := range rows {
				byRow[row] = f.OutOfFold[j]
			}
			report.outOfFold[i] = byRow
		}
		report.Features[i] = fittedReport(f, sc.cols[st.out])
	}
	return nil
}
