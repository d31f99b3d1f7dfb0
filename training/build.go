// SPDX-License-Identifier: Apache-2.0

package training

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// cleaningNotes says, a line each, what the plan's rules touched in the training
// rows.
func cleaningNotes(r *features.FitReport) []string {
	var out []string
	say := func(n int, format string, args ...any) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d training rows ", n)+fmt.Sprintf(format, args...))
		}
	}
	say(r.Duplicates, "repeat an earlier one and were left out")
	say(r.Rejected, "break a rule of the plan and were left out")
	say(r.Open, "have no outcome yet and were left out")
	if r.Dropped {
		say(len(r.Outliers), "are outliers to the isolation forest and were left out")
	} else {
		say(len(r.Outliers), "are outliers to the isolation forest and were kept")
	}
	for _, f := range r.Fields {
		say(f.Clipped, "have %s beyond its range, clipped", f.Name)
		say(f.Cleared, "have %s beyond its range, taken as missing", f.Name)
		say(f.Flagged, "have %s beyond its range, kept as it is", f.Name)
	}
	return out
}

// playWindows says what the windows make of the table, and refuses one that
// leaves them empty. Validation rows are only warned of.
func (r *Recipe) playWindows(ctx context.Context, u Progress, train, valid Subset) error {
	if len(r.Spec.Windows) == 0 {
		return nil
	}
	u.Step("play the events through %d windows", len(r.Spec.Windows))
	log, err := train.Play(ctx, r.Spec)
	if err != nil {
		return err
	}
	u.Done("%d events", train.Table.NumRows())
	NoteWindows(u, log.Windows())
	NoteUnreadWindows(u, r.Spec)
	if err := train.CheckWindows(r.Spec, log.Windows()); err != nil || len(valid.Rows) == 0 {
		return err
	}
	checked, err := valid.Play(ctx, r.Spec)
	if err != nil {
		return err
	}
	valid.NoteHistory(u, checked.Windows(), WindowShares(log.Windows()))
	return nil
}

// Build trains the final model on the training rows and makes a bundle of it.
func (r *Recipe) Build(ctx context.Context, u Progress, train, valid Subset) (*models.Bundle, *Fitted, error) {
	if err := r.playWindows(ctx, u, train, valid); err != nil {
		return nil, nil, err
	}
	if train.Weight != nil && r.targetEncoded() {
		u.Note("what the plan learns from labels (woe, target_mean) counts every row once; trees, calibration and "+
			"figures go by the weight %q", train.weightColumn)
	}
	u.Step("train on %d rows", len(train.Rows))
	f, err := r.Fit(ctx, train, valid, func(p gbdt.Progress) { u.Progress("%s", progressLine(p)) })
	if err != nil {
		return nil, nil, err
	}
	u.Done("%d trees on %d features", len(f.Result.Model.Trees), len(f.Plan.Features()))
	for _, line := range cleaningNotes(f.Report) {
		u.Note("%s", line)
	}
	if err := NoteLookups(u, r.Spec, f.Report); err != nil {
		return nil, nil, err
	}

	if len(valid.Rows) > 0 {
		r.trees = f.Result.BestIteration // for the folds that calibrate
	}
	if r.Calibrate != models.CalibrationNone {
		u.Step("calibrate on %d folds of the training rows", r.Folds)
	}
	cal, of, err := r.calibration(ctx, u, train)
	if err != nil {
		return nil, nil, err
	}
	f.OutOfFold = of
	metrics := map[string]float64{}
	if of != nil {
		c, err := eval.NewWeightedCurve(train.Labels(), of, train.Weights())
		if err != nil {
			return nil, nil, err
		}
		metrics["oof.auc"] = c.AUC()
		u.Done("%s; out-of-fold AUC %.4f", cal.Method, c.AUC())
	}
	if len(valid.Rows) > 0 {
		mm, err := valid.Margins(ctx, f.Plan, f.Forest)
		if err != nil {
			return nil, nil, err
		}
		c, err := eval.NewWeightedCurve(valid.Labels(), mm, valid.Weights())
		if err != nil {
			return nil, nil, err
		}
		metrics["valid.auc"] = c.AUC()
	}
	train.Rows = f.Rows
	b, err := r.seal(u, train, len(valid.Rows), f, cal, metrics)
	return b, f, err
}

// seal makes a bundle of what was fitted, once an independent implementation
// has scored the training rows to the same bits.
func (r *Recipe) seal(u Progress, train Subset, valid int, f *Fitted, cal *models.Calibration,
	metrics map[string]float64) (*models.Bundle, error) {
	b, err := r.bundle(train, valid, f, cal, metrics)
	if err != nil {
		return nil, err
	}
	u.Step("gate: an independent implementation scores the same rows")
	passed, err := gate(b.ModelText, f, train.Rows)
	if err != nil {
		return nil, err
	}
	u.Done("the same bits on %d real and %d adversarial rows", passed.Rows, passed.Adversarial)
	b.Manifest.Reference = reference(f.Plan, f.Matrix, f.Forest, cal, train)
	return b, nil
}

func (r *Recipe) bundle(train Subset, valid int, f *Fitted, cal *models.Calibration,
	metrics map[string]float64) (*models.Bundle, error) {
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, f.Result.Model); err != nil {
		return nil, err
	}
	b := &models.Bundle{
		Plan: f.Plan.Frozen(), ModelText: text.Bytes(), Model: f.Result.Model,
		Calibration: *cal, Scale: models.DefaultScale(), Policy: r.Policy,
	}
	if b.Policy == nil {
		b.Policy = policy.DefaultFor(train.BadRate())
	}
	facts := models.ModelFacts{
		Trainer: "assay", Objective: string(f.Result.Model.Objective), Trees: len(f.Result.Model.Trees),
		Features: len(f.Result.Model.Features), Init: f.Result.Model.Init, Average: f.Result.Model.Average,
	}
	for _, x := range f.Result.Model.Features {
		if x.Monotone != 0 && facts.Monotone == nil {
			facts.Monotone = make([]int8, len(f.Result.Model.Features))
		}
	}
	for i, x := range f.Result.Model.Features {
		if facts.Monotone != nil {
			facts.Monotone[i] = x.Monotone
		}
	}
	b.Manifest = models.Manifest{
		Name: r.Name, Plan: f.Plan.Digest(), Model: facts, Params: r.Params, Metrics: metrics,
		Notes: append(slices.Clone(r.Notes), cleaningNotes(f.Report)...),
		Data: models.DataFacts{
			Name: train.Name, SHA256: train.Frame.Digest, Label: train.Frame.Label, Weight: train.weightColumn,
			Rows: len(train.Rows), Valid: valid, BadRate: train.BadRate(),
		},
	}
	if at := train.Times(); len(at) > 0 {
		from, to := at[0], at[0]
		for _, t := range at {
			if t.Before(from) {
				from = t
			}
			if t.After(to) {
				to = t
			}
		}
		b.Manifest.Data.From, b.Manifest.Data.To = from.Format(time.RFC3339), to.Format(time.RFC3339)
	}
	if s, err := strconv.ParseUint(r.Params["seed"], 10, 64); err == nil {
		b.Manifest.Seed = s
	}
	return b, nil
}

// gateRows is how many training rows the activation gate scores.
const gateRows = 2000

// gate lets an independent implementation score the bundle's model text on
// real rows and on adversarial ones before anything is written.
func gate(text []byte, f *Fitted, rows []int) (interchange.GateReport, error) {
	m := f.Matrix
	rows = matrixRows(m, rows[:min(len(rows), gateRows)])
	x := make([]float64, 0, len(rows)*len(m.Columns))
	for _, r := range rows {
		for _, c := range m.Columns {
			x = append(x, c[r])
		}
	}
	return interchange.Gate(text, f.Forest, x)
}

func progressLine(p gbdt.Progress) string {
	out := fmt.Sprintf("tree %d of %d, %.2gM rows/s", p.Iteration, p.Of, p.RowsPerSecond/1e6)
	for _, e := range p.Evals {
		out += fmt.Sprintf(", %s %.4f", e.Metric, e.Value)
	}
	if p.Left > time.Second {
		out += fmt.Sprintf(", %s left", p.Left.Round(time.Second))
	}
	return out
}

// WriteBundle writes a bundle that a server can open: what is written is opened
// again, as a server does, before it takes the place of what was there.
func WriteBundle(dir string, b *models.Bundle) error {
	return models.WriteBundle(dir, b, func(written string) error {
		again, err := models.ReadBundle(written)
		if err == nil {
			again.Model, err = interchange.LoadModel(again)
		}
		if err == nil {
			err = scoring.CheckBundle(again)
		}
		if err != nil {
			return fmt.Errorf("%s is not written, for no server could open it: %w", dir, err)
		}
		return nil
	})
}
