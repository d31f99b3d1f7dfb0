// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// namedTable writes a table with these three columns and a label.
func namedTable(t *testing.T, names []string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, rng := csv.NewWriter(f), rand.New(rand.NewPCG(1, 2))
	_ = w.Write(append(append([]string(nil), names...), "target"))
	for range 400 {
		x := [3]float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		row, bad := make([]string, 0, 4), "0"
		for _, v := range x {
			row = append(row, fmt.Sprintf("%.3f", v))
		}
		if x[0]-x[1]+rng.NormFloat64() > 0 {
			bad = "1"
		}
		_ = w.Write(append(row, bad))
	}
	if w.Flush(); w.Error() != nil {
		t.Fatal(w.Error())
	}
	return path
}

// TestNamesInAnyScript: columns in any script, with symbols, and that differ in
// symbols alone: what is trained on them is opened by every command, as by a
// server, exported, and imported again.
func TestNamesInAnyScript(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for script, names := range map[string][]string{
		"chinese": {"金额", "收入", "年龄"}, "russian": {"Сумма", "Доход", "Стажа"}, "accents": {"âge", "ége", "x"},
		"arabic":  {"المبلغ", "الدخل", "x"},
		"symbols": {"rate %", "rate_%", "rate__"}, "units": {"amount ($)", "amount (€)", "amount"},
		"reserved": {"in", "true", "event"}, "quotes": {`a"b`, `a\b`, "a'b"},
	} {
		t.Run(script, func(t *testing.T) {
			table, dir := namedTable(t, names), t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			decides := at("policy.yaml")
			rule := fmt.Sprintf("name: p\ncutoffs: {review_from: 0.3, decline_from: 0.6}\nrules:\n  - name: r\n"+
				"    outcome: review\n    on_missing: skip\n"+
				"    when: |-\n      event[%[1]q] > 3.0 && feature[%[1]q] > 3.0 && !missing.event[%[2]q]\n", names[0],
				names[1])
			if err := os.WriteFile(decides, []byte(rule), 0o644); err != nil {
				t.Fatal(err)
			}
			few := []string{"--params", "num_iterations=5,num_leaves=7"}
			for _, args := range [][]string{
				append([]string{"train", "--data", table, "--out", at("b"), "--policy", decides}, few...),
				{"score", "--model", at("b"), "--data", table, "--out", at("scores.csv")},
				append([]string{"train", "--data", table, "--out", at("refit"), "--refit", at("b"),
					"--policy", decides}, few...),
				{"score", "--model", at("refit"), "--data", table, "--out", at("scores.csv")},
				{"evaluate", "--model", at("b"), "--data", table, "--out", at("report")},
				{"export", "--model", at("b"), "--out", at("model.txt")},
				{"import", "--from", "lightgbm", "--file", at("model.txt"), "--out", at("again"), "--policy", decides},
			} {
				if _, stderr, code := assayRun(t, args...); code != 0 {
					t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
				}
			}
		})
	}
}
