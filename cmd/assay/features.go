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
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

func featuresCommand(u *ui) *cobra.Command {
	var model, data, out string
	c := &cobra.Command{
		Use:     "features --model BUNDLE --data F --out X.parquet",
		Short:   "Write the feature vectors of a table",
		Example: "  assay features --model bundle --data credit_data --out vectors.csv",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "model", "data", "out"); err != nil {
				return err
			}
			return writeFeatures(c.Context(), u, model, data, out)
		},
	}
	c.Flags().StringVar(&model, "model", "", "bundle whose plan makes the features")
	c.Flags().StringVar(&data, "data", "", "rows: a CSV, Parquet or Arrow file, or a data set's name")
	c.Flags().StringVar(&out, "out", "", "file to write: .parquet or .csv; - for CSV on standard output")
	return c
}

func writeFeatures(ctx context.Context, u *ui, model, data, out string) error {
	ext := strings.ToLower(filepath.Ext(out))
	if ext != ".parquet" && ext != ".csv" && out != "-" {
		return usagef("--out %s: want a name that ends in .parquet or .csv", out)
	}
	b, err := models.ReadBundle(model)
	if err != nil {
		return err
	}
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		return err
	}
	u.step("read %s", data)
	t, err := readTable(ctx, u, data, datasets.Options{})
	if err != nil {
		return err
	}
	if err := needColumns(plan, t); err != nil {
		return err
	}
	u.step("make %d features of %d rows", len(plan.Features()), t.rows())
	m, err := plan.Matrix(ctx, t.frame.Record)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return vectorsCSV(w, plan, m) }
	if ext == ".parquet" {
		write = func(w io.Writer) error { return vectorsParquet(w, plan, m) }
	}
	if err := writeFile(u, out, write); err != nil {
		return err
	}
	if out != "-" {
		u.done("wrote %s", out)
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
