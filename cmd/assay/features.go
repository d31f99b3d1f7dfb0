// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/export"
)

type featuresFlags struct {
	tableFlags
	model, plan, out string
	report           reportFlags
}

func featuresCommand(u *ui) *cobra.Command {
	var f featuresFlags
	c := &cobra.Command{
		Use:   "features --data F (--out X.parquet | --report)",
		Short: "Write the feature vectors of a table, or report on its features",
		Long: "Features writes the vectors that a bundle's plan makes of a table, and for each\n" +
			"vector (to vectors.rows.csv for --out vectors.csv) the row, id, time and label, and how many\n" +
			"events each window held. With --report it says what each feature is worth: information\n" +
			"value and missing share on the training rows, stability against later rows, and groups of\n" +
			"features that rank rows alike. The plan is then the bundle's, or --plan fitted on the\n" +
			"training rows, or inferred.",
		Example: "  assay features --model bundle --data credit_data --out vectors.csv\n" +
			"  assay features --report --data credit_data\n" +
			"  assay features --report --plan plan.yaml --data events.parquet --before 2023-06-30",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.report.on {
				if err := requireFlags(c, "data"); err != nil {
					return err
				}
				if f.model != "" && f.plan != "" {
					return usagef("--model and --plan both name a plan; give one")
				}
				return f.runReport(c.Context(), u)
			}
			if err := requireFlags(c, "model", "data", "out"); err != nil {
				return err
			}
			return f.writeVectors(c.Context(), u)
		},
	}
	f.register(c, "rows")
	f.registerLabel(c)
	c.Flags().StringVar(&f.model, "model", "", "bundle whose plan makes the features")
	c.Flags().StringVar(&f.plan, "plan", "", "with --report: feature plan, YAML, to be fitted on the training rows")
	c.Flags().StringVar(&f.out, "out", "", "file to write: .parquet or .csv; - for CSV on standard output")
	f.report.register(c)
	return c
}

// bundlePlan reads the plan of a bundle, and the share of the training rows that
// found something in each of its windows.
func bundlePlan(dir string) (plan *features.Plan, trained map[string]float64, err error) {
	b, err := models.ReadBundle(dir)
	if err != nil {
		return nil, nil, err
	}
	if r := b.Manifest.Reference; r != nil {
		trained = r.Windows
	}
	plan, err = features.LoadPlan(b.Plan)
	return plan, trained, err
}

func (f *featuresFlags) writeVectors(ctx context.Context, u *ui) error {
	ext := strings.ToLower(filepath.Ext(f.out))
	if ext != ".parquet" && ext != ".csv" && f.out != "-" {
		return usagef("--out %s: want a name that ends in .parquet or .csv", f.out)
	}
	plan, trained, err := bundlePlan(f.model)
	if err != nil {
		return err
	}
	f.unlabelled = true
	f.readAs(plan.Spec())
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	if err := training.Accept(u, plan, t); err != nil {
		return err
	}
	u.Step("make %d features of %d rows", len(plan.Features()), t.NumRows())
	m, err := t.Matrix(ctx, plan)
	if err != nil {
		return err
	}
	training.NoteWindows(u, m.Windows)
	t.NoteHistory(u, m.Windows, trained)
	write := func(w io.Writer) error { return export.VectorsCSV(w, plan, m) }
	if ext == ".parquet" {
		write = func(w io.Writer) error { return export.VectorsParquet(w, plan, m) }
	}
	if err := writeFile(u, f.out, write); err != nil {
		return err
	}
	if f.out == "-" {
		return nil
	}
	u.Done("wrote %s", f.out)
	events, err := export.EventsOf(ctx, u, t, plan.Spec(), m)
	if err != nil {
		return err
	}
	write = events.WriteCSV
	if ext == ".parquet" {
		write = events.WriteParquet
	}
	if err := writeFile(u, rowsPath(f.out), write); err != nil {
		return err
	}
	u.Done("wrote %s: the row, id, time and label of each vector, and how many events each window held",
		rowsPath(f.out))
	return nil
}

// rowsPath is where the rows of the vectors at path are written: next to
// vectors.csv lies vectors.rows.csv.
func rowsPath(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + ".rows" + ext
}
