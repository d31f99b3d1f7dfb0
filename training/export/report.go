// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/assayrisk/assay/models/eval/report"
)

// Sheet is a CSV file made column by column; an empty cell is a missing value.
type Sheet struct {
	rows    int
	names   []string
	columns []func(i int) string
}

func (s *Sheet) text(name string, at func(i int) string) {
	s.names, s.columns = append(s.names, name), append(s.columns, at)
}

func (s *Sheet) number(name string, x []float64) {
	if len(x) > 0 {
		s.text(name, func(i int) string {
			if math.IsNaN(x[i]) {
				return ""
			}
			return strconv.FormatFloat(x[i], 'g', -1, 64)
		})
	}
}

func (s *Sheet) category(name string, c report.Category) {
	s.text(name, func(i int) string {
		if c.Code[i] < 0 {
			return ""
		}
		return c.Levels[c.Code[i]]
	})
}

// WriteCSV writes the sheet.
func (s *Sheet) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(s.names); err != nil {
		return err
	}
	line := make([]string, len(s.columns))
	for i := range s.rows {
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

// TrainingRows is what a report is made from of the rows that trained the model;
// nil where they are not known.
func TrainingRows(in *report.Input) *Sheet {
	t := in.Train
	if t == nil {
		return nil
	}
	s := &Sheet{rows: len(t.Label)}
	s.number("label", t.Label)
	s.number("weight", t.Weight)
	s.number("pd", t.PD)
	s.number("margin", t.Margin)
	s.number("out_of_fold", t.OutOfFold)
	s.number("out_of_fold_pd", t.OutOfFoldPD)
	for _, f := range in.Features {
		s.number("feature:"+f.Name, f.Train)
	}
	return s
}

// EvaluatedRows is what a report is made from, row by row, so that another
// program can compute the report's figures again. Values of features are those
// that the model sees; a category is its code, with its name in a column of its
// own.
func EvaluatedRows(in *report.Input) *Sheet {
	s := &Sheet{rows: len(in.Label)}
	s.text("name", func(i int) string { return in.Names[i] })
	place := make([]int, len(in.Label)) // in the report's own order, which its samples are taken from
	for k, i := range report.Order(*in) {
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
	s.contributions(in)
	return s
}

// contributions adds a column for each feature's part of the margin, and one of
// the expected value.
func (s *Sheet) contributions(in *report.Input) {
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
