// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// base are the parameters of every case; they are given to all trainers.
func base(more ...string) map[string]string {
	p := map[string]string{"objective": "binary", "learning_rate": "0.1", "num_leaves": "63", "max_bin": "255",
		"min_data_in_leaf": "20"}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// maker writes a case to a directory.
type maker struct {
	name   string
	cold   bool    // done in a second: starting up counts
	weight float64 // about how long its runs take beside those of the others
	// shared holds the CSV files, flights is the path of flights-3m.parquet.
	make func(dir, shared, flights string) error
}

var makers = []maker{
	{"dense1m", false, 4, func(dir, _, _ string) error {
		return numeric(dir, meta{Rows: 1_000_000, TestRows: 200_000, Features: 28, Params: base()}, 0, 0)
	}},
	{"airline100k", true, 1, airline},
	{"sparse500k", false, 4, func(dir, _, _ string) error {
		return numeric(dir, meta{Rows: 500_000, TestRows: 100_000, Features: 100, Params: base()}, 0.85, 0.05)
	}},
	{"wide50k", false, 4, func(dir, _, _ string) error {
		return numeric(dir, meta{Rows: 50_000, TestRows: 20_000, Features: 500, Params: base()}, 0, 0)
	}},
	{"small", true, 1, small},
	{"flights3m", false, 6, flights},
}

// numeric draws features that are half smooth, half coarse, and a label that
// depends on ten of them, with pairs. zero and missing are shares of cells.
func numeric(dir string, m meta, zero, missing float64) error {
	rng := rand.New(rand.NewPCG(uint64(m.Rows), uint64(m.Features)))
	return writeTable(dir, m, func(_ int, row []float64) {
		k := m.Features
		for j := range k {
			v := rng.NormFloat64()
			switch j % 4 {
			case 1:
				v = math.Exp(v)
			case 2:
				v = math.Round(v*8) / 8
			case 3:
				v = rng.Float64()
			}
			if zero > 0 && rng.Float64() < zero {
				v = 0
			}
			row[j] = v
		}
		s := 0.0
		for j := range 5 {
			a, b := row[(j*7)%k], row[(j*7+3)%k]
			s += 0.6*math.Sin(2*a) + 0.4*a*b + 0.3*math.Abs(b)
		}
		if zero > 0 {
			for j := range k {
				if row[j] != 0 {
					s += 0.3 * math.Cos(float64(3*j))
				}
			}
		}
		for j := range k {
			if missing > 0 && rng.Float64() < missing {
				row[j] = math.NaN()
			}
		}
		row[k] = 0
		if rng.Float64() < 1/(1+math.Exp(1-s)) {
			row[k] = 1
		}
	})
}

// textRows reads a CSV file whose texts become category codes, label last.
func textRows(path string, m *meta) ([][]float64, error) {
	rec, err := cells(path)
	if err != nil {
		return nil, err
	}
	return numbers(rec, m), nil
}

// cells reads a CSV file.
func cells(path string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return csv.NewReader(f).ReadAll()
}

// numbers makes rows of the lines after the first; the last column is the label.
func numbers(rec [][]string, m *meta) [][]float64 {
	header, rec := rec[0], rec[1:]
	k := len(header) - 1
	rows := make([][]float64, len(rec))
	for i := range rows {
		rows[i] = make([]float64, k+1)
	}
	for j := range k + 1 {
		codes := map[string]float64{}
		for i, r := range rec {
			v, err := strconv.ParseFloat(r[j], 64)
			switch {
			case r[j] == "" || r[j] == "NA":
				v = math.NaN()
			case err != nil:
				c, ok := codes[r[j]]
				if !ok {
					c = float64(len(codes))
					codes[r[j]] = c
				}
				v = c
			}
			rows[i][j] = v
		}
		if len(codes) > 0 {
			m.Categorical = append(m.Categorical, j)
		}
	}
	m.Features = k
	return rows
}

// split writes a table, every fifth row to the test part.
func split(dir string, rows [][]float64, m meta) error {
	var train, test [][]float64
	for i, r := range rows {
		if i%5 == 4 {
			test = append(test, r)
		} else {
			train = append(train, r)
		}
	}
	m.Rows, m.TestRows = len(train), len(test)
	all := append(train, test...)
	return writeTable(dir, m, func(i int, row []float64) { copy(row, all[i]) })
}

// airline reads the training file of the GBM-perf benchmark.
func airline(dir, shared, _ string) error {
	m := meta{Params: base()}
	rows, err := textRows(filepath.Join(shared, "airline100k.csv"), &m)
	if err != nil {
		return fmt.Errorf("give -shared: a directory with airline100k.csv, the 100,000 rows that the GBM-perf "+
			"benchmark trains on, label last as 0 and 1: %w", err)
	}
	return split(dir, rows, m)
}

// small is the project's own credit_data, whose label stands first.
func small(dir, _, _ string) error {
	rec, err := cells(filepath.Join("datasets", "embedded", "credit_data.csv"))
	if err != nil {
		return fmt.Errorf("run it in the root of the repository: %w", err)
	}
	for i, r := range rec {
		label := "0"
		if r[0] == "bad" {
			label = "1"
		}
		rec[i] = append(r[1:], label)
	}
	m := meta{Params: base("num_leaves", "31")}
	return split(dir, numbers(rec, &m), m)
}

// flights reads the flight delays of the vega-datasets package; the label is
// a delay of more than 15 minutes.
func flights(dir, _, path string) error {
	if path == "" {
		return fmt.Errorf("give -flights: data/flights-3m.parquet of the npm package vega-datasets 3.2.1")
	}
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return err
	}
	defer r.Close()
	pr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	t, err := pr.ReadTable(context.Background())
	if err != nil {
		return err
	}
	defer t.Release()
	var cols [][]float64
	var label []float64
	m := meta{Params: base()}
	for c := range int(t.NumCols()) {
		v, text, err := column(t.Column(c))
		if err != nil {
			return err
		}
		name := t.Column(c).Name()
		switch {
		case name == "delay":
			label = make([]float64, len(v))
			for i, x := range v {
				if x > 15 {
					label[i] = 1
				}
			}
			continue
		}
		if t.Column(c).DataType().ID() == arrow.TIMESTAMP { // microseconds
			cols = append(cols, ofTime(v, func(d time.Time) float64 { return float64(d.Month()) }),
				ofTime(v, func(d time.Time) float64 { return float64(d.Weekday()) }),
				ofTime(v, func(d time.Time) float64 { return float64(d.Hour()*60 + d.Minute()) }))
			continue
		}
		if text {
			m.Categorical = append(m.Categorical, len(cols))
		}
		cols = append(cols, v)
	}
	if label == nil {
		return fmt.Errorf("%s has no column delay: %v", path, t.Schema())
	}
	n := len(label)
	m.Features, m.TestRows, m.Rows = len(cols), n/5, n-n/5
	return writeTable(dir, m, func(i int, row []float64) {
		// Every fifth row tests; rows are ordered by time.
		at := i + i/4
		if i >= m.Rows {
			at = (i-m.Rows)*5 + 4
		}
		at = min(at, n-1)
		for j, c := range cols {
			row[j] = c[at]
		}
		row[m.Features] = label[at]
	})
}

// ofTime applies f to times in microseconds.
func ofTime(v []float64, f func(time.Time) float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = f(time.UnixMicro(int64(x)).UTC())
	}
	return out
}

// column returns a column as numbers, or as codes of its texts.
func column(c *arrow.Column) (v []float64, text bool, err error) {
	codes := map[string]float64{}
	for _, ch := range c.Data().Chunks() {
		for i := range ch.Len() {
			if ch.IsNull(i) {
				v = append(v, math.NaN())
				continue
			}
			switch a := ch.(type) {
			case *array.Int8:
				v = append(v, float64(a.Value(i)))
			case *array.Int16:
				v = append(v, float64(a.Value(i)))
			case *array.Int32:
				v = append(v, float64(a.Value(i)))
			case *array.Int64:
				v = append(v, float64(a.Value(i)))
			case *array.Float32:
				v = append(v, float64(a.Value(i)))
			case *array.Float64:
				v = append(v, a.Value(i))
			case *array.Timestamp:
				v = append(v, float64(a.Value(i)))
			case interface{ Value(int) string }: // String and LargeString
				text = true
				code, ok := codes[a.Value(i)]
				if !ok {
					code = float64(len(codes))
					codes[a.Value(i)] = code
				}
				v = append(v, code)
			default:
				return nil, false, fmt.Errorf("column %s has the type %s", c.Name(), ch.DataType())
			}
		}
	}
	return v, text, nil
}
