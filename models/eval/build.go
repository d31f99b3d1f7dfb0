// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assayrisk/assay/internal/numfmt"
)

// builder carries what several sections need.
type builder struct {
	ctx context.Context
	in  *Input
	th  Thresholds
	rep *Report
	// original is the caller's number of each row: the report's own order
	// follows from what the rows hold.
	original  []int32
	rank      []float64 // what ranks rows: the margin, or the PD
	curve     *Curve
	train     *Curve   // nil without training rows
	outOfFold *Curve   // of the training rows, by models that did not train on them; nil = not known
	line      CoxLine  // of the calibrated PDs, from section 6
	cols      []column // of each feature
	byPD      []int32  // rows from the highest PD to the lowest
	rival     []*Curve // of each challenger
}

// Build makes the report. It reads in and keeps nothing of it; the result
// depends on in alone (intervals on in.Seed). Errors match ErrInput when the
// input is at fault, or are ctx's.
func Build(ctx context.Context, in Input) (*Report, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, in: &in, th: in.Thresholds.withDefaults()}
	b.canonical()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b.rank = in.Margin; b.rank == nil {
		b.rank = in.PD
	}
	b.rep = &Report{Schema: Schema, Title: in.Title}
	if b.rep.Title == "" {
		b.rep.Title = "Credit model"
	}
	if !in.Made.IsZero() {
		b.rep.Made = in.Made.UTC().Format(time.RFC3339)
	}
	b.curve = newCurve(in.Label, b.rank, in.Weight)
	b.derive()
	b.rankings()
	for _, step := range []func() error{b.columns, b.metrics} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for _, make := range []func() (Section, error){
		b.summary, b.sample, b.variables, b.discrimination, b.challengers, b.calibration, b.gains,
		b.stability, b.explanation, b.fairness, b.stress, b.rejects, b.parity,
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := make()
		if err != nil {
			return nil, fmt.Errorf("report section %s: %w", s.Title, err)
		}
		b.rep.Sections = append(b.rep.Sections, s)
	}
	b.rep.Headline = append(b.rep.Headline, countLights(b.rep.Verdicts))
	return b.rep, nil
}

// rankings sorts the rows once for each order that sections need.
func (b *builder) rankings() {
	in := b.in
	b.rival = make([]*Curve, len(in.Challenger))
	b.each(len(in.Challenger)+3, func(k int) {
		switch k {
		case 0:
			b.byPD = b.curve.order
			if in.Margin != nil {
				b.byPD = descending(in.PD)
			}
		case 1:
			if t := in.Train; t != nil {
				s := t.Margin
				if s == nil {
					s = t.PD
				}
				b.train = newCurve(t.Label, s, t.Weight)
			}
		case 2:
			if t := in.Train; t != nil && t.OutOfFold != nil {
				b.outOfFold = newCurve(t.Label, t.OutOfFold, t.Weight)
			}
		default:
			b.rival[k-3] = newCurve(in.Label, in.Challenger[k-3].Score, in.Weight)
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

// replicates returns how many resamples an interval takes on n rows.
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

// fprs are the rejection rates of good rows at which the catch is reported.
var fprs = [...]float64{0.01, 0.05, 0.10, 0.20}

// partialShare is the share of good rows rejected up to which the partial area
// is taken: beyond, nobody would put a cut-off.
const partialShare = 0.2

// metrics computes the statistics that more than one section shows, with
// their intervals: one bootstrap for all.
func (b *builder) metrics() error {
	in, c := b.in, b.curve
	n := c.Rows()
	point := make([]float64, 0, 16)
	names := []string{"ks", "h_measure", "average_precision"}
	ks, _ := c.KS()
	point = append(point, ks, c.HMeasure(), c.AveragePrecision())
	for _, f := range fprs {
		names = append(names, fmt.Sprintf("tpr_at_fpr_%.2f", f))
		point = append(point, c.TPRAt(f))
	}
	names = append(names, "brier", "logloss", "bad_rate", "mean_pd", "partial_auc")
	// A resample draws rows without regard to their order, so counts are kept
	// from the highest score to the lowest, as the curve walks them.
	bad, pd := make([]uint8, n), make([]float64, n)
	brier, loss := make([]float64, n), make([]float64, n)
	var weight []float64
	if in.Weight != nil {
		weight = gathered(in.Weight, c.order)
	}
	for k, i := range c.order {
		y, p := in.Label[i], in.PD[i]
		bad[k], pd[k] = uint8(y), p
		brier[k] = float64((p - y) * (p - y))
		loss[k] = rowLoss(y, p)
	}
	point = append(point, brierScore(in.Label, in.PD, in.Weight), logLoss(in.Label, in.PD, in.Weight), c.BadRate(),
		weightedMean(pd, weight), c.PartialAUC(partialShare))

	k := b.replicates(n)
	draws, err := b.drawMetrics(k, len(point), drawnRows{bad, weight, pd, brier, loss})
	if err != nil {
		return err
	}
	auc := c.Area()
	gini := auc
	gini.Value, gini.Low, gini.High = 2*auc.Value-1, 2*auc.Low-1, 2*auc.High-1
	auc.Chance, gini.Chance = numfmt.Pointer(0.5), numfmt.Pointer(0)
	b.add("auc", auc)
	b.add("gini", gini)
	for j, name := range names {
		r := replicated{point[j], draws[j], n, c.rarer(), fmt.Sprintf("bootstrap, %d resamples", k)}
		switch name {
		case "ks":
			b.add(name, c.distance(r))
		case "h_measure", "average_precision", "partial_auc":
			e := r.share()
			switch name {
			case "average_precision":
				e.Chance = numfmt.Pointer(c.BadRate())
			case "partial_auc":
				e.Chance = numfmt.Pointer(0.5)
			}
			b.add(name, e)
		case "brier", "logloss":
			b.add(name, r.size())
		case "bad_rate":
			b.add(name, c.rate()) // one method for rates everywhere
		case "mean_pd":
			r.rarer = c.mass().effective()
			b.add(name, r.size())
		default:
			e := c.caught(r, fprs[j-3])
			e.Chance = numfmt.Pointer(fprs[j-3])
			b.add(name, e)
		}
	}
	r := b.rep
	r.AUC, r.Gini, r.KS = auc.Value, gini.Value, numfmt.Number(ks)
	r.Brier, r.LogLoss, r.N, r.BadRate = b.value("brier"), b.value("logloss"), n, numfmt.Number(c.BadRate())
	return nil
}

// drawnRows are the rows as resamples take them, from the highest score to the
// lowest.
type drawnRows struct {
	bad                     []uint8
	weight, pd, brier, loss []float64
}

// drawMetrics computes the statistics of metrics, in its order, for k resamples.
func (b *builder) drawMetrics(k, statistics int, rows drawnRows) ([][]float64, error) {
	n := b.curve.Rows()
	scratch := make(chan *Curve, 64) // one per thread in flight
	return resamples(b.ctx, n, statistics, k, b.in.Seed, func(dst []float64, counts []uint16) {
		var into *Curve
		select {
		case into = <-scratch:
		default:
			into = &Curve{}
		}
		r := b.curve.resampled(into, rows.bad, counts, rows.weight)
		dst[0], _ = r.KS()
		dst[1], dst[2] = r.HMeasure(), r.AveragePrecision()
		for j, f := range fprs {
			dst[3+j] = r.TPRAt(f)
		}
		var sb, sl, sp float64
		for i, m := range counts {
			w := float64(float64(m) * weightAt(rows.weight, i))
			sb, sl, sp = sb+float64(w*rows.brier[i]), sl+float64(w*rows.loss[i]), sp+float64(w*rows.pd[i])
		}
		j, total := 3+len(fprs), r.badMass.sum+r.goodMass.sum
		dst[j], dst[j+1], dst[j+2], dst[j+3] = sb/total, sl/total, r.BadRate(), sp/total
		dst[j+4] = r.PartialAUC(partialShare)
		select {
		case scratch <- into:
		default:
		}
	})
}

func (b *builder) add(name string, e Estimate) {
	b.rep.Metrics = append(b.rep.Metrics, Metric{name, e})
}

func (b *builder) value(name string) numfmt.Number {
	e, _ := b.rep.Metric(name)
	return e.Value
}

// interval prints an estimate as "0.840 (0.81 to 0.87)".
func interval(e Estimate, f numfmt.Format) string {
	if !e.Value.Defined() {
		return "not defined"
	}
	s := f.Print(float64(e.Value))
	if e.Low.Defined() && e.High.Defined() {
		s += fmt.Sprintf(" (95 %% interval %s to %s)", f.Print(float64(e.Low)), f.Print(float64(e.High)))
	}
	return s
}

// subset returns the values at the rows.
func subset(x []float64, rows []int32) []float64 {
	out := make([]float64, len(rows))
	for k, i := range rows {
		out[k] = x[i]
	}
	return out
}
