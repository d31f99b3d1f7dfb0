// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report"
)

// The highest PDs that the policies of the samples approve. The policy before
// approves more, and decides by the rival's scores.
const (
	approvedAfter  = 0.1
	approvedBefore = 0.3
)

// sample draws n applicants of two groups, of which the second has a little more
// risk. Each states two fields, is scored by the model and by a rival that knows
// less, is decided by two policies, and turns out good or bad. As many more
// applicants are the training rows, scored out of fold by slightly worse models.
func (p *population) sample(n int, r *rand.Rand) report.Input {
	in := report.Input{Label: make([]float64, n), PD: make([]float64, n)}
	rival := report.Challenger{Name: "rival", Score: make([]float64, n)}
	group := report.Category{Name: "group", Levels: []string{"a", "b"}, Code: make([]int32, n), Reference: "a"}
	known, hidden := make([]float64, n), make([]float64, n)
	before, after := make([]assay.Outcome, n), make([]assay.Outcome, n)
	for i := range n {
		known[i], hidden[i] = r.NormFloat64(), r.NormFloat64()
		odds := p.odds(known[i], hidden[i])
		if odds > p.middle != (r.Float64() < 0.6) {
			group.Code[i] = 1
		}
		in.PD[i] = sigmoid(odds)
		if r.Float64() < in.PD[i] {
			in.Label[i] = 1
		}
		rival.Score[i] = odds + p.spread*r.NormFloat64()
		before[i], after[i] = decide(sigmoid(rival.Score[i]), approvedBefore), decide(in.PD[i], approvedAfter)
	}
	in.Challenger, in.Groups, in.Segments = []report.Challenger{rival}, []report.Category{group},
		[]report.Category{group}
	in.Economics = &report.Economics{Profit: 1, Loss: 9}
	in.Features = []report.Feature{{Name: "known", Values: known}, {Name: "hidden", Values: hidden}}
	in.Score = func(x []float64) float64 { return sigmoid(p.odds(x[0], x[1])) }
	in.Outcome, in.After, in.Before = after, &report.Strategy{Name: "after", Outcome: after},
		&report.Strategy{Name: "before", Outcome: before}
	t := &report.Train{}
	for range n {
		odds := p.odds(r.NormFloat64(), r.NormFloat64())
		bad := 0.0
		if r.Float64() < sigmoid(odds) {
			bad = 1
		}
		fold := odds + 0.3*p.spread*r.NormFloat64()
		t.Label, t.PD, t.OutOfFold, t.OutOfFoldPD = append(t.Label, bad), append(t.PD, sigmoid(odds)),
			append(t.OutOfFold, fold), append(t.OutOfFoldPD, sigmoid(fold))
	}
	in.Train = t
	return in
}

// odds are the log-odds of an applicant with two fields; a missing field counts
// as its mean.
func (p *population) odds(known, hidden float64) float64 {
	if math.IsNaN(known) {
		known = 0
	}
	if math.IsNaN(hidden) {
		hidden = 0
	}
	odds := p.middle + p.spread*(0.8*known+0.6*hidden)
	if p.round > 0 {
		odds = math.Round(odds/p.round) * p.round
	}
	return odds
}

func decide(pd, most float64) assay.Outcome {
	if pd <= most {
		return assay.Approve
	}
	return assay.Decline
}

// aucLostWithoutHidden is the AUC that the model loses on all rows when the
// second field is missing.
func aucLostWithoutHidden(in report.Input) ([3]float64, error) {
	without := make([]float64, len(in.PD))
	for i, v := range in.Features[0].Values {
		without[i] = in.Score([]float64{v, math.NaN()})
	}
	d, err := eval.CompareAUC(in.Label, in.PD, without)
	return [3]float64{float64(d.Value)}, err
}

// keptBadShare is about the share of bad rows that weightedSample keeps.
const keptBadShare = 0.75

// weightedSample keeps each row of a sample with a probability that depends on
// its risk and group, and gives it one over that probability as its weight: it
// estimates the same figures of the population as the whole sample.
func (p *population) weightedSample(in report.Input, r *rand.Rand) report.Input {
	out := report.Input{Seed: in.Seed, Resamples: in.Resamples}
	group := in.Groups[0]
	group.Code = nil
	rival := report.Challenger{Name: in.Challenger[0].Name}
	for i, y := range in.Label {
		chance := 1.0
		if in.PD[i] < sigmoid(p.middle) {
			chance *= 0.5
		}
		if in.Groups[0].Code[i] == 1 {
			chance *= 0.6
		}
		if r.Float64() >= chance {
			continue
		}
		out.Label, out.PD, out.Weight = append(out.Label, y), append(out.PD, in.PD[i]), append(out.Weight, 1/chance)
		group.Code, rival.Score = append(group.Code, in.Groups[0].Code[i]),
			append(rival.Score, in.Challenger[0].Score[i])
	}
	out.Groups, out.Segments, out.Challenger = []report.Category{group}, []report.Category{group},
		[]report.Challenger{rival}
	out.Economics = in.Economics
	return out
}
