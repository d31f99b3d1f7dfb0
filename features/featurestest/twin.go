// SPDX-License-Identifier: Apache-2.0

// Package featurestest makes event logs and plans that cover the edge cases of
// windows, at random and from two real logs, and compares the features that
// package features computes with SQL: twin.py computes each of them again, in
// DuckDB, from the definitions in docs/plan.md.
package featurestest

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

//go:embed twin.py
var twin []byte

// World is a plan and a log of events for it, in the order in which they come.
type World struct {
	Name   string
	Spec   *plantext.Spec
	Events []assay.Event
}

// Each yields the events as features.EventTable takes them.
func (w *World) Each(yield func(*assay.Event) bool) {
	for i := range w.Events {
		if !yield(&w.Events[i]) {
			return
		}
	}
}

// Fit fits the plan on the whole log, and computes the features of the log's
// scored events.
func (w *World) Fit(t testing.TB) (*features.Plan, *features.Matrix) {
	t.Helper()
	rec, err := features.EventTable(w.Spec, w.Each)
	if err != nil {
		t.Fatalf("%s: %v", w.Name, err)
	}
	defer rec.Release()
	p, _, err := features.Fit(t.Context(), w.Spec, rec, nil)
	if err != nil {
		t.Fatalf("%s: %v\n%s", w.Name, err, w.Spec.YAML())
	}
	m, err := p.Matrix(t.Context(), rec)
	if err != nil {
		t.Fatalf("%s: %v", w.Name, err)
	}
	return p, m
}

// Worlds returns the worlds of the real logs and n random ones, or as many as
// ASSAY_TWIN_PLANS says.
func Worlds(t testing.TB, n int) []*World {
	t.Helper()
	if k, err := strconv.Atoi(os.Getenv("ASSAY_TWIN_PLANS")); err == nil && k > 0 {
		n = k
	}
	out := []*World{Flights(t), Purchases(t)}
	for seed := range n {
		out = append(out, Random(uint64(seed)))
	}
	for seed, w := range out {
		w.withLookups(uint64(seed))
	}
	return out
}

// Compare computes the window features of every world's log, and compares them
// with those of the SQL twin. It skips the test where ASSAY_PEERS_PYTHON names no Python.
func Compare(t *testing.T, worlds []*World) {
	t.Helper()
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("set ASSAY_PEERS_PYTHON to a Python that has benchmarks/peers/requirements-tests.txt (the checks " +
			"install it)")
	}
	dir := t.TempDir()
	script, cases := filepath.Join(dir, "twin.py"), filepath.Join(dir, "cases.jsonl")
	if err := os.WriteFile(script, twin, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(cases)
	if err != nil {
		t.Fatal(err)
	}
	e := json.NewEncoder(f)
	for _, w := range worlds {
		if err := e.Encode(w.encode(t)); err != nil {
			t.Fatalf("%s: %v", w.Name, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, script, cases).CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	t.Logf("%s", out)
}

// encoded is a world as twin.py reads it.
type encoded struct {
	Name       string                `json:"name"`
	Plan       *plantext.Spec        `json:"plan"`
	Kind       []string              `json:"kind"`
	Time       []int64               `json:"time"`
	Roles      map[string][]*string  `json:"roles"`
	Fields     map[string][]any      `json:"fields"`
	Got        map[string][]*float64 `json:"got"`
	Categories map[string][]string   `json:"categories"`
}

func (w *World) encode(t *testing.T) *encoded {
	p, m := w.Fit(t)
	c := &encoded{Name: w.Name, Plan: p.Spec(), Roles: map[string][]*string{}, Fields: map[string][]any{},
		Got: map[string][]*float64{}, Categories: map[string][]string{}}
	for i := range w.Events {
		ev := &w.Events[i]
		c.Kind, c.Time = append(c.Kind, ev.Kind), append(c.Time, ev.Time.UnixMicro())
		for _, r := range w.Spec.Entities {
			var id *string
			if s := ev.Entity(r); s != "" {
				id = &s
			}
			c.Roles[r] = append(c.Roles[r], id)
		}
		for _, f := range w.Spec.Fields {
			v, _ := ev.Field(f.Name)
			c.Fields[f.Name] = append(c.Fields[f.Name], jsonValue(v))
		}
	}
	for i, f := range p.Features() {
		col := make([]*float64, m.Rows)
		for j := range col {
			if x := m.Columns[i][j]; x == x {
				col[j] = &x
			}
		}
		c.Got[f.Name] = col
		if f.Categorical {
			c.Categories[f.Name] = f.Categories
		}
	}
	return c
}

// jsonValue returns a value as twin.py reads it from JSON.
func jsonValue(v assay.Value) any {
	switch v.Kind {
	case assay.Text:
		return v.Text()
	case assay.Instant:
		return v.Micros()
	case assay.Number, assay.Flag:
		return v.Number()
	}
	return nil
}
