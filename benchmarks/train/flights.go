// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// writeFlights makes a table of the flight delays of the vega-datasets package.
// The label is a delay of more than 15 minutes.
func writeFlights(dir, _, path string) error {
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
	m := tableMeta{Params: caseParams()}
	for c := range int(t.NumCols()) {
		v, text, err := columnValues(t.Column(c))
		if err != nil {
			return err
		}
		name := t.Column(c).Name()
		if name == "delay" {
			label = make([]float64, len(v))
			for i, x := range v {
				if x > 15 {
					label[i] = 1
				}
			}
			continue
		}
		if t.Column(c).DataType().ID() == arrow.TIMESTAMP { // microseconds
			cols = append(cols, mapTimes(v, func(d time.Time) float64 { return float64(d.Month()) }),
				mapTimes(v, func(d time.Time) float64 { return float64(d.Weekday()) }),
				mapTimes(v, func(d time.Time) float64 { return float64(d.Hour()*60 + d.Minute()) }))
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

// mapTimes applies f to times in microseconds.
func mapTimes(v []float64, f func(time.Time) float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = f(time.UnixMicro(int64(x)).UTC())
	}
	return out
}

// columnValues returns a column as numbers, or as codes of its texts.
func columnValues(c *arrow.Column) (v []float64, text bool, err error) {
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
