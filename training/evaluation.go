// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/serving/policy"
)

// Evaluation is a model, the rows it is judged on, and whatever else is known.
// Only Scorer and Test are needed.
type Evaluation struct {
	Scorer *Scorer
	Test   Subset
	Train  Subset // no rows: unknown
	// margins of the training rows by models that did not see them; nil: the recipe is trained again
	OutOfFold       []float64
	Purpose         string
	Challengers     []*Scorer // other bundles
	Champion        *Scorer   // the bundle in use today
	PolicyBefore    *policy.Policy
	Economics       *report.Economics
	Declined        Subset
	Segments        []string
	Groups          []string
	Movable         []string
	Recipe          *Recipe // what trained the model, nil where it cannot be trained again
	BacktestPeriods int     // of the backtest
	Harden          bool
	Served          []float64 // nil: by the plan's event path
	WhyNotServed    string    // why a server was not asked
	ServedBy        string
	Facts           []report.Fact
	Ledger          *report.Ledger
	Exclusions      []report.Exclusion
}

// Input gathers what the report is made from.
func (e *Evaluation) Input(ctx context.Context, u Progress) (*report.Input, error) {
	s := e.Scorer
	test, err := s.Score(ctx, e.Test)
	if err != nil {
		return nil, err
	}
	NoteWindows(u, test.Matrix.Windows)
	e.Test.NoteHistory(u, test.Matrix.Windows, s.TrainedWindows())
	if thin := thinWindows(test.Matrix.Windows, s.TrainedWindows()); thin != "" {
		e.Facts = append(e.Facts,
			report.Fact{Name: "Rows without their history", Value: "rows that find something in the window " + thin})
	}
	in := &report.Input{
		Title: s.Bundle.Manifest.Name + " on " + e.Test.Name, Purpose: e.Purpose, Seed: 1, Label: e.Test.Labels(),
		Margin: test.Margins, Ledger: e.Ledger,
		Weight: e.Test.Weights(), Weights: e.Test.weightColumn,
		Card: append(s.card(), e.Facts...), Exclusions: e.exclusions(), Economics: e.Economics, Time: e.Test.Times(),
	}
	if at, err := time.Parse(time.RFC3339, s.Bundle.Manifest.Data.To); err == nil {
		in.TrainedUntil = at
	}
	in.Seen = e.countSeen()
	s.describeScores(in, test)
	var train *Scored
	if len(e.Train.Rows) > 0 {
		if train, err = s.Score(ctx, e.Train); err != nil {
			return nil, err
		}
		if e.Train.Table != e.Test.Table {
			e.Train.NoteHistory(u, train.Matrix.Windows, s.TrainedWindows())
		}
		in.Train = &report.Train{Label: e.Train.Labels(), Weight: e.Train.Weights(), Margin: train.Margins,
			PD: train.PDs(), Known: e.Train.outcomeTimes(s.Plan.Spec())}
	}
	e.addFeatures(in, test, train)
	e.addExplanations(in, test)
	for _, step := range []func() error{
		func() error { return e.addSplits(in) },
		func() error { return e.addStrategies(in, test) },
		func() error { return e.addFields(in) },
		func() error { return e.scoreDeclined(ctx, u, in) },
		func() error { return e.addServed(ctx, in) },
		func() error { return e.addChallengers(ctx, in, test, train) },
		func() error { return e.addHardening(ctx, in, train) },
		func() error { return e.addBacktest(ctx, u, in) },
		func() error { return e.addOutOfFold(ctx, u, in) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// countSeen counts the evaluated rows that are known to have trained the model: rows
// of the same file that --train names, too, or, without it, rows of the very
// file that the manifest names. Where that was an event log, those are the rows
// up to the last that trained; else it is known only if the whole file did.
func (e *Evaluation) countSeen() int {
	n := 0
	if e.Train.Table != nil {
		if e.Train.Frame.Digest != e.Test.Frame.Digest {
			return 0
		}
		trained := make(map[int]bool, len(e.Train.Rows))
		for _, r := range e.Train.Rows {
			trained[e.Train.RowInFile(r)] = true
		}
		for _, r := range e.Test.Rows {
			if trained[e.Test.RowInFile(r)] {
				n++
			}
		}
		return n
	}
	data := &e.Scorer.Bundle.Manifest.Data
	if data.SHA256 != e.Test.Frame.Digest {
		return 0
	}
	if until, err := time.Parse(time.RFC3339, data.To); err == nil {
		for _, at := range e.Test.Times() {
			if !at.Truncate(time.Second).After(until) {
				n++
			}
		}
		return n
	}
	if data.Rows == len(e.Test.Table.All().Rows) {
		n = len(e.Test.Rows)
	}
	return n
}

// describeScores fills what follows from the scores: PDs, points, grades, names.
func (s *Scorer) describeScores(in *report.Input, test *Scored) {
	grades := report.Category{Name: "grade"}
	level := map[string]int32{}
	for _, g := range s.Bundle.Scale.Grades {
		level[g.Name] = int32(len(grades.Levels))
		grades.Levels = append(grades.Levels, g.Name)
	}
	in.PD = test.PDs()
	for i, x := range test.Scores {
		in.RawPD = append(in.RawPD, s.Bundle.Model.Probability(x.Margin))
		in.Points = append(in.Points, x.Points)
		code, ok := level[x.Grade]
		if !ok {
			code = -1
		}
		grades.Code = append(grades.Code, code)
		in.Names = append(in.Names, fmt.Sprintf("row %d", test.Subset.RowInFile(test.Subset.Rows[i])))
	}
	if len(grades.Levels) > 0 {
		in.Grades = &grades
	}
}

// addFeatures shows the vector's columns to the report.
func (e *Evaluation) addFeatures(in *report.Input, test, train *Scored) {
	at := matrixRows(test.Matrix, e.Test.Rows)
	var trained []int
	if train != nil {
		trained = matrixRows(train.Matrix, e.Train.Rows)
	}
	changed := countCleaned(e.Scorer.Plan, e.Test, test.Matrix, at)
	for j, f := range e.Scorer.Plan.Features() {
		x := report.Feature{
			Name: f.Name, Values: pickRows(test.Matrix.Columns[j], at), Categories: f.Categories, Monotone: f.Monotone,
			Group: f.Group, Code: f.ReasonCode, Reason: f.ReasonText, Sensitive: f.Sensitive, Cleaned: changed[j],
		}
		if train != nil {
			x.Train = pickRows(train.Matrix.Columns[j], trained)
		}
		in.Features = append(in.Features, x)
	}
}

// exclusions counts the rows that never reached the evaluation.
func (e *Evaluation) exclusions() []report.Exclusion {
	var out []report.Exclusion
	if n := e.Test.Skipped; n > 0 {
		out = append(out, report.Exclusion{Rule: "the row could not be read, or breaks a rule of the plan", Rows: n})
	}
	if l := e.Test.log; l != nil && l.unknown > 0 {
		out = append(out, report.Exclusion{Rule: "the outcome is still open when the log ends", Rows: l.unknown})
	}
	return append(out, e.Exclusions...)
}

// addExplanations lets the report ask for contributions and for scores of changed rows.
func (e *Evaluation) addExplanations(in *report.Input, test *Scored) {
	s, n := e.Scorer, len(test.Matrix.Columns)
	x := make([]float64, n)
	at := matrixRows(test.Matrix, e.Test.Rows)
	in.Contributions = func(dst []float64, row int) {
		for j, c := range test.Matrix.Columns {
			x[j] = c[at[row]]
		}
		s.Forest.Contributions(dst, x)
	}
	for _, use := range s.Forest.Importances(nil) {
		in.Usage = append(in.Usage, report.Usage{Splits: use.Splits, Gain: use.Gain})
	}
	in.Score = func(x []float64) float64 { return s.Bundle.Calibration.Apply(s.Forest.Margin(x)) }
	e.addReasons(in)
}

// addReasons lets the report ask for the reasons that the server would give.
func (e *Evaluation) addReasons(in *report.Input) {
	contributions := make([]float64, e.Scorer.Forest.Features()+1)
	in.Reasons = func(row int) []assay.Reason {
		in.Contributions(contributions, row)
		var out []assay.Reason
		for _, r := range e.Scorer.ReasonsFromContributions(nil, contributions) {
			out = append(out, assay.Reason{Code: r.Code, Text: r.Text})
		}
		return out
	}
}

// scoreDeclined scores the declined applications.
func (e *Evaluation) scoreDeclined(ctx context.Context, u Progress, in *report.Input) error {
	if e.Declined.Table == nil {
		return nil
	}
	sc, err := e.Scorer.Score(ctx, e.Declined)
	if err != nil {
		return err
	}
	e.Declined.NoteHistory(u, sc.Matrix.Windows, e.Scorer.TrainedWindows())
	in.Declined = &report.Declined{PD: sc.PDs(), Weight: e.Declined.Weights()}
	return nil
}

// addOutOfFold gives each training row the margin of a model that did not see
// it: the recipe is trained again on folds, unless that was done before. Rows
// that folds cannot be trained on (one class, too few) leave it out, and the
// report says what it then cannot tell.
func (e *Evaluation) addOutOfFold(ctx context.Context, u Progress, in *report.Input) error {
	if in.Train == nil {
		return nil
	}
	margins := e.OutOfFold
	if margins == nil {
		if e.Recipe == nil {
			return nil
		}
		var err error
		folds := holdOutEach(stratifiedFolds(e.Train.Label, e.Train.Rows, e.Recipe.Folds))
		_, margins, err = e.Recipe.CrossValidate(ctx, Quiet{}, e.Train, folds)
		if errors.Is(err, assay.ErrInvalid) || errors.Is(err, models.ErrCalibration) || errors.Is(err, eval.ErrInput) {
			u.Note("training rows are not scored out of fold: %v", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	in.Train.OutOfFold, in.Train.OutOfFoldPD = margins, make([]float64, len(margins))
	for i, m := range margins {
		in.Train.OutOfFoldPD[i] = e.Scorer.Bundle.Calibration.Apply(m)
	}
	return nil
}

// addServed fills the margins that the report compares with its own. Without a
// server they come from the path that an event takes through it: validate,
// make the vector from the current windows, walk the compiled forest.
func (e *Evaluation) addServed(ctx context.Context, in *report.Input) error {
	in.Served, in.ServedBy, in.ServerSkipped = e.Served, e.ServedBy, e.WhyNotServed
	if in.Served != nil {
		return nil
	}
	in.Served, in.ServedBy = e.UnservedMargins(),
		"the path of single events, as the server takes them, run in this process"
	var x []float64
	return e.Scorer.Replay(ctx, e.Test, func(i int, ev *assay.Event, st *features.State) error {
		v, err := e.Scorer.Plan.Vector(x, ev, st)
		if err == nil {
			x = v.Values
			in.Served[i] = e.Scorer.Forest.Margin(x)
		}
		return err
	})
}

// UnservedMargins is one NaN a row: not served.
func (e *Evaluation) UnservedMargins() []float64 {
	out := make([]float64, len(e.Test.Rows))
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}
