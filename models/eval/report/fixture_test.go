// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// full returns an input with every part: n rows of a linear model over three
// numbers and a category.
func full(n int, seed uint64) Input {
	f := &fixture{n: n, random: eval.Random(seed), columns: make([][]float64, 4), train: make([][]float64, 4),
		in: Input{Title: "made <b>up</b> & tested", Purpose: "A test.", Seed: seed, Resamples: 20,
			Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	f.drawTraining()
	f.drawEvaluated()
	f.describeFeatures()
	f.explain()
	f.decide()
	f.in.Card = []Fact{{"Plan", strings.Repeat("ab", 32)}}
	f.in.Exclusions = []Exclusion{{"no outcome yet", 3}}
	f.in.Ledger = &Ledger{Facts: []Fact{{"Sequence", "17"}}, Note: "Not vouched for."}
	return f.in
}

// fixture is the input under construction; columns and train hold the values of
// its features.
type fixture struct {
	in             Input
	n              int
	random         eval.Random
	columns, train [][]float64
}

// linearMargin is the margin of the fixture's model.
func linearMargin(x []float64) float64 {
	s := -1.2
	for j, v := range x[:3] {
		if !math.IsNaN(v) {
			s += v / float64(j+1)
		}
	}
	if x[3] == 1 {
		s += 0.8
	}
	return s
}

func sigmoid(m float64) float64 { return 1 / (1 + math.Exp(-m)) }

// row draws the values of one application.
func (f *fixture) row() []float64 {
	r := &f.random
	x := []float64{r.Normal(), r.Normal(), r.Normal(), float64(r.Below(3))}
	if r.Unit() < 0.1 {
		x[1] = math.NaN()
	}
	return x
}

// outcome draws a label of the PD p.
func (f *fixture) outcome(p float64) float64 {
	if f.random.Unit() < p {
		return 1
	}
	return 0
}

func (f *fixture) drawTraining() {
	tr := &Train{}
	for range f.n {
		x := f.row()
		m := linearMargin(x)
		tr.Margin, tr.PD = append(tr.Margin, m), append(tr.PD, sigmoid(m))
		tr.Label = append(tr.Label, f.outcome(sigmoid(m)))
		for j, v := range x {
			f.train[j] = append(f.train[j], v)
		}
	}
	f.in.Train, f.in.TrainedUntil = tr, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)
}

// drawEvaluated draws the rows to evaluate, with their groups, grades and the
// score of a challenger.
func (f *fixture) drawEvaluated() {
	in := &f.in
	group, grade := Category{Name: "region", Levels: []string{"north", "south", "nobody"}, Reference: "north"},
		Category{Name: "grade", Levels: []string{"A", "B", "C"}}
	rival := Challenger{Name: "simple rule", Simple: true, Note: "One number.",
		Rules: &document.Table{Title: "Rule", Columns: []document.Column{{Name: "When"}},
			Rows: [][]document.Cell{{text("x0 > 0")}}}}
	for i := range f.n {
		x := f.row()
		m := linearMargin(x)
		p := sigmoid(m)
		in.Label, in.Margin, in.PD, in.RawPD = append(in.Label, f.outcome(p)), append(in.Margin, m), append(in.PD, p),
			append(in.RawPD, sigmoid(1.6*m))
		in.Time = append(in.Time, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i*400/f.n))
		in.Names = append(in.Names, "row-"+numfmt.Plain.Print(float64(i)))
		rival.Score, rival.PD = append(rival.Score, x[0]), append(rival.PD, sigmoid(x[0]-1.2))
		group.Code = append(group.Code, int32(i%3)-1) // a third not known, nobody empty
		grade.Code = append(grade.Code, int32(min(2, int(3*p))))
		in.Outcome = append(in.Outcome, assay.Outcome(1+min(2, int(3*p))))
		for j, v := range x {
			f.columns[j] = append(f.columns[j], v)
		}
	}
	in.Segments, in.Groups, in.Grades = []Category{group}, []Category{group}, &grade
	in.Challenger, in.Champion = []Challenger{rival}, &rival
	in.Served = append([]float64(nil), in.Margin...)
	in.Served[0] = math.NaN()
}

func (f *fixture) describeFeatures() {
	in := &f.in
	for j, name := range []string{"x0", "x1", "x2", "kind"} {
		in.Features = append(in.Features,
			Feature{Name: name, Values: f.columns[j], Train: f.train[j], Monotone: int8(1 - j%2),
				Movable: j == 0, Cleaned: j})
	}
	in.Features[3].Categories, in.Features[3].Monotone = []string{"plain", "risky", "<script>alert"}, 0
	in.Features[0].Group, in.Features[1].Group = "numbers", "numbers"
}

// explain adds the model, its contributions and its reasons.
func (f *fixture) explain() {
	columns := f.columns
	f.in.Contributions = func(dst []float64, row int) {
		x := []float64{columns[0][row], columns[1][row], columns[2][row], columns[3][row]}
		dst[4] = -1.2
		for j, v := range x[:3] {
			dst[j] = 0
			if !math.IsNaN(v) {
				dst[j] = v / float64(j+1)
			}
		}
		dst[3] = 0
		if x[3] == 1 {
			dst[3] = 0.8
		}
	}
	f.in.Reasons = func(row int) []assay.Reason {
		if columns[0][row] > 0 {
			return []assay.Reason{{Code: "R1", Text: "x0 is high"}}
		}
		return nil
	}
	f.in.Score = func(x []float64) float64 { return sigmoid(linearMargin(x)) }
	f.in.Hardening = &Hardening{Note: "The same.", Score: f.in.Score}
}

// decide adds two strategies with their economics, earlier periods and declined
// applications.
func (f *fixture) decide() {
	in, n := &f.in, f.n
	in.Economics = &Economics{Unit: "EUR", Profit: 100, Loss: 900}
	in.Before, in.After = &Strategy{Name: "old", Outcome: slices.Clone(in.Outcome)},
		&Strategy{Name: "new", Outcome: in.Outcome}
	for i := range in.Before.Outcome {
		in.Before.Outcome[i] = assay.Outcome(1 + i%3)
	}
	for k := range 3 {
		from := time.Date(2025, time.Month(4+k), 1, 0, 0, 0, 0, time.UTC)
		in.Backtest = append(in.Backtest,
			Period{From: from, To: from.AddDate(0, 1, 0), Trained: n, Label: in.Label[k*n/3 : (k+1)*n/3],
				PD: in.PD[k*n/3 : (k+1)*n/3]})
	}
	in.Declined = &Declined{PD: []float64{0.5, 0.7, 0.9, 0.2}}
}
