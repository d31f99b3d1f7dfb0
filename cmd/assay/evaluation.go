// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/serving/policy"
)

// evaluation is a model, the rows it is judged on, and what is known beside.
// Only scorer and test are needed.
type evaluation struct {
	scorer    *scorer
	test      part
	train     part      // no rows: unknown
	outOfFold []float64 // margins of the training rows by models that did not see them; nil: the recipe is trained again
	purpose   string
	rivals    []*scorer // other bundles
	champion  *scorer   // the bundle in use today
	before    *policy.Policy
	costs     *eval.Economics
	declined  part
	segments  []string
	groups    []string
	movable   []string
	recipe    *recipe // what trained the model, nil where it cannot be trained again
	periods   int     // of the backtest
	harden    bool
	served    []float64 // nil: by the plan's event path
	unasked   string    // why a server was not asked
	servedBy  string
	card      []eval.Fact
	ledger    *eval.Ledger
	exclusion []eval.Exclusion
}

// gather reads all that the flags name.
func (f *evaluateFlags) gather(ctx context.Context, u *ui) (*evaluation, error) {
	if f.train == "" && f.before != "" {
		return nil, usagef("--before %s is about the training rows: name them with --train (--since bounds the rows that are judged)", f.before)
	}
	if f.periods < 0 || f.periods > 120 {
		return nil, usagef("--backtest %d: want 0 to 120 periods", f.periods)
	}
	s, err := openScorer(f.model)
	if err != nil {
		return nil, err
	}
	if f.policy != "" {
		if s.policy, err = s.readPolicy(f.policy); err != nil {
			return nil, err
		}
	}
	if f.label == "" {
		f.label = s.bundle.Manifest.Data.Label
	}
	if f.weight == "" {
		f.weight, f.mayLackWeight = s.bundle.Manifest.Data.Weight, true
	}
	e := &evaluation{scorer: s, purpose: f.purpose, segments: f.segments, groups: f.groups, movable: f.movable}
	for _, dir := range f.challengers {
		r, err := openScorer(dir)
		if err != nil {
			return nil, err
		}
		e.rivals = append(e.rivals, r)
	}
	all := slices.Clone(e.rivals)
	if f.champion != "" {
		if e.champion, err = openScorer(f.champion); err != nil {
			return nil, err
		}
		all = append(all, e.champion)
	}
	f.readAs(s.plan.Spec(), all...)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	since, before, err := f.times()
	if err != nil {
		return nil, err
	}
	if e.test, err = t.judged(u, s.plan.Spec(), since, time.Time{}); err != nil {
		return nil, err
	}
	if n := len(t.all().rows) - len(e.test.rows); n > 0 {
		e.exclusion = append(e.exclusion, eval.Exclusion{Rule: "decided before " + f.since, Rows: n})
	}
	if f.train != "" {
		tr := t
		if f.train != f.data {
			if tr, err = f.readFile(ctx, u, f.train); err != nil {
				return nil, err
			}
		}
		if e.train, err = tr.judged(u, s.plan.Spec(), time.Time{}, before); err != nil {
			return nil, err
		}
		e.recipe, e.periods, e.harden = s.recipe(), f.periods, f.harden
	}
	if f.declined != "" {
		df := f.tableFlags
		df.unlabelled = true // nobody knows what would have become of them
		df.mayLackWeight = true
		d, err := df.readFile(ctx, u, f.declined)
		if err != nil {
			return nil, err
		}
		if err := s.accept(u, d); err != nil {
			return nil, err
		}
		e.declined = d.all()
	}
	if f.against != "" {
		if e.before, err = s.readPolicy(f.against); err != nil {
			return nil, err
		}
	}
	if e.costs, err = f.costs.economics(e.test); err != nil {
		return nil, err
	}
	return e, f.gatherServed(ctx, u, e)
}

// input gathers what the report is made from.
func (e *evaluation) input(ctx context.Context, u *ui) (*eval.Input, error) {
	s := e.scorer
	test, err := s.score(ctx, e.test)
	if err != nil {
		return nil, err
	}
	sayWindows(u, test.matrix.Windows)
	e.test.sayHistory(u, test.matrix.Windows, s.trainedWindows())
	if thin := thinWindows(test.matrix.Windows, s.trainedWindows()); thin != "" {
		e.card = append(e.card, eval.Fact{Name: "Rows without their history", Value: "rows that find something in the window " + thin})
	}
	in := &eval.Input{
		Title: s.bundle.Manifest.Name + " on " + e.test.name, Purpose: e.purpose, Seed: 1, Label: e.test.labels(), Margin: test.margins, Ledger: e.ledger,
		Weight: e.test.weights(), Weights: e.test.weighed,
		Card: append(s.card(), e.card...), Exclusions: e.exclusions(), Economics: e.costs, Time: e.test.times(),
	}
	if at, err := time.Parse(time.RFC3339, s.bundle.Manifest.Data.To); err == nil {
		in.TrainedUntil = at
	}
	in.Seen = e.seen()
	s.describe(in, test)
	var train *scored
	if len(e.train.rows) > 0 {
		if train, err = s.score(ctx, e.train); err != nil {
			return nil, err
		}
		if e.train.table != e.test.table {
			e.train.sayHistory(u, train.matrix.Windows, s.trainedWindows())
		}
		in.Train = &eval.Train{Label: e.train.labels(), Weight: e.train.weights(), Margin: train.margins, PD: train.pds(), Known: e.train.known(s.plan.Spec())}
	}
	e.features(in, test, train)
	if err := e.explain(in, test); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return e.split(in) },
		func() error { return e.strategies(in, test) },
		func() error { return e.fields(in) },
		func() error { return e.reject(ctx, u, in) },
		func() error { return e.serve(ctx, in) },
		func() error { return e.challenge(ctx, in, test, train) },
		func() error { return e.hardened(ctx, in, train) },
		func() error { return e.backtest(ctx, u, in) },
		func() error { return e.trainOutOfFold(ctx, u, in) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// seen counts the evaluated rows that are known to have trained the model: rows
// of the same file that --train names, too, or, without it, rows of the very
// file that the manifest names. Where that was an event log, those are the rows
// up to the last that trained; else it is known only if the whole file did.
func (e *evaluation) seen() int {
	n := 0
	if e.train.table != nil {
		if e.train.frame.Digest != e.test.frame.Digest {
			return 0
		}
		trained := make(map[int]bool, len(e.train.rows))
		for _, r := range e.train.rows {
			trained[e.train.place(r)] = true
		}
		for _, r := range e.test.rows {
			if trained[e.test.place(r)] {
				n++
			}
		}
		return n
	}
	data := &e.scorer.bundle.Manifest.Data
	if data.SHA256 != e.test.frame.Digest {
		return 0
	}
	if until, err := time.Parse(time.RFC3339, data.To); err == nil {
		for _, at := range e.test.times() {
			if !at.Truncate(time.Second).After(until) {
				n++
			}
		}
		return n
	}
	if data.Rows == len(e.test.table.all().rows) {
		n = len(e.test.rows)
	}
	return n
}

// describe fills what follows from the scores: PDs, points, grades, names.
func (s *scorer) describe(in *eval.Input, test *scored) {
	grades := eval.Category{Name: "grade"}
	level := map[string]int32{}
	for _, g := range s.bundle.Scale.Grades {
		level[g.Name] = int32(len(grades.Levels))
		grades.Levels = append(grades.Levels, g.Name)
	}
	in.PD = test.pds()
	for i, x := range test.scores {
		in.RawPD = append(in.RawPD, s.bundle.Model.Probability(x.Margin))
		in.Points = append(in.Points, x.Points)
		code, ok := level[x.Grade]
		if !ok {
			code = -1
		}
		grades.Code = append(grades.Code, code)
		in.Names = append(in.Names, fmt.Sprintf("row %d", test.part.place(test.part.rows[i])))
	}
	if len(grades.Levels) > 0 {
		in.Grades = &grades
	}
}

// pds returns the calibrated probability of each row.
func (sc *scored) pds() []float64 {
	out := make([]float64, len(sc.scores))
	for i, x := range sc.scores {
		out[i] = x.PD
	}
	return out
}

// features shows the vector's columns to the report.
func (e *evaluation) features(in *eval.Input, test, train *scored) {
	at := matrixRows(test.matrix, e.test.rows)
	var trained []int
	if train != nil {
		trained = matrixRows(train.matrix, e.train.rows)
	}
	changed := touched(e.scorer.plan, e.test, test.matrix, at)
	for j, f := range e.scorer.plan.Features() {
		x := eval.Feature{
			Name: f.Name, Values: pick(test.matrix.Columns[j], at), Categories: f.Categories, Monotone: f.Monotone,
			Group: f.Group, Code: f.ReasonCode, Reason: f.ReasonText, Sensitive: f.Sensitive, Cleaned: changed[j],
		}
		if train != nil {
			x.Train = pick(train.matrix.Columns[j], trained)
		}
		in.Features = append(in.Features, x)
	}
}

// exclusions counts the rows that never reached the evaluation.
func (e *evaluation) exclusions() []eval.Exclusion {
	var out []eval.Exclusion
	if n := e.test.skipped; n > 0 {
		out = append(out, eval.Exclusion{Rule: "the row could not be read, or breaks a rule of the plan", Rows: n})
	}
	if l := e.test.log; l != nil && l.open > 0 {
		out = append(out, eval.Exclusion{Rule: "the outcome is still open when the log ends", Rows: l.open})
	}
	return append(out, e.exclusion...)
}

// explain lets the report ask for contributions and for scores of changed rows.
func (e *evaluation) explain(in *eval.Input, test *scored) error {
	s, n := e.scorer, len(test.matrix.Columns)
	x := make([]float64, n)
	at := matrixRows(test.matrix, e.test.rows)
	in.Contributions = func(dst []float64, row int) {
		for j, c := range test.matrix.Columns {
			x[j] = c[at[row]]
		}
		s.forest.Contributions(dst, x)
	}
	for _, use := range s.forest.Importances(nil) {
		in.Usage = append(in.Usage, eval.Usage{Splits: use.Splits, Gain: use.Gain})
	}
	in.Score = func(x []float64) float64 { return s.bundle.Calibration.Apply(s.forest.Margin(x)) }
	return e.reasons(in)
}

// reasons lets the report ask for the reasons that the server would give.
func (e *evaluation) reasons(in *eval.Input) error {
	f := e.scorer.forest
	why, err := forest.NewReasons(f, forest.GroupReasons(len(in.Features), func(j int) (code, text string) {
		x := &in.Features[j]
		return cmp.Or(x.Code, x.Group, x.Name), cmp.Or(x.Reason, x.Name+" raised the risk.")
	}))
	if err != nil {
		return err
	}
	phi := make([]float64, f.Features()+1)
	in.Reasons = func(row int) []eval.Reason {
		in.Contributions(phi, row)
		var out []eval.Reason
		for _, r := range why.Of(nil, phi) {
			out = append(out, eval.Reason{Code: r.Code, Text: r.Text})
		}
		return out
	}
	return nil
}

// reject scores the declined applications.
func (e *evaluation) reject(ctx context.Context, u *ui, in *eval.Input) error {
	if e.declined.table == nil {
		return nil
	}
	sc, err := e.scorer.score(ctx, e.declined)
	if err != nil {
		return err
	}
	e.declined.sayHistory(u, sc.matrix.Windows, e.scorer.trainedWindows())
	in.Declined = &eval.Declined{PD: sc.pds(), Weight: e.declined.weights()}
	return nil
}
