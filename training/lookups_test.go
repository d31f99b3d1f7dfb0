// SPDX-License-Identifier: Apache-2.0

package training_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
)

const lookupPlan = `
version: 1
time: time
id: id
fields:
  - {name: amount}
  - {name: sector, kind: text}
lookups:
  - {name: rates, file: rates.csv, key: code, from: since, value: rate}
  - {name: base, file: base.csv, from: since, value: rate}
features:
  - {name: amount}
  - {name: sector_rate, kernel: lookup, table: rates, of: sector}
  - {name: base_rate, kernel: lookup, table: base}
`

// lookupFiles writes a plan with two tables next to it, and rows.
func lookupFiles(t *testing.T, rates string) (dir, plan, data string) {
	t.Helper()
	dir = t.TempDir()
	var b strings.Builder
	b.WriteString("id,time,amount,sector,target\n")
	for i := range 400 {
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 6 * time.Hour)
		fmt.Fprintf(&b, "a%d,%s,%d,%s,%d\n", i, at.Format(time.RFC3339), i%37, []string{"01", "02", "99"}[i%3], i%5/4)
	}
	for name, text := range map[string]string{"plan.yaml": lookupPlan, "rows.csv": b.String(), "rates.csv": rates,
		"base.csv": "since,rate\n2024-02-01,4.5\n2024-03-01,\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, filepath.Join(dir, "plan.yaml"), filepath.Join(dir, "rows.csv")
}

// TestLookupsFromFiles: a plan looks values up in files next to it, as of each
// row's time; the bundle holds them, and goes on without the files.
func TestLookupsFromFiles(t *testing.T) {
	t.Parallel()
	dir, plan, data := lookupFiles(t,
		"code,since,rate,remark\n02,2024-01-01,0.02,x\n01,2024-02-15T12:00:00Z,0.015,\n01,2024-01-01,0.01,\n")
	j, err := newJob(t, plan)
	if err != nil {
		t.Fatal(err)
	}
	b, err := j.train(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"feature sector_rate finds a value in lookup rates for 66.8 % of 400 training rows",
		"feature base_rate finds a value in lookup base for 29.0 % of 400 training rows",
	} {
		if !strings.Contains(j.said.String(), want) {
			t.Errorf("training does not say %q:\n%s", want, &j.said)
		}
	}
	streaming, err := newJob(t, plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streaming.recipe("num_iterations=5").TrainStream(t.Context(), streaming, data,
		streaming.opt); err != nil ||
		!strings.Contains(streaming.said.String(), "finds a value in lookup rates for 66.8 %") {
		t.Errorf("streamed: %v, %s", err, &streaming.said)
	}
	for _, name := range []string{"rates.csv", "base.csv"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := j.vectors(b, data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Rows {
		day, nan := float64(i)/4, math.NaN()
		sector, base := []float64{0.01, 0.02, nan}[i%3], nan
		if i%3 == 0 && day >= 45.5 {
			sector = 0.015
		}
		if day >= 31 && day < 60 {
			base = 4.5
		}
		if got, want := fmt.Sprint(m.Columns[1][i], m.Columns[2][i]), fmt.Sprint(sector, base); got != want {
			t.Fatalf("row %d: sector_rate and base_rate %s, want %s", i, got, want)
		}
	}
	goesOn(t, b, data)
	if _, err := newJob(t, plan); !refused(err, `lookup "rates"`) || !refused(err, "rates.csv") {
		t.Errorf("without the file: %v", err)
	}
}

// goesOn trains on from a bundle, whose plan is all that is needed.
func goesOn(t *testing.T, b *models.Bundle, data string) {
	t.Helper()
	s, err := training.NewScorer(b)
	if err != nil {
		t.Fatal(err)
	}
	j := &job{t: t, spec: s.Plan.Spec(), opt: training.ReadingFor(s.Plan.Spec())}
	rows, err := j.rows(data)
	if err != nil {
		t.Fatal(err)
	}
	r := j.recipe("num_iterations=2")
	r.Base = &training.Base{Plan: s.Plan, Model: b.Model, Digest: b.Digest.String()}
	if more, _, err := r.Build(t.Context(), j, rows, training.Subset{}); err != nil ||
		len(more.Model.Trees) != len(b.Model.Trees)+2 {
		t.Errorf("going on from the bundle: %v", err)
	}
}

// TestLookupsThatFindNothing: a table that no training row finds anything in,
// and files that are not what the plan says, are errors that name the place.
func TestLookupsThatFindNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rates, want string }{
		"keys without zeros": {"code,since,rate\n1,2024-01-01,0.01\n2,2024-01-01,0.02\n",
			`feature "sector_rate" finds no value in lookup "rates" for any of 400`},
		"later dates":    {"code,since,rate\n01,2030-01-01,0.01\n", `finds no value in lookup "rates"`},
		"another column": {"code,from,rate\n01,2024-01-01,0.01\n", `"since"`},
		"no date":        {"code,since,rate\n01,2024-01-01,0.01\n02,,0.01\n", `row 2, column "since"`},
		"no key": {"code,since,rate\n01,2024-01-01,0.01\n,2024-01-01,0.01\n",
			`row 2, column "code": each row wants a key`},
		"no number": {"code,since,rate\n01,2024-01-01,0.01\n02,2024-01-01,high\n", `(line 3), column "rate"`},
		"twice": {"code,since,rate\n01,2024-01-01,0.01\n01,2024-01-01T00:00:00Z,0.02\n",
			`two rows of the key "01" from "2024-01-01"`},
		"empty": {"code,since,rate\n", "rates.csv"},
	} {
		_, plan, data := lookupFiles(t, c.rates)
		j, err := newJob(t, plan)
		if err == nil {
			_, err = j.train(data)
		}
		if !refused(err, c.want) {
			t.Errorf("%s: %v\nwant %q", name, err, c.want)
		}
	}
}
