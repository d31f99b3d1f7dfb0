// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
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
		Long: "Features writes the vectors that a bundle's plan makes of a table. With --report it says\n" +
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

// bundlePlan reads the plan of a bundle.
func bundlePlan(dir string) (*features.Plan, error) {
	b, err := models.ReadBundle(dir)
	if err != nil {
		return nil, err
	}
	return features.LoadPlan(b.Plan)
}

func (f *featuresFlags) writeVectors(ctx context.Context, u *ui) error {
	ext := strings.ToLower(filepath.Ext(f.out))
	if ext != ".parquet" && ext != ".csv" && f.out != "-" {
		return usagef("--out %s: want a name that ends in .parquet or .csv", f.out)
	}
	plan, err := bundlePlan(f.model)
	if err != nil {
		return err
	}
	f.unlabelled = true
	f.readAs(plan.Spec())
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	if err := errors.Join(needColumns(plan, t), t.obey(u, plan.Spec())); err != nil {
		return err
	}
	u.step("make %d features of %d rows", len(plan.Features()), t.rows())
	m, err := plan.Matrix(ctx, t.frame.Record)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	write := func(w io.Writer) error { return vectorsCSV(w, plan, m) }
	if ext == ".parquet" {
		write = func(w io.Writer) error { return vectorsParquet(w, plan, m) }
	}
	if err := writeFile(u, f.out, write); err != nil {
		return err
	}
	if f.out != "-" {
		u.done("wrote %s", f.out)
	}
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
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		for _, x := range m.Columns[j] {
			if x != x {
				b.AppendNull()
			} else {
				b.Append(x)
			}
		}
		fields = append(fields, arrow.Field{Name: f.Name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
		cols = append(cols, b.NewArray())
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(m.Rows))
	defer rec.Release()
	return datasets.WriteParquet(w, rec)
}
