// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// caseParams are the parameters of every case, for all trainers, with more or
// other ones as pairs of name and value.
func caseParams(more ...string) map[string]string {
	p := map[string]string{"objective": "binary", "learning_rate": "0.1", "num_leaves": "63", "max_bin": "255",
		"min_data_in_leaf": "20"}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// tableCase is a table that trainers are compared on.
type tableCase struct {
	name   string
	cold   bool    // trained in about a second: each run is a new process
	weight float64 // about how long its runs take, relative to other cases
	// make writes the table to dir; shared holds the CSV files, flights is the path
	// of flights-3m.parquet.
	make func(dir, shared, flights string) error
}

var tableCases = []tableCase{
	{"dense1m", false, 4, func(dir, _, _ string) error {
		return writeNumeric(dir, tableMeta{Rows: 1_000_000, TestRows: 200_000, Features: 28, Params: caseParams()}, 0,
			0)
	}},
	{"airline100k", true, 1, writeAirline},
	{"sparse500k", false, 4, func(dir, _, _ string) error {
		return writeNumeric(dir, tableMeta{Rows: 500_000, TestRows: 100_000, Features: 100, Params: caseParams()}, 0.85,
			0.05)
	}},
	{"wide50k", false, 4, func(dir, _, _ string) error {
		return writeNumeric(dir, tableMeta{Rows: 50_000, TestRows: 20_000, Features: 500, Params: caseParams()}, 0, 0)
	}},
	{"small", true, 1, writeCreditData},
	{"flights3m", false, 6, writeFlights},
}

// writeNumeric draws features, half of them smooth and half coarse, and a label
// that depends on ten of them and on pairs. zero and missing are shares of cells.
func writeNumeric(dir string, m tableMeta, zero, missing float64) error {
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

// textRows reads a CSV file. Texts become category codes; the label is last.
func textRows(path string, m *tableMeta) ([][]float64, error) {
	rec, err := readCSV(path)
	if err != nil {
		return nil, err
	}
	return encodeRows(rec, m), nil
}

// readCSV reads a CSV file.
func readCSV(path string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return csv.NewReader(f).ReadAll()
}

// encodeRows makes numbers of the lines after the first; the label is last.
func encodeRows(rec [][]string, m *tableMeta) [][]float64 {
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

// writeSplit writes a table whose every fifth row is for testing.
func writeSplit(dir string, rows [][]float64, m tableMeta) error {
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

// writeAirline makes a table of the training file of the GBM-perf benchmark.
func writeAirline(dir, shared, _ string) error {
	m := tableMeta{Params: caseParams()}
	rows, err := textRows(filepath.Join(shared, "airline100k.csv"), &m)
	if err != nil {
		return fmt.Errorf("give -shared: a directory with airline100k.csv, the 100,000 rows that the GBM-perf "+
			"benchmark trains on, label last as 0 and 1: %w", err)
	}
	return writeSplit(dir, rows, m)
}

// writeCreditData makes a table of the project's credit_data, whose label is the
// first column.
func writeCreditData(dir, _, _ string) error {
	rec, err := readCSV(filepath.Join("datasets", "embedded", "credit_data.csv"))
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
	m := tableMeta{Params: caseParams("num_leaves", "31")}
	return writeSplit(dir, encodeRows(rec, &m), m)
}
