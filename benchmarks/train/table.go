// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/assayrisk/assay/models/gbdt"
)

// tableMeta describes one case on disk: train.f64 and test.f64 hold rows of
// little-endian float64, the label last, NaN for missing.
type tableMeta struct {
	Rows        int               `json:"rows"`
	TestRows    int               `json:"test_rows"`
	Features    int               `json:"features"`
	Categorical []int             `json:"categorical"`
	Params      map[string]string `json:"params"`
}

// writeTable writes a case to dir. next fills one row, label last.
func writeTable(dir string, m tableMeta, next func(i int, row []float64)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	at := 0
	for _, set := range []struct {
		name string
		rows int
	}{{"train.f64", m.Rows}, {"test.f64", m.TestRows}} {
		f, err := os.Create(filepath.Join(dir, set.name))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		row := make([]float64, m.Features+1)
		raw := make([]byte, 8*len(row))
		for range set.rows {
			next(at, row)
			at++
			for j, v := range row {
				binary.LittleEndian.PutUint64(raw[8*j:], math.Float64bits(v))
			}
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "meta.json"), b, 0o644)
}

// readTable reads one file of a case into columns.
func readTable(dir, name string, m tableMeta, rows int) (*gbdt.Dataset, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := &gbdt.Dataset{Columns: make([][]float64, m.Features), Categorical: make([]bool, m.Features),
		Label: make([]float64, rows)}
	for j := range d.Columns {
		d.Columns[j] = make([]float64, rows)
	}
	for _, j := range m.Categorical {
		d.Categorical[j] = true
	}
	r := bufio.NewReaderSize(f, 1<<20)
	raw := make([]byte, 8*(m.Features+1))
	for i := range rows {
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, fmt.Errorf("row %d of %s: %w", i, name, err)
		}
		for j := range d.Columns {
			d.Columns[j][i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*j:]))
		}
		d.Label[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*m.Features:]))
	}
	return d, nil
}

func readMeta(dir string) (m tableMeta, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}
