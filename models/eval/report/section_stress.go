// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Bounds on the rows that are scored, or sorted, again and again.
const (
	stressRows  = 2000
	evasionRows = 300
	labelRows   = 20_000
	draws       = 5 // of noise, whose figures are averaged
)

// Loss of AUC at which the verdict about a missing field changes.
const (
	dropLook = 0.03
	dropFail = 0.08
)

// stressed is a sample of rows that can be scored with changed values.
type stressed struct {
	features []Feature
	score    func([]float64) float64
	label    []float64
	weight   []float64
	all      eval.Tally
	x        [][]float64 // rows
	pd       []float64   // of the unchanged rows
	curve    *eval.Curve // nil where a PD is not a number
	auc      float64
	cut      float64
	sd       []float64 // of each number; 0 for categories
	seed     uint64
}

// stress makes the section of that name.
func (b *builder) stress() (document.Section, error) {
	in := b.in
	s := document.Section{ID: "stress", Title: "Stress",
		Introduction: "What the model does when fields are noisy, missing or absurd, and how far an applicant would " +
			"have to change a field to be approved."}
	if in.Score == nil || len(in.Features) == 0 {
		s.Absent = "This section needs the model as a function of its inputs, and the columns of the features."
		b.notAsked(s.ID, "the model as a function, or its columns, were not given", missingQuestion, silenceQuestion)
		return s, nil
	}
	rows := eval.EvenlySpaced(len(in.Label), stressRows)
	st := b.sampleForStress(rows)
	note := sampleNote(len(rows), len(in.Label))
	s.AddText("A row counts as approved here up to a PD of %s. Section %d uses the same cut-off; section %d names "+
		"another, the one of the largest value on this sample.", b.cutoffWords(), sectionNumber("explanation"),
		sectionNumber("strategy"))
	t, worst := st.fieldTable(note)
	s.AddTable(t)
	if err := b.ctx.Err(); err != nil {
		return s, err
	}
	s.AddFigure(st.noiseFigure(in.Hardening, note))
	if h := in.Hardening; h != nil {
		s.AddHeading("Training with noise", "%s", h.Note)
		s.AddTable(st.hardeningTable(h, note))
	}
	s.AddTable(b.absurd(st, note))
	s.AddTable(b.labelNoise())
	if err := b.ctx.Err(); err != nil {
		return s, err
	}
	moves, err := b.evasionTable(b.newEvasion(rows, st.pd, st.cut), rows)
	if err != nil {
		return s, err
	}
	s.AddTable(moves)
	light, finding := judgeInterval(worst.drop, dropLook, dropFail),
		fmt.Sprintf("losing %s costs %s AUC, the most of any field", worst.name, interval(worst.drop, numfmt.Fixed3))
	if worst.name == "" {
		light, finding = document.CannotTell, "the loss of no field is defined on these rows"
	}
	g := st.grounds(note)
	g.LeastOfClass = leastOfClass
	b.verdict(missingQuestion, light, s.ID, finding,
		"loss of AUC: "+intervalRule(numfmt.Fixed3.Print(dropLook), numfmt.Fixed3.Print(dropFail)), g)
	return s, nil
}

func (b *builder) sampleForStress(rows []int32) *stressed {
	in := b.in
	st := &stressed{features: in.Features, score: in.Score, label: eval.Select(in.Label, rows),
		weight: eval.Select(in.Weight, rows), cut: b.highestApproved(), seed: in.Seed}
	st.all = eval.TallyOf(st.weight, len(rows))
	for _, i := range rows {
		x := make([]float64, len(in.Features))
		for j, f := range in.Features {
			x[j] = f.Values[i]
		}
		st.x = append(st.x, x)
		st.pd = append(st.pd, in.Score(x))
	}
	for j := range b.measured {
		st.sd = append(st.sd, b.measured[j].Spread)
	}
	if st.auc = math.NaN(); !slices.ContainsFunc(st.pd, math.IsNaN) {
		st.curve = eval.CurveOf(st.label, st.pd, st.weight)
		st.auc = st.curve.AUC()
	}
	return st
}

// change is the effect of changing inputs.
type change struct {
	pd          []float64
	auc         float64
	drop        eval.Estimate // of the AUC, on the same rows
	shift, flip float64       // mean change of the PD; share of decisions changed
}

// grounds are the rows of the sample.
func (st *stressed) grounds(note string) document.Grounds {
	return groundsOf(eval.CurveOf(st.label, make([]float64, len(st.label)), st.weight), note)
}

// rescore returns what changes when each row is scored after alter has changed a copy
// of it.
func (st *stressed) rescore(score func([]float64) float64, alter func(x []float64, row int)) change {
	x := make([]float64, len(st.features))
	c := change{pd: make([]float64, len(st.x)), auc: math.NaN(),
		drop: eval.Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN(),
			N: len(st.x), Level: eval.Level}}
	flips := 0.0
	for i, row := range st.x {
		copy(x, row)
		alter(x, i)
		c.pd[i] = score(x)
		w := eval.WeightAt(st.weight, i)
		c.shift += float64(w*math.Abs(c.pd[i]-st.pd[i])) / st.all.Sum
		if (c.pd[i] <= st.cut) != (st.pd[i] <= st.cut) {
			flips += w
		}
	}
	c.flip = flips / st.all.Sum
	if slices.ContainsFunc(c.pd, math.IsNaN) {
		return c
	}
	changed := eval.CurveOf(st.label, c.pd, st.weight)
	c.auc = changed.AUC()
	if st.curve != nil {
		c.drop = eval.CompareCurves(st.label, st.curve, changed).Estimate
	}
	return c
}

// jitter disturbs field j of a row.
func (st *stressed) jitter(r *eval.Random, x []float64, j int, level float64) {
	x[j] = disturb(r, x[j], level, st.sd[j], st.features[j].Categories != nil, func(r *eval.Random) float64 {
		return st.x[r.Below(len(st.x))][j]
	})
}

type worstField struct {
	name string
	drop eval.Estimate
}

func (st *stressed) fieldTable(note string) (document.Table, worstField) {
	t := document.Table{Title: "Noise and loss, field by field",
		Caption: fmt.Sprintf("One field at a time, %s. Noise: a tenth of a standard deviation added to a number, one "+
			"category in ten replaced, the mean of %d draws and their standard deviation; whole numbers stay whole, "+
			"so that where a tenth of a standard deviation is small against 1, noise moves few values or none. The "+
			"interval belongs to the AUC lost when the field is missing, on the same rows. A decision changes when "+
			"the PD crosses %s. AUC of the unchanged rows: %s.", note, draws, numfmt.Percent.Print(st.cut),
			numfmt.Fixed3.Print(st.auc)),
		Columns: []document.Column{{Name: "Field"}, {Name: "AUC lost by noise", Format: numfmt.Fixed4},
			{Name: "Spread over draws", Format: numfmt.Fixed4}, {Name: "Mean change of PD", Format: numfmt.Percent},
			{Name: "Decisions changed", Format: numfmt.Percent}, {Name: "AUC lost when missing", Format: numfmt.Fixed4},
			{Name: "95 % from", Format: numfmt.Fixed4}, {Name: "to", Format: numfmt.Fixed4}, {Name: "Mean change of PD",
				Format: numfmt.Percent}, {Name: "Decisions changed", Format: numfmt.Percent}}}
	var worst worstField
	for j, f := range st.features {
		var drop, shift, flip [draws]float64
		for d := range draws {
			r := eval.Stream(st.seed, j*draws+d)
			noise := st.rescore(st.score, func(x []float64, _ int) { st.jitter(&r, x, j, 0.1) })
			drop[d], shift[d], flip[d] = float64(noise.drop.Value), noise.shift, noise.flip
		}
		gone := st.rescore(st.score, func(x []float64, _ int) { x[j] = math.NaN() })
		t.Rows = append(t.Rows,
			[]document.Cell{text(f.Name), number(eval.Mean(drop[:])), number(deviation(drop[:])),
				number(eval.Mean(shift[:])), number(eval.Mean(flip[:])),
				number(float64(gone.drop.Value)), number(float64(gone.drop.Low)), number(float64(gone.drop.High)),
				number(gone.shift), number(gone.flip)})
		if gone.drop.Value.Defined() && (worst.name == "" || gone.drop.Value > worst.drop.Value) {
			worst = worstField{f.Name, gone.drop}
		}
	}
	return t, worst
}

// deviation is the standard deviation of a few values.
func deviation(x []float64) float64 {
	m, s := eval.Mean(x), 0.0
	for _, v := range x {
		s += float64((v - m) * (v - m))
	}
	return math.Sqrt(s / float64(len(x)-1))
}

func pickWord(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func pickUnless(keep bool, v, changed float64) float64 {
	if keep {
		return v
	}
	return changed
}

// labelNoise reverses labels at random and measures again: how much the figures
// depend on correct labels.
func (b *builder) labelNoise() document.Table {
	rows := eval.EvenlySpaced(len(b.in.Label), labelRows)
	label, score, weight := eval.Select(b.in.Label, rows), eval.Select(b.rank, rows), eval.Select(b.in.Weight, rows)
	t := document.Table{Title: "Wrong labels",
		Caption: fmt.Sprintf("A share of the labels, drawn at random, is reversed before measuring (%s, mean of %d "+
			"draws). The fall shows what errors in the recorded outcomes alone would do to the AUC; the model is not "+
			"trained again.", sampleNote(len(rows), len(b.in.Label)), draws),
		Columns: []document.Column{{Name: "Labels reversed", Format: numfmt.Percent},
			{Name: "AUC", Format: numfmt.Fixed4},
			{Name: "KS", Format: numfmt.Fixed4}}}
	for k, share := range []float64{0, 0.01, 0.05, 0.1} {
		var auc, ks float64
		for d := range draws {
			r := eval.Stream(b.in.Seed, 2000+k*draws+d)
			noisy := slices.Clone(label)
			for i := range noisy {
				if r.Unit() < share {
					noisy[i] = 1 - noisy[i]
				}
			}
			c := eval.CurveOf(noisy, score, weight)
			distance, _ := c.KS()
			auc, ks = auc+c.AUC()/draws, ks+distance/draws
		}
		t.Rows = append(t.Rows, []document.Cell{number(share), number(auc), number(ks)})
	}
	return t
}
