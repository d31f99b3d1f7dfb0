// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/training"
)

func scoreCommand(u *ui) *cobra.Command {
	var f tableFlags
	var model, out string
	c := &cobra.Command{
		Use:     "score --model BUNDLE --data F --out scores.csv",
		Short:   "Score a table: row, margin, pd, points, grade, decision",
		Example: "  assay score --model bundle --data new.csv --out scores.csv",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := requireFlags(c, "model", "data", "out"); err != nil {
				return err
			}
			return score(c.Context(), u, model, &f, out)
		},
	}
	c.Flags().StringVar(&model, "model", "", "bundle to score with")
	f.register(c, "rows")
	c.Flags().StringVar(&out, "out", "", "CSV file to write, - for standard output")
	return c
}

func score(ctx context.Context, u *ui, model string, f *tableFlags, out string) error {
	s, err := training.OpenScorer(model)
	if err != nil {
		return err
	}
	f.unlabelled = true // nobody knows the outcome yet
	f.readAs(s.Plan.Spec())
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	if err := s.Accept(u, t); err != nil {
		return err
	}
	u.Step("score %d rows", t.NumRows())
	sc, err := s.Score(ctx, t.All())
	if err != nil {
		return err
	}
	training.NoteWindows(u, sc.Matrix.Windows)
	t.NoteHistory(u, sc.Matrix.Windows, s.TrainedWindows())
	decisions, err := s.Decide(sc)
	if err != nil {
		return err
	}
	err = writeFile(u, out, func(w io.Writer) error {
		cw := csv.NewWriter(w)
		rec := []string{"row", "margin", "pd", "points", "grade", "decision"}
		for i := range sc.Scores {
			if err := cw.Write(rec); err != nil {
				return err
			}
			x := &sc.Scores[i]
			rec = append(rec[:0], strconv.Itoa(t.RowInFile(sc.Subset.Rows[i])), number(x.Margin), number(x.PD),
				number(x.Points), x.Grade, "")
			if decisions != nil {
				rec[5] = decisions[i].Outcome.String()
			}
		}
		if err := cw.Write(rec); err != nil {
			return err
		}
		cw.Flush()
		return cw.Error()
	})
	if err == nil && out != "-" {
		u.Done("wrote %s", out)
	}
	return err
}

// number prints a float64 with the fewest digits that read back as the same.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// writeFile gives write a buffered file that replaces path only when all of it
// was written; "-" is standard output.
func writeFile(u *ui, path string, write func(io.Writer) error) error {
	through := func(to io.Writer) error {
		w := bufio.NewWriterSize(to, 1<<16)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	}
	if path == "-" {
		return through(u.out)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".assay-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(through(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
