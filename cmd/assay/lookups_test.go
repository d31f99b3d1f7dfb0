// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
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

// lookupFiles writes a plan with two tables beside it, and rows.
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

// TestLookupsFromFiles: a plan looks values up in files beside it, as of each
// row's time; the bundle holds them, and goes on without the files.
func TestLookupsFromFiles(t *testing.T) {
	dir, plan, data := lookupFiles(t,
		"code,since,rate,remark\n02,2024-01-01,0.02,x\n01,2024-02-15T12:00:00Z,0.015,\n01,2024-01-01,0.01,\n")
	bundle := filepath.Join(dir, "bundle")
	train := []string{"train", "--plan", plan, "--data", data, "--out", bundle, "--params",
		"num_iterations=5,num_leaves=4", "--calibrate", "none"}
	_, stderr, code := assayRun(t, train...)
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{
		"feature sector_rate finds a value in lookup rates for 66.8 % of 400 training rows",
		"feature base_rate finds a value in lookup base for 29.0 % of 400 training rows",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("training does not say %q:\n%s", want, stderr)
		}
	}
	streamed := append(train[:len(train):len(train)], "--stream", "--out", filepath.Join(dir, "streamed"))
	if _, stderr, code := assayRun(t, streamed...); code != 0 || !strings.Contains(stderr,
		"finds a value in lookup rates for 66.8 %") {
		t.Errorf("streamed: %d, %s", code, stderr)
	}
	for _, name := range []string{"rates.csv", "base.csv"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "vectors.csv")
	if _, stderr, code := assayRun(t, "features", "--model", bundle, "--data", data, "--out", out); code != 0 {
		t.Fatal(stderr)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) != 401 {
		t.Fatal(len(lines), err)
	}
	for i, line := range lines[1:] {
		day := float64(i) / 4
		sector, base := []string{"0.01", "0.02", ""}[i%3], ""
		if i%3 == 0 && day >= 45.5 {
			sector = "0.015"
		}
		if day >= 31 && day < 60 {
			base = "4.5"
		}
		if line[1] != sector || line[2] != base {
			t.Fatalf("row %d: %v, want sector_rate %q and base_rate %q", i, line, sector, base)
		}
	}
	more := []string{"train", "--continue", bundle, "--data", data, "--out", filepath.Join(dir, "more"), "--params",
		"num_iterations=2", "--calibrate", "none"}
	if _, stderr, code := assayRun(t, more...); code != 0 {
		t.Errorf("going on from the bundle, without the files: %d, %s", code, stderr)
	}
	if _, stderr, code := assayRun(t, train...); code != 1 || !strings.Contains(stderr, `lookup "rates"`) ||
		!strings.Contains(stderr, "rates.csv") {
		t.Errorf("without the file: %d, %s", code, stderr)
	}
}

// TestLookupsThatFindNothing: a table that no training row finds anything in,
// and files that are not what the plan says, are errors that name the place.
func TestLookupsThatFindNothing(t *testing.T) {
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
		dir, plan, data := lookupFiles(t, c.rates)
		_, stderr, code := assayRun(t, "train", "--plan", plan, "--data", data, "--out", filepath.Join(dir, "bundle"),
			"--params", "num_iterations=2")
		if code != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d, %s\nwant %s", name, code, stderr, strconv.Quote(c.want))
		}
	}
}
