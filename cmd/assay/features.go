// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/csv"
	"io"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
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
		Long: "Features writes the vectors that a bundle's plan makes of a table, and beside them (to\n" +
			"vectors.rows.csv for --out vectors.csv) of each vector the row, id, time and label, and how\n" +
			"many events each window held. With --report it says\n" +
			"instead what each feature is worth: information value and missing share on the training\n" +
			"rows, stability against later rows, and groups of features that rank rows alike. The plan\n" +
			"is then the bundle's, or --plan fitted on the training rows, or inferred.",
		Example: "  assay features --model bundle --data credit_data --out vectors.csv\n" +
			"  assay features --report --data credit_data\n" +
			"  assay features --report --plan plan.yaml --data events.parquet --before 2023-06-30",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.report.on {
				if err := required(c, "data"); err != nil {
					return err
				}
				if f.model != "" && f.plan != "" {
					return usagef("--model and --plan both name a plan; give one")
				}
				return f.runReport(c.Context(), u)
			}
			if err := required(c, "model", "data", "out"); err != nil {
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
	write := func(w io.Writer) error { return vectorsCSV(w, plan, m) }
	if ext == ".parquet" {
		write = func(w io.Writer) error { return vectorsParquet(w, plan, m) }
	}
	if err := writeFile(u, f.out, write); err != nil {
		return err
	}
	if f.out == "-" {
		return nil
	}
	u.Done("wrote %s", f.out)
	rows, err := rowsOfVectors(ctx, t, u, plan.Spec(), m)
	if err != nil {
		return err
	}
	write = rows.csv
	if ext == ".parquet" {
		write = rows.parquet
	}
	if err := writeFile(u, rowsPath(f.out), write); err != nil {
		return err
	}
	u.Done("wrote %s: the row, id, time and label of each vector, and how many events each window held",
		rowsPath(f.out))
	return nil
}

// vectorsCSV writes codes of categories as numbers and missing values as empty
// cells.
func vectorsCSV(w io.Writer, plan *features.Plan, m *features.Matrix) error {
	cw := csv.NewWriter(w)
	rec := make([]string, 0, len(m.Columns))
	for _, f := range plan.Features() {
		rec = append(rec, f.Name)
	}
	for r := -1; r < m.Rows; r++ {
		if r >= 0 {
			rec = rec[:0]
			for _, c := range m.Columns {
				s := ""
				if c[r] == c[r] {
					s = number(c[r])
				}
				rec = append(rec, s)
			}
		}
		if err := cw.Write(rec); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

func vectorsParquet(w io.Writer, plan *features.Plan, m *features.Matrix) error {
	var fields []arrow.Field
	var cols []arrow.Array
	for j, f := range plan.Features() {
		fields = append(fields, arrow.Field{Name: f.Name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
		cols = append(cols, numbers(m.Columns[j]))
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(m.Rows))
	defer rec.Release()
	return datasets.WriteParquet(w, rec)
}
