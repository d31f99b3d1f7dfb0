// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models/eval"
)

type evaluateFlags struct {
	tableFlags
	model, train, out           string
	plan, params, since, before string
	json, ablate, pdf           bool
}

func evaluateCommand(u *ui) *cobra.Command {
	var f evaluateFlags
	c := &cobra.Command{
		Use:   "evaluate --model BUNDLE --data F --out DIR",
		Short: "Evaluate a model on rows that it did not train on; write the report",
		Long: "Evaluate writes report.html (self-contained) and report.json. With --train, the rows\n" +
			"that trained the model, challengers are fitted on them and stability is measured\n" +
			"against them; without, challengers are fitted out of fold on the evaluated rows.",
		Example: "  assay evaluate --model bundle --data test.csv --train train.csv --out report",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.ablate {
				if err := required(c, "data", "plan"); err != nil {
					return err
				}
				return f.runAblate(c.Context(), u)
			}
			if err := required(c, "model", "data", "out"); err != nil {
				return err
			}
			return f.run(c.Context(), u)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.since, "since", "", "of an event log, judge scored events from that day or time on")
	fl.StringVar(&f.before, "before", "", "of an event log, train (--train, --ablate) on scored events before that day or time")
	fl.BoolVar(&f.ablate, "ablate", false, "instead of a report: train --plan with raw fields, derived features and windows, and compare")
	fl.StringVar(&f.plan, "plan", "", "with --ablate: the plan, YAML")
	fl.StringVar(&f.params, "params", "", "with --ablate: training parameters, k=v,...")
	fl.StringVar(&f.model, "model", "", "bundle to evaluate")
	f.register(c, "rows that the model did not train on")
	f.registerLabel(c)
	fl.StringVar(&f.train, "train", "", "rows that trained the model")
	fl.StringVar(&f.out, "out", "", "directory of the report")
	fl.BoolVar(&f.pdf, "pdf", false, "print report.pdf too, through headless Chromium")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	return c
}

func (f *evaluateFlags) run(ctx context.Context, u *ui) error {
	s, err := openScorer(f.model)
	if err != nil {
		return err
	}
	if f.label == "" {
		f.label = s.bundle.Manifest.Data.Label
	}
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	e := evaluation{scorer: s}
	since, before, err := f.times()
	if err != nil {
		return err
	}
	if e.test, err = t.judged(u, s.plan.Spec(), since, time.Time{}); err != nil {
		return err
	}
	if f.train != "" {
		tr := t
		if f.train != f.data {
			if tr, err = f.readFile(ctx, u, f.train); err != nil {
				return err
			}
		}
		if e.train, err = tr.judged(u, s.plan.Spec(), time.Time{}, before); err != nil {
			return err
		}
	}
	u.step("evaluate on %d rows", len(e.test.rows))
	in, err := e.input(ctx)
	if err != nil {
		return err
	}
	r, err := eval.Build(ctx, *in)
	if err != nil {
		return err
	}
	if err := writeReport(f.out, r); err != nil {
		return err
	}
	u.done("wrote %s", filepath.Join(f.out, "report.html"))
	if f.pdf {
		u.step("print the report")
		pdf := filepath.Join(f.out, "report.pdf")
		if err := eval.PDF(ctx, filepath.Join(f.out, "report.html"), pdf); err != nil {
			return err
		}
		u.done("wrote %s", pdf)
	}
	sum := summarise(r)
	if f.json {
		return u.json(sum)
	}
	u.printf("%-9s %s\n%-9s %s\n", "rows", number(float64(sum.N)), "bad rate", percent(sum.BadRate))
	for _, m := range []string{"auc", "gini", "ks", "brier", "logloss"} {
		x, _ := r.Metric(m)
		u.printf("%-9s %.4f  (95 %%: %.4f to %.4f)\n", m, x.Value, x.Low, x.High)
	}
	u.printf("report    %s\n", filepath.Join(f.out, "report.html"))
	return nil
}

func (f *evaluateFlags) times() (since, before time.Time, err error) {
	if since, err = parseTime("since", f.since); err == nil {
		before, err = parseTime("before", f.before)
	}
	return since, before, err
}

// judged returns the rows of a table that have an outcome, within the times.
func (t *table) judged(u *ui, spec *features.Spec, since, before time.Time) (part, error) {
	if t.log == nil {
		if err := t.obey(u, spec); err != nil {
			return part{}, err
		}
		if err := t.follow(u, spec); err != nil {
			return part{}, err
		}
	}
	if err := t.needLabel(); err != nil {
		return part{}, err
	}
	return t.all().between(since, before)
}

// runAblate compares the stages of a plan.
func (f *evaluateFlags) runAblate(ctx context.Context, u *ui) error {
	since, before, err := f.times()
	if err != nil {
		return err
	}
	params, err := parseKV(f.params)
	if err != nil {
		return err
	}
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	r := &recipe{name: t.name, params: params, folds: 5}
	if r.spec, err = readSpec(f.plan, t); err != nil {
		return err
	}
	train, err := t.judged(u, r.spec, time.Time{}, before)
	if err != nil {
		return err
	}
	held, how := part{}, "five stratified folds over the rows; intervals are DeLong's, paired"
	if !before.IsZero() {
		if since.IsZero() {
			since = before
		}
		if held, err = t.judged(u, r.spec, since, time.Time{}); err != nil {
			return err
		}
		how = fmt.Sprintf("trained on %d rows before %s, judged on %d rows since %s; intervals are DeLong's, paired",
			len(train.rows), before.Format(time.DateOnly), len(held.rows), since.Format(time.DateOnly))
	}
	stages, err := r.ablate(ctx, u, train, held)
	if err != nil {
		return err
	}
	if f.json {
		return u.json(stages)
	}
	printStages(u, stages, how)
	return nil
}

// metricsSummary is what --json prints of an evaluation. Its keys are stable.
type metricsSummary struct {
	AUC     float64 `json:"auc"`
	Gini    float64 `json:"gini"`
	KS      float64 `json:"ks"`
	Brier   float64 `json:"brier"`
	LogLoss float64 `json:"logloss"`
	N       int     `json:"n"`
	BadRate float64 `json:"bad_rate"`
}

func summarise(r *eval.Report) metricsSummary {
	return metricsSummary{
		AUC: float64(r.AUC), Gini: float64(r.Gini), KS: float64(r.KS), Brier: float64(r.Brier),
		LogLoss: float64(r.LogLoss), N: r.N, BadRate: float64(r.BadRate),
	}
}

// evaluation is a model, the rows it is judged on, and what is known beside.
type evaluation struct {
	scorer  *scorer
	test    part
	train   part // no rows: unknown
	served  []float64
	card    []eval.Fact
	ledger  *eval.Ledger
	purpose string
}

// input gathers what the report is made from.
func (e *evaluation) input(ctx context.Context) (*eval.Input, error) {
	s := e.scorer
	test, err := s.score(ctx, e.test)
	if err != nil {
		return nil, err
	}
	in := &eval.Input{
		Title: s.bundle.Manifest.Name, Purpose: e.purpose, Seed: 1,
		Label: e.test.labels(), Margin: test.margins, Served: e.served, Ledger: e.ledger,
		Card: append(s.card(), e.card...), Exclusions: e.exclusions(),
	}
	in.Time = e.test.times()
	if at, err := time.Parse(time.RFC3339, s.bundle.Manifest.Data.To); err == nil {
		in.TrainedUntil = at
	}
	grades := eval.Category{Name: "grade"}
	level := map[string]int32{}
	for _, g := range s.bundle.Scale.Grades {
		level[g.Name] = int32(len(grades.Levels))
		grades.Levels = append(grades.Levels, g.Name)
	}
	for _, x := range test.scores {
		in.PD = append(in.PD, x.PD)
		in.RawPD = append(in.RawPD, s.bundle.Model.Probability(x.Margin))
		in.Points = append(in.Points, x.Points)
		code, ok := level[x.Grade]
		if !ok {
			code = -1
		}
		grades.Code = append(grades.Code, code)
	}
	if len(grades.Levels) > 0 {
		in.Grades = &grades
	}
	var train *scored
	if len(e.train.rows) > 0 {
		if train, err = s.score(ctx, e.train); err != nil {
			return nil, err
		}
		in.Train = &eval.Train{Label: e.train.labels(), Margin: train.margins}
		for _, x := range train.scores {
			in.Train.PD = append(in.Train.PD, x.PD)
		}
	}
	at := matrixRows(test.matrix, e.test.rows)
	var trained []int
	if train != nil {
		trained = matrixRows(train.matrix, e.train.rows)
	}
	for j, f := range s.plan.Features() {
		x := eval.Feature{
			Name: f.Name, Values: pick(test.matrix.Columns[j], at), Categories: f.Categories,
			Monotone: f.Monotone, Group: f.Group, Sensitive: f.Sensitive,
		}
		if train != nil {
			x.Train = pick(train.matrix.Columns[j], trained)
		}
		in.Features = append(in.Features, x)
	}
	e.explain(in, test)
	if err := e.outcomes(in, test); err != nil {
		return nil, err
	}
	return in, e.challenge(ctx, in, test, train)
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
	return out
}

// explain lets the report ask for contributions and for scores of changed rows.
func (e *evaluation) explain(in *eval.Input, test *scored) {
	s, n := e.scorer, len(test.matrix.Columns)
	x := make([]float64, n)
	at := matrixRows(test.matrix, e.test.rows)
	in.Contributions = func(dst []float64, row int) {
		for j, c := range test.matrix.Columns {
			x[j] = c[at[row]]
		}
		s.forest.Contributions(dst, x)
	}
	in.Score = func(x []float64) float64 { return s.bundle.Calibration.Apply(s.forest.Margin(x)) }
}

// outcomes gives each row the policy's decision.
func (e *evaluation) outcomes(in *eval.Input, test *scored) error {
	decided, err := e.scorer.decide(test)
	if err != nil {
		return err
	}
	for _, d := range decided {
		in.Outcome = append(in.Outcome, eval.Outcome(d.Outcome))
	}
	return nil
}

// writeReport writes report.html and report.json.
func writeReport(dir string, r *eval.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{"report.html": r.WriteHTML, "report.json": r.WriteJSON} {
		if err := writeFile(nil, filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}
