// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/gbdt"
)

// experiment is one table, split into training and test rows.
type experiment struct {
	name, key   string // for readers, and in the names of figures
	spec        *plantext.Spec
	rec         arrow.Record
	labels      []float64 // by scored row; NaN: not used
	rows        []int     // scored rows of the table
	train, test []int     // indices into rows
	note        string
	figures     []figure.Figure // figures of the table, printed before those of its stages
}

// measureWorth trains the same model on raw fields, with derived features and
// with windows, and prints what each stage adds, with DeLong's paired intervals.
func measureWorth(events int, shared string) error {
	var all []*experiment
	for _, make := range []func() (*experiment, error){
		func() (*experiment, error) { return scfExperiment(events) },
		func() (*experiment, error) { return invoiceExperiment(shared) },
		creditExperiment,
	} {
		e, err := make()
		if err != nil {
			return err
		}
		if e != nil {
			all = append(all, e)
		}
	}
	for _, e := range all {
		if err := e.run(); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

// stageNames are the stages in the names of figures.
var stageNames = [...]string{features.RawFields: "raw", features.Derived: "derived", features.Windowed: "windows"}

func (e *experiment) run() error {
	for _, f := range append(e.figures, figure.Of("COUNT", "worth_test_rows_"+e.key, []float64{float64(len(e.test))})) {
		fmt.Println(f)
	}
	fmt.Printf("%s: %d training rows, %d test rows%s\n", e.name, len(e.train), len(e.test), e.note)
	params, err := gbdt.ParseParams(map[string]string{"num_iterations": "300",
		"learning_rate": "0.03", "num_leaves": "8",
		"feature_fraction": "0.5", "bagging_fraction": "0.8", "bagging_freq": "1",
		"min_data_in_leaf": "30", "lambda_l2": "5"})
	if err != nil {
		return err
	}
	var previous []float64
	count := 0
	for stage := features.RawFields; stage <= features.Windowed; stage++ {
		s, err := features.Ablate(e.spec, stage)
		if err != nil {
			return err
		}
		if len(s.Features) == count && stage == features.Windowed && len(s.Windows) == 0 {
			continue // the plan has no windows
		}
		count = len(s.Features)
		label, score, n, err := e.score(s, params)
		if err != nil {
			return err
		}
		c, err := eval.NewCurve(label, score)
		if err != nil {
			return err
		}
		pd := make([]float64, len(score))
		for i, m := range score {
			pd[i] = 1 / (1 + math.Exp(-m))
		}
		ks, _ := c.KS()
		a := c.DeLong()
		line := fmt.Sprintf("  %-18s %2d features  AUC %.4f (%.4f to %.4f)  KS %.3f  log-loss %.4f", stage, n, a.Value,
			a.Low, a.High, ks, eval.LogLoss(label, pd, nil))
		name := e.key + "_" + stageNames[stage]
		figures := []figure.Figure{figure.Of("AUC", "worth_auc_"+name, []float64{float64(a.Value)}),
			figure.Of("KS", "worth_ks_"+name, []float64{ks}), figure.Of("LOGLOSS", "worth_logloss_"+name,
				[]float64{eval.LogLoss(label, pd, nil)})}
		if previous != nil {
			d, err := eval.CompareAUC(label, score, previous)
			if err != nil {
				return err
			}
			line += fmt.Sprintf("  against the stage before %+.4f (%+.4f to %+.4f)", d.Value, d.Low, d.High)
			figures = append(figures, figure.Of("GAIN", "worth_gain_"+name, []float64{float64(d.Value)}),
				figure.Of("GAIN", "worth_gain_low_"+name, []float64{float64(d.Low)}),
				figure.Of("GAIN", "worth_gain_high_"+name, []float64{float64(d.High)}))
		}
		fmt.Println(line)
		for _, f := range figures {
			fmt.Println(f)
		}
		previous = score
	}
	return nil
}

// score fits a stage's plan and model on the training rows, and scores the
// test rows.
func (e *experiment) score(s *plantext.Spec, params gbdt.Params) (label, score []float64, n int, err error) {
	ctx := context.Background()
	fit := make([]int, len(e.train))
	for i, k := range e.train {
		fit[i] = e.rows[k]
	}
	p, _, err := features.Fit(ctx, s, e.rec, fit)
	if err != nil {
		return nil, nil, 0, err
	}
	m, err := p.Matrix(ctx, e.rec)
	if err != nil {
		return nil, nil, 0, err
	}
	d := &gbdt.Dataset{Label: e.labels}
	for c, f := range p.Features() {
		d.Names, d.Columns, d.Categorical = append(d.Names, f.Name), append(d.Columns, m.Columns[c]),
			append(d.Categorical, f.Categorical)
	}
	r, err := gbdt.Train(ctx, d.Subset(e.train), params, gbdt.Options{})
	if err != nil {
		return nil, nil, 0, err
	}
	x := make([]float64, len(d.Names))
	for _, k := range e.test {
		for c := range x {
			x[c] = d.Columns[c][k]
		}
		label, score = append(label, e.labels[k]), append(score, r.Model.Margin(x))
	}
	return label, score, len(d.Names), nil
}

// split divides the rows whose outcome is known: the first share trains.
func (e *experiment) split(share float64) {
	var known []int
	for i, y := range e.labels {
		if y == y {
			known = append(known, i)
		}
	}
	cut := int(share * float64(len(known)))
	e.train, e.test = known[:cut], known[cut:]
}

func scfExperiment(events int) (*experiment, error) {
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return nil, err
	}
	w := scf.New(scf.Config{Seed: 1, Events: events})
	e := &experiment{name: "scf (synthetic; time split)", key: "scf", spec: s}
	if e.rec, err = features.EventTable(s, w.Events()); err != nil {
		return nil, err
	}
	if e.rows, e.labels, _, err = features.ReadLabels(s, e.rec); err != nil {
		return nil, err
	}
	e.split(0.6)
	var truths []scf.Truth
	for _, k := range e.test {
		truths = append(truths, w.Truths()[k])
	}
	best, oracle := scf.BestAUC(truths)
	e.figures = append(e.figures, figure.Of("AUC", "worth_auc_scf_best", []float64{best}))
	e.note = fmt.Sprintf("; best reachable AUC %.4f, with the hidden shock %.4f", best, oracle)
	return e, nil
}

// invoiceExperiment reads the log of real invoices as the tests of package
// features do: scored in the morning, issued in the evening, paid last.
func invoiceExperiment(shared string) (*experiment, error) {
	f, err := os.Open(filepath.Join(shared, "ibm_ar_invoices.csv"))
	if err != nil {
		fmt.Println("invoices: left out, there is no ibm_ar_invoices.csv")
		return nil, nil
	}
	defer f.Close()
	table, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile("features/testdata/invoices.yaml")
	if err != nil {
		return nil, err
	}
	s, err := features.ParseSpec(b)
	if err != nil {
		return nil, err
	}
	var log []assay.Event
	late := map[string]float64{}
	for _, r := range table[1:] {
		cell := map[string]string{}
		for i, h := range table[0] {
			cell[h] = r[i]
		}
		num := func(name, column string) assay.Field {
			x, _ := strconv.ParseFloat(cell[column], 64)
			return assay.Field{Name: name, Value: assay.NumberValue(x)}
		}
		text := func(name, column string) assay.Field {
			return assay.Field{Name: name, Value: assay.TextValue(cell[column])}
		}
		at := func(column string, hour int) time.Time {
			d, _ := time.Parse("1/2/2006", cell[column])
			return d.Add(time.Duration(hour) * time.Hour)
		}
		add := func(kind string, when time.Time, fields ...assay.Field) {
			log = append(log, assay.Event{ID: cell["invoiceNumber"], Kind: kind, Time: when, Fields: fields,
				Entities: []assay.Entity{{Role: "customer", ID: cell["customerID"]}}})
		}
		add("scoring", at("InvoiceDate", 8), num("amount", "InvoiceAmount"), text("disputed", "Disputed"),
			text("bill", "PaperlessBill"))
		add("issued", at("InvoiceDate", 18), num("amount", "InvoiceAmount"))
		add("payment", at("SettledDate", 19), num("amount", "InvoiceAmount"), text("disputed", "Disputed"),
			num("days_late", "DaysLate"), num("days_to_settle", "DaysToSettle"))
		if x := num("", "DaysLate").Value.Number(); x > 0 {
			late[cell["invoiceNumber"]] = 1
		}
	}
	slices.SortStableFunc(log, func(a, b assay.Event) int { return a.Time.Compare(b.Time) })
	e := &experiment{name: "IBM invoices (time split; late or not)", key: "ibm", spec: s}
	if e.rec, err = features.EventTable(s, slices.Values(pointers(log))); err != nil {
		return nil, err
	}
	for i := range log {
		if log[i].Kind == "scoring" {
			e.rows, e.labels = append(e.rows, i), append(e.labels, late[log[i].ID])
		}
	}
	s.Label = nil // the outcome is not an event of this log
	e.split(0.7)
	return e, nil
}

func pointers(log []assay.Event) []*assay.Event {
	out := make([]*assay.Event, len(log))
	for i := range log {
		out[i] = &log[i]
	}
	return out
}

func creditExperiment() (*experiment, error) {
	f, err := datasets.Read(context.Background(), "credit_data", datasets.Options{})
	if err != nil {
		return nil, err
	}
	b, err := datasets.Plan("credit_data")
	if err != nil {
		return nil, err
	}
	s, err := features.ParseSpec(b)
	if err != nil {
		return nil, err
	}
	split, err := datasets.Split("credit_data")
	if err != nil {
		return nil, err
	}
	e := &experiment{name: "credit_data (published split)", key: "credit_data", spec: s, rec: f.Record}
	if e.rows, e.labels, _, err = features.ReadLabels(s, f.Record); err != nil {
		return nil, err
	}
	for i, part := range split {
		if part == "test" {
			e.test = append(e.test, i)
		} else {
			e.train = append(e.train, i)
		}
	}
	return e, nil
}
