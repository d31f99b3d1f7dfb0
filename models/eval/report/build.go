// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// builder carries what several sections need.
type builder struct {
	ctx        context.Context
	in         *Input
	thresholds Thresholds
	report     *document.Report
	// original is the caller's number of each row; the report sorts rows by
	// their content.
	original         []int32
	rank             []float64 // what rows are ranked by: the margin, or the PD without margins
	curve            *eval.Curve
	train            *eval.Curve     // nil without training rows
	outOfFold        *eval.Curve     // of the training rows, by models that did not train on them; nil = not known
	line             eval.CoxLine    // calibration line of the PDs; set by the section on calibration
	measured         []eval.Variable // of each feature
	byPD             []int32         // rows from the highest PD to the lowest
	challengerCurves []*eval.Curve   // of each challenger
}

// Build makes the report. It does not change in or keep any part of it, and the
// result depends on in alone (random draws on in.Seed). Errors match ErrInput when
// the input is invalid, or are those of ctx.
func Build(ctx context.Context, in Input) (*document.Report, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, in: &in, thresholds: in.Thresholds.withDefaults()}
	b.sortByContent()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b.rank = in.Margin; b.rank == nil {
		b.rank = in.PD
	}
	b.report = &document.Report{Schema: document.Schema, Title: in.Title}
	if b.report.Title == "" {
		b.report.Title = "Credit model"
	}
	if !in.Made.IsZero() {
		b.report.Made = in.Made.UTC().Format(time.RFC3339)
	}
	b.curve = eval.CurveOf(in.Label, b.rank, in.Weight)
	b.addSensitiveGroups()
	b.rankings()
	for _, step := range []func() error{b.columns, b.metrics} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for k, make := range []func() (document.Section, error){
		b.summary, b.sample, b.variables, b.discrimination, b.challengers, b.calibration, b.gains,
		b.stability, b.explanation, b.fairness, b.stress, b.rejects, b.parity,
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := make()
		if err != nil {
			return nil, fmt.Errorf("report section %s: %w", sectionIDs[k], err)
		}
		if s.ID != sectionIDs[k] {
			panic("report: section " + s.ID + " is made in the place of " + sectionIDs[k])
		}
		b.report.Sections = append(b.report.Sections, s)
	}
	b.report.Headline = append(b.report.Headline, countLights(b.report.Verdicts))
	return b.report, nil
}

// sectionIDs are the sections in their order, which their numbers follow.
var sectionIDs = [...]string{"summary", "sample", "variables", "discrimination", "challengers", "calibration",
	"strategy", "stability", "explanation", "fairness", "stress", "rejects", "parity"}

// sectionNumber returns the number that the page prints before a section's title,
// for texts that refer to the section.
func sectionNumber(id string) int {
	k := slices.Index(sectionIDs[:], id)
	if k < 0 {
		panic("report: there is no section " + id)
	}
	return k + 1
}

// rankings sorts the rows once for each order that sections need.
func (b *builder) rankings() {
	in := b.in
	b.challengerCurves = make([]*eval.Curve, len(in.Challenger))
	b.each(len(in.Challenger)+3, func(k int) {
		switch k {
		case 0:
			b.byPD = b.curve.Falling
			if in.Margin != nil {
				b.byPD = eval.FallingOrder(in.PD)
			}
		case 1:
			if t := in.Train; t != nil {
				s := t.Margin
				if s == nil {
					s = t.PD
				}
				b.train = eval.CurveOf(t.Label, s, t.Weight)
			}
		case 2:
			if t := in.Train; t != nil && t.OutOfFold != nil {
				b.outOfFold = eval.CurveOf(t.Label, t.OutOfFold, t.Weight)
			}
		default:
			b.challengerCurves[k-3] = eval.CurveOf(in.Label, in.Challenger[k-3].Score, in.Weight)
		}
	})
}

// each calls f for 0..n-1 on all processors, and stops early when the context
// ends. f(i) must write to its own place only.
func (b *builder) each(n int, f func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && b.ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wait.Wait()
}

// replicates returns the number of bootstrap resamples for n rows.
func (b *builder) replicates(n int) int {
	switch {
	case b.in.Resamples > 0:
		return b.in.Resamples
	case n <= 20_000:
		return 500
	case n <= 200_000:
		return 200
	}
	return 100
}

// metrics are the statistics that more than one section shows.
func (b *builder) metrics() error {
	in := b.in
	m, err := eval.Metrics(b.ctx, b.curve, in.Label, in.PD, in.Weight, b.replicates(b.curve.Rows()), in.Seed)
	if err != nil {
		return err
	}
	r := b.report
	r.Metrics = m
	r.AUC, r.Gini, r.KS = b.value("auc"), b.value("gini"), b.value("ks")
	r.Brier, r.LogLoss, r.BadRate = b.value("brier"), b.value("logloss"), numfmt.Number(b.curve.BadRate())
	r.N = b.curve.Rows()
	return nil
}

func (b *builder) add(name string, e eval.Estimate) {
	b.report.Metrics = append(b.report.Metrics, eval.Metric{Name: name, Estimate: e})
}

func (b *builder) value(name string) numfmt.Number {
	e, _ := b.report.Metric(name)
	return e.Value
}

// interval prints an estimate as "0.840 (0.81 to 0.87)".
func interval(e eval.Estimate, f numfmt.Format) string {
	if !e.Value.Defined() {
		return "not defined"
	}
	s := f.Print(float64(e.Value))
	if e.Low.Defined() && e.High.Defined() {
		s += fmt.Sprintf(" (95 %% interval %s to %s)", f.Print(float64(e.Low)), f.Print(float64(e.High)))
	}
	return s
}

// columns measures every feature.
func (b *builder) columns() error {
	b.measured = make([]eval.Variable, len(b.in.Features))
	b.each(len(b.measured), func(j int) {
		var trained []float64
		if b.in.Train != nil {
			trained = b.in.Train.Weight
		}
		b.measured[j] = eval.MeasureVariable(b.in.Label, b.in.Weight, trained, b.in.Features[j].data())
		b.measured[j].IVByChance = eval.ChancePSI(len(b.measured[j].Binned.Bins), b.curve.BadTally.Effective(),
			b.curve.GoodTally.Effective())
	})
	return b.ctx.Err()
}
