// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/assayrisk/assay/models/eval"
)

// rowSheet is a CSV file made column by column; an empty cell is a missing value.
type rowSheet struct {
	names   []string
	columns []func(i int) string
}

func (s *rowSheet) text(name string, at func(i int) string) {
	s.names, s.columns = append(s.names, name), append(s.columns, at)
}

func (s *rowSheet) number(name string, x []float64) {
	if len(x) > 0 {
		s.text(name, func(i int) string {
			if math.IsNaN(x[i]) {
				return ""
			}
			return strconv.FormatFloat(x[i], 'g', -1, 64)
		})
	}
}

func (s *rowSheet) category(name string, c eval.Category) {
	s.text(name, func(i int) string {
		if c.Code[i] < 0 {
			return ""
		}
		return c.Levels[c.Code[i]]
	})
}

func (s *rowSheet) write(w io.Writer, rows int) error {
	out := csv.NewWriter(w)
	if err := out.Write(s.names); err != nil {
		return err
	}
	line := make([]string, len(s.columns))
	for i := range rows {
		for j, at := range s.columns {
			line[j] = at(i)
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeRows writes what a report is made from, row by row, so that another
// program can compute the report's figures again: rows.csv of the evaluated
// rows and, where they are known, train.csv of the training rows. Values of
// features are those that the model sees; a category is its code, with its name beside it.
func writeRows(dir string, in *eval.Input) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	s := evaluatedSheet(in)
	if err := writeFile(nil, filepath.Join(dir, "rows.csv"), func(w io.Writer) error {
		return s.write(w, len(in.Label))
	}); err != nil {
		return err
	}
	t := in.Train
	if t == nil {
		return nil
	}
	var train rowSheet
	train.number("label", t.Label)
	train.number("weight", t.Weight)
	train.number("pd", t.PD)
	train.number("margin", t.Margin)
	train.number("out_of_fold", t.OutOfFold)
	train.number("out_of_fold_pd", t.OutOfFoldPD)
	for _, f := range in.Features {
		train.number("feature:"+f.Name, f.Train)
	}
	return writeFile(nil, filepath.Join(dir, "train.csv"), func(w io.Writer) error {
		return train.write(w, len(t.Label))
	})
}

func evaluatedSheet(in *eval.Input) *rowSheet {
	var s rowSheet
	s.text("name", func(i int) string { return in.Names[i] })
	place := make([]int, len(in.Label)) // in the report's own order, which its samples are taken from
	for k, i := range eval.Order(*in) {
		place[i] = k
	}
	s.text("place", func(i int) string { return strconv.Itoa(place[i]) })
	s.number("label", in.Label)
	s.number("weight", in.Weight)
	s.number("pd", in.PD)
	s.number("margin", in.Margin)
	s.number("raw_pd", in.RawPD)
	s.number("points", in.Points)
	s.number("served", in.Served)
	if in.Time != nil {
		s.text("time", func(i int) string { return in.Time[i].UTC().Format(time.RFC3339) })
	}
	if in.Outcome != nil {
		s.text("outcome", func(i int) string { return in.Outcome[i].String() })
	}
	if in.Grades != nil {
		s.category("grade", *in.Grades)
	}
	if in.Economics != nil {
		s.number("amount", in.Economics.Amount)
	}
	for _, c := range in.Segments {
		s.category("segment:"+c.Name, c)
	}
	for _, c := range in.Groups {
		s.category("group:"+c.Name, c)
	}
	for _, c := range in.Challenger {
		s.number("challenger:"+c.Name, c.Score)
		s.number("challenger_pd:"+c.Name, c.PD)
	}
	if in.Champion != nil {
		s.number("champion", in.Champion.Score)
	}
	for _, f := range in.Features {
		s.number("feature:"+f.Name, f.Values)
		if f.Categories != nil {
			s.text("category:"+f.Name, func(i int) string {
				if v := f.Values[i]; v >= 0 && int(v) < len(f.Categories) {
					return f.Categories[int(v)]
				}
				return ""
			})
		}
	}
	contributions(&s, in)
	return &s
}

// contributions adds a column for each feature's part of the margin, and one of
// the expected value.
func contributions(s *rowSheet, in *eval.Input) {
	m := len(in.Features)
	phi, row := make([]float64, m+1), -1
	for j := range m + 1 {
		name := "expected"
		if j < m {
			name = in.Features[j].Name
		}
		s.text("contribution:"+name, func(i int) string {
			if i != row {
				in.Contributions(phi, i)
				row = i
			}
			return strconv.FormatFloat(phi[j], 'g', -1, 64)
		})
	}
}
