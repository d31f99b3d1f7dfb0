// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/bounded"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/foreign"
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
			if err := requireFlags(c, "from", "file", "out"); err != nil {
				return err
			}
			return f.run(c.Context(), u)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.from, "from", "", "format: "+strings.Join(foreign.Formats(), ", "))
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
	if err := checkBundleTarget(f.out); err != nil {
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
	m, err := foreign.Read(u, f.from, raw, f.badClass)
	if err != nil {
		return fmt.Errorf("%s: %w", f.file, err)
	}
	plan, err := f.readPlan(ctx, u, m)
	if err != nil {
		return err
	}
	if err := m.CheckPlan(plan); err != nil {
		return err
	}
	name := f.name
	if name == "" {
		name = bundleName(f.out, "")
	}
	b, err := m.Bundle(u, name, plan, decides)
	if err != nil {
		return err
	}
	if err := training.WriteBundle(f.out, b); err != nil {
		return err
	}
	u.printf("%s  %s\nmodel   %s\n%d trees on %d features\n", u.bold("bundle"), f.out, b.Digest, len(m.Trees),
		len(m.Features))
	return nil
}

// readPlan reads a frozen plan, or fits one that is YAML with the dictionaries
// of the model. Without --plan the model's features are the fields.
func (f *importFlags) readPlan(ctx context.Context, u *ui, m *foreign.Model) (*features.Plan, error) {
	if f.plan == "" {
		return m.PlainPlan(ctx)
	}
	if strings.EqualFold(filepath.Ext(f.plan), ".json") {
		raw, err := os.ReadFile(f.plan)
		if err != nil {
			return nil, err
		}
		return features.LoadPlan(raw)
	}
	spec, err := readSpec(ctx, f.plan)
	if err != nil {
		return nil, err
	}
	if f.data == "" {
		return nil, usagef("--plan %s is to be fitted: give the rows with --data, or a frozen plan.json", f.plan)
	}
	if err := m.FixCodes(spec); err != nil {
		return nil, err
	}
	f.readAs(spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := t.ApplyRules(u, spec); err != nil {
		return nil, err
	}
	plan, report, err := features.Fit(ctx, spec, t.Frame.Record, nil)
	if err != nil {
		return nil, err
	}
	if err := training.NeedColumns(plan, t); err != nil {
		return nil, err
	}
	return plan, training.NoteLookups(u, spec, report)
}

func exportCommand(u *ui) *cobra.Command {
	var model, to, out string
	c := &cobra.Command{
		Use:     "export --model BUNDLE --to lightgbm --out model.txt",
		Short:   "Write a bundle's forest in a foreign format",
		Example: "  assay export --model bundle --to lightgbm --out model.txt",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := requireFlags(c, "model", "out"); err != nil {
				return err
			}
			return exportModel(u, model, to, out)
		},
	}
	c.Flags().StringVar(&model, "model", "", "bundle to read")
	c.Flags().StringVar(&to, "to", "lightgbm", "format: lightgbm")
	c.Flags().StringVar(&out, "out", "", "file to write, - for standard output")
	return c
}

func exportModel(u *ui, model, to, out string) error {
	if to != "lightgbm" {
		return usagef("--to %s: the format that can be written is lightgbm", to)
	}
	s, err := training.OpenScorer(model)
	if err != nil {
		return err
	}
	return writeFile(u, out, func(w io.Writer) error { return interchange.WriteLightGBM(w, s.Bundle.Model) })
}
