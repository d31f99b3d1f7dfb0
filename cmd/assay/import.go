// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
)

type importFlags struct {
	tableFlags
	from, file, plan, out, name, policy string
}

func importCommand(u *ui) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import --from lightgbm|xgboost|xgboost-binary|sklearn --file F --out BUNDLE",
		Short: "Make a bundle of a model that another library trained",
		Long: "Import reads a model, checks it against an independent implementation, and writes a\n" +
			"bundle that serves. Without --plan, each of the model's features is a number of the same\n" +
			"name, passed through. With a plan whose kernels learn from data, give --data as well.",
		Example: "  assay import --from lightgbm --file model.txt --out bundle",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "from", "file", "out"); err != nil {
				return err
			}
			return f.run(c.Context(), u)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.from, "from", "", "format: "+strings.Join(importFormats(), ", "))
	fl.StringVar(&f.file, "file", "", "model file")
	fl.StringVar(&f.plan, "plan", "", "feature plan: YAML, or a frozen plan.json")
	f.register(c, "rows that the plan is fitted on")
	fl.StringVar(&f.out, "out", "", "directory of the bundle to write")
	fl.StringVar(&f.name, "name", "", "the model's name (default: that of the file)")
	fl.StringVar(&f.policy, "policy", "", "decision policy, YAML (default: cut-offs on the probability)")
	return c
}

// maxModelFile bounds a foreign model file.
const maxModelFile = 1 << 30

func (f *importFlags) run(ctx context.Context, u *ui) error {
	if err := bundleTarget(f.out); err != nil {
		return err
	}
	raw, err := readBounded(f.file, maxModelFile)
	if err != nil {
		return err
	}
	m, err := readForeign(f.from, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", f.file, err)
	}
	if m.Objective != models.Binary && m.Objective != models.CrossEntropy {
		return fmt.Errorf("%s has the objective %s: decisions need a probability, so the objective must be binary or cross_entropy", f.file, m.Objective)
	}
	notes := []string{"Imported from " + f.from + "; the digest under Data is that of the imported file."}
	if best, ok := m.Params[interchange.BestIteration]; ok {
		note := "Early stopping found iteration " + best + " (counted from 0) the best, and the file holds later trees: all are used, as by " +
			"Booster.predict; XGBClassifier.predict stops there. To have that model, save booster[:best_iteration+1]."
		notes = append(notes, note)
		u.note("%s", note)
	}
	plan, err := f.planFor(ctx, u, m)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, m); err != nil {
		return err
	}
	compiled, err := forest.Compile(m)
	if err != nil {
		return err
	}
	u.step("gate: an independent implementation scores the model's own thresholds and their neighbours")
	passed, err := interchange.Gate(text.Bytes(), compiled, nil)
	if err != nil {
		return err
	}
	u.done("the same bits on %d rows", passed.Adversarial)
	b := &models.Bundle{Plan: plan.Frozen(), ModelText: text.Bytes(), Model: m, Calibration: linkOf(m), Scale: models.DefaultScale()}
	if b.Policy, err = readPolicy(f.policy); err != nil {
		return err
	}
	name := f.name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(f.file), filepath.Ext(f.file))
	}
	b.Manifest = models.Manifest{
		Name: name, Plan: plan.Digest(), Params: m.Params,
		Model: models.ModelFacts{
			Trainer: f.from, Objective: string(m.Objective), Trees: len(m.Trees), Features: len(m.Features),
			Init: m.Init, Float32Sums: m.Float32Sums, Average: m.Average,
		},
		Data:  models.DataFacts{Name: "unknown: trained elsewhere", SHA256: assay.Sum("", raw), Label: "target"},
		Notes: notes,
	}
	if err := models.WriteBundle(f.out, b); err != nil {
		return err
	}
	u.printf("%s  %s\nmodel   %s\n%d trees on %d features\n", u.bold("bundle"), f.out, b.Digest, len(m.Trees), len(m.Features))
	return nil
}

// linkOf is the calibration that gives the model's own probability.
func linkOf(m *models.Model) models.Calibration {
	if m.Sigmoid == 0 || m.Sigmoid == 1 {
		return models.Calibration{Method: models.CalibrationNone}
	}
	return models.Calibration{Method: models.CalibrationPlatt, A: m.Sigmoid, Source: "the model's own link"}
}

// planFor returns the plan of an imported model and checks that it makes the
// features that the model was trained on, in their order.
func (f *importFlags) planFor(ctx context.Context, u *ui, m *models.Model) (*features.Plan, error) {
	var plan *features.Plan
	var err error
	if f.plan == "" {
		plan, err = passthroughPlan(ctx, m)
	} else {
		plan, err = f.readPlan(ctx, u)
	}
	if err != nil {
		return nil, err
	}
	has := plan.Features()
	if len(has) != len(m.Features) {
		return nil, fmt.Errorf("%w: the plan makes %d features, the model was trained on %d", assay.ErrInvalid, len(has), len(m.Features))
	}
	for i, x := range m.Features {
		if f.plan != "" && has[i].Name != x.Name && !strings.HasPrefix(x.Name, "Column_") {
			return nil, fmt.Errorf("%w: feature %d is %q in the plan and %q in the model", assay.ErrInvalid, i+1, has[i].Name, x.Name)
		}
	}
	return plan, nil
}

func (f *importFlags) readPlan(ctx context.Context, u *ui) (*features.Plan, error) {
	raw, err := os.ReadFile(f.plan)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(f.plan), ".json") {
		return features.LoadPlan(raw)
	}
	spec, err := features.ParseSpec(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.plan, err)
	}
	if f.data == "" {
		return nil, usagef("--plan %s is to be fitted: give the rows with --data, or a frozen plan.json", f.plan)
	}
	f.readAs(spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := t.obey(u, spec); err != nil {
		return nil, err
	}
	plan, _, err := spec.Fit(ctx, t.frame.Record, nil)
	return plan, err
}

// passthroughPlan has one number for each of the model's features.
func passthroughPlan(ctx context.Context, m *models.Model) (*features.Plan, error) {
	spec := &features.Spec{Version: 1, Name: "imported"}
	var fields []arrow.Field
	var cols []arrow.Array
	for _, x := range m.Features {
		spec.Fields = append(spec.Fields, features.FieldSpec{Name: x.Name, Kind: "number"})
		spec.Features = append(spec.Features, features.FeatureSpec{Name: x.Name, Kernel: "passthrough"})
		fields = append(fields, arrow.Field{Name: x.Name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		b.AppendNull() // nothing is learned from it
		cols = append(cols, b.NewArray())
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, 1)
	defer rec.Release()
	plan, _, err := spec.Fit(ctx, rec, nil)
	return plan, err
}

// readers are the formats that can be imported.
func readers() map[string]func(io.Reader) (*models.Model, error) {
	return map[string]func(io.Reader) (*models.Model, error){
		"lightgbm":       interchange.ReadLightGBM,
		"xgboost":        interchange.ReadXGBoost,       // JSON and UBJSON
		"xgboost-binary": interchange.ReadXGBoostBinary, // of XGBoost 1.x
		"sklearn":        interchange.ReadSklearn,       // pickles of gradient boosting
	}
}

func importFormats() []string { return sortedKeys(readers()) }

func readForeign(format string, raw []byte) (*models.Model, error) {
	read, ok := readers()[format]
	if !ok {
		return nil, usagef("--from %s: the formats are %s", format, strings.Join(importFormats(), ", "))
	}
	return read(bytes.NewReader(raw))
}
