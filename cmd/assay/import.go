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

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/scoring"
	"github.com/assayrisk/assay/training"
)

type importFlags struct {
	tableFlags
	from, file, plan, out, name, policy string
	badClass                            string
}

func importCommand(u *ui) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import --from lightgbm|xgboost|xgboost-binary|sklearn|catboost --file F --out BUNDLE",
		Short: "Make a bundle of a model that another library trained",
		Long: "Import reads a model, checks it against an independent implementation, and writes a\n" +
			"bundle that serves. Without --plan, each of the model's features is a field of the same\n" +
			"name: a number, passed through, or a category with the values that the file lists. With a\n" +
			"plan whose kernels learn from data, give --data as well. Where the file names two classes\n" +
			"and neither is known to be bad, --bad says which is.",
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
	fl.StringVar(&f.name, "name", "", "the model's name (default: that of the --out directory)")
	fl.StringVar(&f.badClass, "bad", "", "the class that is the bad event, as the file names it; 0 or 1 where it "+
		"names none (default: 1, True, bad or default)")
	fl.StringVar(&f.policy, "policy", "", "decision policy, YAML (default: cut-offs on the probability)")
	return c
}

// maxModelFile bounds a foreign model file.
const maxModelFile = 1 << 30

func (f *importFlags) run(ctx context.Context, u *ui) error {
	if err := bundleTarget(f.out); err != nil {
		return err
	}
	decides, err := readPolicy(f.policy)
	if err != nil {
		return err
	}
	raw, err := bounded.ReadFile(f.file, maxModelFile)
	if err != nil {
		return err
	}
	m, err := readForeign(f.from, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", f.file, err)
	}
	if m.Objective != models.Binary && m.Objective != models.CrossEntropy && !m.Share {
		return fmt.Errorf("%s has the objective %s: decisions need a probability, so the objective must be binary "+
			"or cross_entropy", f.file, m.Objective)
	}
	turned, err := m.OfBad(f.badClass)
	if err != nil {
		return err
	}
	notes := []string{"Imported from " + f.from + "; the digest under Data is that of the imported file."}
	notes = append(notes, classNote(u, m, turned)...)
	if best, ok := m.Params[interchange.BestIteration]; ok {
		note := "Early stopping found iteration " + best + " (counted from 0) the best, and the file holds later " +
			"trees: all are used, as by " +
			"Booster.predict; XGBClassifier.predict stops there. To have that model, save booster[:best_iteration+1]."
		notes = append(notes, note)
		u.Note("%s", note)
	}
	for _, note := range training.CategoryNotes(m) {
		u.Note("%s", note)
		notes = append(notes, note)
	}
	plan, err := f.planFor(ctx, u, m)
	if err != nil {
		return err
	}
	if err := scoring.CheckPlan(plan, decides); err != nil {
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
	u.Step("gate: an independent implementation scores the model's own thresholds and their neighbours")
	passed, err := interchange.Gate(text.Bytes(), compiled, nil)
	if err != nil {
		return err
	}
	u.Done("the same bits on %d rows", passed.Adversarial)
	b := &models.Bundle{Plan: plan.Frozen(), ModelText: text.Bytes(), Model: m, Calibration: linkOf(m),
		Scale: models.DefaultScale(), Policy: decides}
	name := f.name
	if name == "" {
		name = bundleName(f.out, "")
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
	if err := training.WriteBundle(f.out, b); err != nil {
		return err
	}
	u.printf("%s  %s\nmodel   %s\n%d trees on %d features\n", u.bold("bundle"), f.out, b.Digest, len(m.Trees),
		len(m.Features))
	return nil
}

// linkOf is the calibration that gives the model's own probability.
func linkOf(m *models.Model) models.Calibration {
	switch {
	case m.Share: // the margin is the probability
		return models.Calibration{Method: models.CalibrationIsotonic, X: []float64{0, 1}, Y: []float64{0, 1},
			Source: "the model's own shares"}
	case m.Sigmoid == 0 || m.Sigmoid == 1:
		return models.Calibration{Method: models.CalibrationNone}
	}
	return models.Calibration{Method: models.CalibrationPlatt, A: m.Sigmoid, Source: "the model's own link"}
}

// readers are the formats that can be imported.
func readers() map[string]func(io.Reader) (*models.Model, error) {
	return map[string]func(io.Reader) (*models.Model, error){
		"lightgbm":       interchange.ReadLightGBM,
		"xgboost":        interchange.ReadXGBoost,       // JSON and UBJSON
		"xgboost-binary": interchange.ReadXGBoostBinary, // of XGBoost 1.x
		"sklearn":        interchange.ReadSklearn,       // pickles of boosting, forests and trees
		"catboost":       interchange.ReadCatBoost,      // JSON
	}
}

func importFormats() []string { return sortedKeys(readers()) }

func readForeign(format string, raw []byte) (*models.Model, error) {
	read, ok := readers()[format]
	if !ok {
		return nil, usagef("--from %s: the formats are %s", format, strings.Join(importFormats(), ", "))
	}
	switch is, err := interchange.Recognise(raw); {
	case err != nil:
		return nil, err
	case is != "" && is != format:
		return nil, usagef("--from %s: the file is of the format %s: give --from %s", format, is, is)
	}
	return read(bytes.NewReader(raw))
}

// planFor returns the plan of an imported model and checks that it makes the
// features that the model was trained on, in their order and with its codes.
func (f *importFlags) planFor(ctx context.Context, u *ui, m *models.Model) (*features.Plan, error) {
	if f.plan == "" {
		return training.OwnPlan(ctx, m)
	}
	plan, err := f.readPlan(ctx, u, m)
	if err != nil {
		return nil, err
	}
	has := plan.Features()
	if len(has) != len(m.Features) {
		return nil, fmt.Errorf("%w: the plan makes %d features, the model was trained on %d", assay.ErrInvalid,
			len(has), len(m.Features))
	}
	for i, x := range m.Features {
		if has[i].Name != x.Name && !strings.HasPrefix(x.Name, "Column_") {
			return nil, fmt.Errorf("%w: feature %d is %q in the plan and %q in the model", assay.ErrInvalid, i+1,
				has[i].Name, x.Name)
		}
		if err := training.CheckCodes(plan.Spec(), has[i], &x); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// readPlan reads a frozen plan, or fits one that is YAML, with the dictionaries
// of the model.
func (f *importFlags) readPlan(ctx context.Context, u *ui, m *models.Model) (*features.Plan, error) {
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
	if err := training.ReadLookups(ctx, spec, f.plan); err != nil {
		return nil, err
	}
	if f.data == "" {
		return nil, usagef("--plan %s is to be fitted: give the rows with --data, or a frozen plan.json", f.plan)
	}
	if err := training.FixCodes(spec, m); err != nil {
		return nil, err
	}
	f.readAs(spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := t.Obey(u, spec); err != nil {
		return nil, err
	}
	plan, report, err := spec.Fit(ctx, t.Frame.Record, nil)
	if err != nil {
		return nil, err
	}
	if err := training.NeedColumns(plan, t); err != nil {
		return nil, err
	}
	return plan, training.NoteLookups(u, spec, report)
}

// classNote says of which class the margin is, where it is not label 1.
func classNote(u *ui, m *models.Model, turned bool) []string {
	var out []string
	if len(m.Classes) == 2 {
		out = append(out, fmt.Sprintf("The probability is of the class %q; the other is %q.", m.Classes[1],
			m.Classes[0]))
	}
	if turned {
		out = append(out, "The model was turned round: its file gives the margin of the other class.")
	}
	for _, note := range out {
		u.Note("%s", note)
	}
	return out
}

func exportCommand(u *ui) *cobra.Command {
	var model, to, out string
	c := &cobra.Command{
		Use:     "export --model BUNDLE --to lightgbm --out model.txt",
		Short:   "Write a bundle's forest in a foreign format",
		Example: "  assay export --model bundle --to lightgbm --out model.txt",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "model", "out"); err != nil {
				return err
			}
			return export(c.Context(), u, model, to, out)
		},
	}
	c.Flags().StringVar(&model, "model", "", "bundle to read")
	c.Flags().StringVar(&to, "to", "lightgbm", "format: lightgbm")
	c.Flags().StringVar(&out, "out", "", "file to write, - for standard output")
	return c
}

func export(_ context.Context, u *ui, model, to, out string) error {
	if to != "lightgbm" {
		return usagef("--to %s: the format that can be written is lightgbm", to)
	}
	s, err := training.OpenScorer(model)
	if err != nil {
		return err
	}
	return writeFile(u, out, func(w io.Writer) error { return interchange.WriteLightGBM(w, s.Bundle.Model) })
}
