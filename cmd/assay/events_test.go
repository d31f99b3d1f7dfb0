// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/datasets"
)

const shopPlan = `
version: 1
time: time
id: id
kind: kind
entities: [buyer, loan]
label: {LABEL}
fields:
  - {name: amount, on: [application, payment]}
windows:
  - {name: paid, key: [buyer], on: [payment], value: amount, length: 60d}
  - {name: asked, key: [buyer], on: [application], length: all}
features:
  - {name: amount}
  - {name: paid, kernel: window_sum, window: paid}
  - {name: asked, kernel: count, window: asked}
`

// shop is a small event log: a row an event, with its header.
type shop struct {
	t    *testing.T
	dir  string
	rows [][]string // id, time, kind, buyer, loan, amount, bad
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, dir: t.TempDir()}
	rng := rand.New(rand.NewPCG(18, 18))
	at := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 1200 {
		at = at.Add(time.Duration(rng.IntN(10)) * time.Hour)
		kind := []string{"application", "payment", "payment", "default"}[i%4]
		loan, bad := fmt.Sprint("L", i/4), ""
		if kind == "application" {
			bad = strconv.Itoa(rng.IntN(2))
		}
		if kind == "default" && rng.IntN(2) == 0 {
			kind = "payment"
		}
		s.rows = append(s.rows,
			[]string{fmt.Sprint("e", i), at.Format(time.RFC3339), kind, fmt.Sprint("b", rng.IntN(20)), loan,
				strconv.Itoa(rng.IntN(1000)), bad})
	}
	return s
}

// write makes the plan and the log; the log's header may be another.
func (s *shop) write(label string, rows [][]string, header ...string) (plan, log string) {
	s.t.Helper()
	if len(header) == 0 {
		header = []string{"id", "time", "kind", "buyer", "loan", "amount", "bad"}
	}
	plan, log = filepath.Join(s.dir, "plan.yaml"), filepath.Join(s.dir, "log.csv")
	if err := os.WriteFile(plan, []byte(strings.Replace(shopPlan, "LABEL", label, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	f, err := os.Create(log)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := csv.NewWriter(f).WriteAll(append([][]string{header}, rows...)); err != nil {
		s.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
	return plan, log
}

// train trains a tiny model on the log.
func (s *shop) train(plan, log string, more ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	return assayRun(s.t,
		append([]string{"train", "--plan", plan, "--data", log, "--out", filepath.Join(s.dir, "bundle"), "--params",
			"num_iterations=5,num_leaves=3", "--folds", "2"}, more...)...)
}

const byEvent = "event: default, match: [loan], horizon: 30d"

func altered(rows [][]string, change func(i int, r []string)) [][]string {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = slices.Clone(r)
		change(i, out[i])
	}
	return out
}

// TestLogsThatAreNotInOrder: a log that a server would have found late is an
// error with its rows, unless it is sorted or taken as it is.
func TestLogsThatAreNotInOrder(t *testing.T) {
	s := newShop(t)
	plan, log := s.write(byEvent, s.rows)
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Fatal(stderr)
	}
	bundle := filepath.Join(s.dir, "bundle")
	want, _, _ := assayRun(t, "features", "--model", bundle, "--data", log, "--out", "-")
	shuffled := slices.Clone(s.rows)
	shuffled[10], shuffled[700] = shuffled[700], shuffled[10]
	_, log = s.write(byEvent, shuffled)
	for _, command := range [][]string{{"features", "--model", bundle, "--data", log, "--out", "-"},
		{"score", "--model", bundle, "--data", log, "--out", "-"},
		{"train", "--plan", plan, "--data", log, "--out", bundle}, {"evaluate", "--model", bundle, "--data", log,
			"--out", filepath.Join(s.dir, "report")}} {
		_, stderr, code := assayRun(t, command...)
		if code == 0 ||
			!strings.Contains(stderr, "690 of 1200 events come later than the plan's lateness of 10m allows") ||
			!strings.Contains(stderr, "row 12 is ") || !strings.Contains(stderr, "behind row 11\n") {
			t.Errorf("%s: %d, %s", command[0], code, stderr)
		}
	}
	got, stderr, code := assayRun(t, "features", "--model", bundle, "--data", log, "--out", "-", "--sort")
	if code != 0 || got != want || !strings.Contains(stderr, "put in the order of their times") {
		t.Errorf("--sort: %d, %s; the vectors are those of the sorted log: %v", code, stderr, got == want)
	}
	got, stderr, code = assayRun(t, "features", "--model", bundle, "--data", log, "--out", "-", "--keep-order")
	if code != 0 || got == want || !strings.Contains(stderr, "are in no window") || !strings.Contains(stderr, " late") {
		t.Errorf("--keep-order: %d, %s", code, stderr)
	}
	wrong := altered(s.rows, func(i int, r []string) {
		if i == 1199 {
			r[1] = "2103-01-01T00:00:00Z"
		}
	})
	plan, log = s.write(byEvent, wrong)
	if _, stderr, code := s.train(plan, log); code == 0 ||
		!strings.Contains(stderr, "row 1200 (2103-01-01 00:00:00) lies") {
		t.Errorf("a wrong date in the last row: %d, %s", code, stderr)
	}
}

// TestWindowsThatNothingFills: a name that is not that of the log is an error,
// and a window that may be empty says so.
func TestWindowsThatNothingFills(t *testing.T) {
	s := newShop(t)
	plan, log := s.write(byEvent, s.rows)
	_, stderr, code := s.train(plan, log)
	if code != 0 || !strings.Contains(stderr, "! window paid counts ") ||
		!strings.Contains(stderr, " of 300 scored rows find something in it") {
		t.Fatalf("%d, %s", code, stderr)
	}
	for name, c := range map[string]struct {
		rows   [][]string
		header []string
		want   string
	}{
		"a role": {s.rows, []string{"id", "time", "kind", "buyer_id", "loan", "amount", "bad"},
			"the columns are id, time, kind, buyer_id, loan"},
		"a field": {s.rows, []string{"id", "time", "kind", "buyer", "loan", "Amount", "bad"}, `amount`},
		"a kind": {altered(s.rows, func(_ int, r []string) {
			if r[2] == "payment" {
				r[2] = "payments"
			}
		}), nil, `there is no event of kind "payment"; did you mean "payments"?`},
		"keys": {altered(s.rows, func(_ int, r []string) {
			if r[2] == "payment" {
				r[3] = "0" + r[3]
			}
		}), nil, `window "paid" has nothing for any of the 300 scored rows`},
		"no keys": {altered(s.rows, func(_ int, r []string) {
			if r[2] == "payment" {
				r[3] = ""
			}
		}), nil, "lack its key"},
	} {
		plan, log := s.write(byEvent, c.rows, c.header...)
		if _, stderr, code := s.train(plan, log); code == 0 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d, %s, want %q", name, code, stderr, c.want)
		}
	}
	rows := slices.DeleteFunc(slices.Clone(s.rows), func(r []string) bool { return r[2] == "payment" })
	plan, log = s.write(byEvent, rows)
	if _, stderr, code := s.train(plan, log); code == 0 || !strings.Contains(stderr, "may_be_empty") {
		t.Errorf("without payments: %d, %s", code, stderr)
	}
	b, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plan,
		[]byte(strings.Replace(string(b), "length: 60d}", "length: 60d, may_be_empty: true}", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Errorf("with may_be_empty: %s", stderr)
	}
}

// TestRowsWithoutTheirHistory: scoring warns when rows come without the events
// before them.
func TestRowsWithoutTheirHistory(t *testing.T) {
	s := newShop(t)
	plan, log := s.write(byEvent, s.rows)
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Fatal(stderr)
	}
	bundle := filepath.Join(s.dir, "bundle")
	for _, command := range [][]string{{"features", "--model", bundle, "--data", log, "--out", "-"},
		{"score", "--model", bundle, "--data", log, "--out", "-"}} {
		if _, stderr, code := assayRun(t, command...); code != 0 || strings.Contains(stderr, "hardly any history") {
			t.Errorf("%s of the whole log: %d, %s", command[0], code, stderr)
		}
	}
	var alone [][]string
	for _, r := range s.rows[1000:] {
		if r[2] == "application" {
			alone = append(alone, r)
		}
	}
	_, log = s.write(byEvent, alone)
	for _, command := range [][]string{{"features", "--model", bundle, "--data", log, "--out", "-"},
		{"score", "--model", bundle, "--data", log, "--out", "-"}} {
		if _, stderr, code := assayRun(t, command...); code != 0 || !strings.Contains(stderr, "hardly any history") ||
			!strings.Contains(stderr, "paid: 0.0 %, ") {
			t.Errorf("%s of rows alone: %d, %s", command[0], code, stderr)
		}
	}
}

// TestLabelColumnsOfLogs: a label column of a log is read in the scored rows;
// facts stay in the windows whatever they hold in it.
func TestLabelColumnsOfLogs(t *testing.T) {
	s := newShop(t)
	zeros := altered(s.rows, func(_ int, r []string) {
		if r[6] == "" {
			r[6] = "0"
		}
	})
	open := altered(s.rows, func(i int, r []string) {
		if i == 400 {
			r[6] = ""
		}
	})
	var outputs []string
	for _, c := range []struct {
		rows [][]string
		more []string
		want string
	}{
		{s.rows, nil, "trained on 300 rows"}, {s.rows, []string{"--on-bad-row", "skip"}, "trained on 300 rows"},
		{zeros, nil, "trained on 300 rows"},
		{open, []string{"--label", "bad"}, "trained on 299 rows"},
	} {
		plan, log := s.write("column: bad", c.rows)
		stdout, stderr, code := s.train(plan, log, c.more...)
		if code != 0 || !strings.Contains(stdout, c.want) {
			t.Fatalf("%v: %d, %s%s", c.more, code, stdout, stderr)
		}
		_, rest, _ := strings.Cut(stdout, "trained on") // what is before it names digests of the file
		outputs = append(outputs, rest)
	}
	if outputs[0] != outputs[1] || outputs[0] != outputs[2] {
		t.Errorf("empty labels of facts, skipped ones and zeros train three models:\n%s",
			strings.Join(outputs[:3], "\n"))
	}
}

// TestRowsBesideVectors: of each vector its row, id, time and label are
// written, and what the windows held, which is counted here beside them.
func TestRowsBesideVectors(t *testing.T) {
	s := newShop(t)
	plan, log := s.write(byEvent, s.rows)
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Fatal(stderr)
	}
	for _, ext := range []string{".csv", ".parquet"} {
		out := filepath.Join(s.dir, "vectors"+ext)
		if _, stderr, code := assayRun(t, "features", "--model", filepath.Join(s.dir, "bundle"), "--data", log,
			"--out", out); code != 0 {
			t.Fatal(stderr)
		}
		frame, err := datasets.Read(t.Context(), filepath.Join(s.dir, "vectors.rows"+ext),
			datasets.Options{Unlabelled: true, Text: []string{"id"}, Time: []string{"time"}})
		if err != nil {
			t.Fatal(err)
		}
		rec := frame.Record
		var names []string
		for _, f := range rec.Schema().Fields() {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != "row id time label events.paid events.asked" {
			t.Fatalf("the columns are %s", got)
		}
		n := 0
		for i, r := range s.rows {
			if r[2] != "application" {
				continue
			}
			at, _ := time.Parse(time.RFC3339, r[1])
			paid, asked, label := 0, 0, 0
			for j, x := range s.rows {
				when, _ := time.Parse(time.RFC3339, x[1])
				switch {
				case x[2] == "default" && x[4] == r[4] && j > i && !when.After(at.AddDate(0, 0, 30)):
					label = 1
				case j >= i || x[3] != r[3]:
				case x[2] == "application":
					asked++
				case x[2] == "payment" && !when.Before(at.AddDate(0, 0, -60).Truncate(48*time.Hour)):
					// hops of two days
					paid++
				}
			}
			want := []string{strconv.Itoa(i + 1), r[0], strconv.Itoa(label), strconv.Itoa(paid), strconv.Itoa(asked)}
			got := []string{rec.Column(0).ValueStr(n), rec.Column(1).ValueStr(n), rec.Column(3).ValueStr(n),
				rec.Column(4).ValueStr(n), rec.Column(5).ValueStr(n)}
			if got[2] == "(null)" { // the horizon has not passed
				want[2] = got[2]
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: row %d is %v, want %v", ext, i+1, got, want)
			}
			n++
		}
		if int64(n) != rec.NumRows() {
			t.Errorf("%d rows, want %d", rec.NumRows(), n)
		}
	}
}
