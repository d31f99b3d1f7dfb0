// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay/datasets"
)

// TestEventLogAsCSV: an event log gives the same model from a CSV file as from
// a Parquet file.
func TestEventLogAsCSV(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := filepath.Join(t.TempDir(), "world")
	if _, stderr, code := assayRun(t, "data", "synth", "scf", "--rows", "15000", "--out", dir); code != 0 {
		t.Fatal(stderr)
	}
	log, plan := filepath.Join(dir, "events.parquet"), filepath.Join(dir, "plan.yaml")
	f, err := datasets.Read(t.Context(), log, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "events.csv"))
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(file)
	var rec []string
	for _, x := range f.Record.Schema().Fields() {
		rec = append(rec, x.Name)
	}
	for row := -1; row < int(f.Record.NumRows()); row++ {
		for i := range rec {
			if row < 0 {
				continue
			}
			rec[i] = ""
			if c := f.Record.Column(i); c.IsValid(row) {
				rec[i] = c.ValueStr(row)
				if c.DataType().ID() == arrow.TIMESTAMP {
					rec[i] = strings.Replace(rec[i], "T", " ", 1) // as databases write it
				}
			}
		}
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var text [2]string
	for i, data := range []string{log, file.Name()} {
		bundle := filepath.Join(dir, fmt.Sprint("b", i))
		if _, stderr, code := assayRun(t, "train", "--data", data, "--plan", plan, "--before", "2023-01-01", "--params",
			"num_iterations=5", "--calibrate", "none", "--out", bundle); code != 0 {
			t.Fatal(stderr)
		}
		b, err := os.ReadFile(filepath.Join(bundle, "model.txt"))
		if err != nil {
			t.Fatal(err)
		}
		text[i] = string(b)
	}
	if text[0] != text[1] {
		t.Error("the models of the CSV file and of the Parquet file differ")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
