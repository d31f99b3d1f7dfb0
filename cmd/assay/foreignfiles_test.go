// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeTable writes a table of 600 made-up loans as CSV; cell gives the amount
// and the age of a row as texts.
func writeTable(t *testing.T, path string, rows int, cell func(row int) (amount, age string)) {
	t.Helper()
	var b strings.Builder
	b.WriteString(",amount,age,target\n")
	for i := range rows {
		amount, age := cell(i)
		bad := 0
		if i*7919%1000+i%20*20 > 700 {
			bad = 1
		}
		fmt.Fprintf(&b, "%d,%s,%s,%d\n", i, amount, age, bad)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNumbersWithMarks: `assay train` on a file whose numbers have marks says
// how it reads them and pins that in the plan; a small file is then scored by
// the plan, whatever its own cells leave open.
func TestNumbersWithMarks(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	writeTable(t, file("train.csv"), 600, func(i int) (string, string) {
		age := fmt.Sprint(20 + i*31%50)
		switch i % 10 {
		case 3:
			age = "?"
		case 5:
			age = "-999"
		}
		return fmt.Sprintf("\"%d,%03d.5\"", 1+i%9, i*37%1000), age
	})
	_, said, code := assayRun(t, "train", "--data", file("train.csv"), "--out", file("m"),
		"--params", "num_iterations=3")
	if code != 0 {
		t.Fatal(said)
	}
	for _, want := range []string{`the first column has no name: row names of a data frame`,
		`amount: numbers written as 1,234.56`, `age: 60 "?" taken as missing`,
		`age: 60 values are -999; if that means no value, write missing: [-999]`} {
		if !strings.Contains(said, want) {
			t.Errorf("train does not say %q:\n%s", want, said)
		}
	}
	plan, err := os.ReadFile(file("m.plan.yaml"))
	if err != nil || !strings.Contains(string(plan), `written: 1,234.56`) {
		t.Errorf("%v: the plan is\n%s", err, plan)
	}
	writeTable(t, file("plain.csv"), 3, func(i int) (string, string) { return fmt.Sprint(1200 + i), "30" })
	writeTable(t, file("marked.csv"), 3, func(i int) (string, string) { return fmt.Sprintf("\"1,20%d\"", i), "30" })
	writeTable(t, file("bad.csv"), 3, func(i int) (string, string) {
		return fmt.Sprint(1200 + i), []string{"30", "thirty", "N/A"}[i]
	})
	scores := func(name string, args ...string) (scores, said string) {
		_, said, code := assayRun(t,
			append([]string{"score", "--model", file("m"), "--data", file(name), "--out", file("scores.csv")},
				args...)...)
		if code != 0 {
			return "", said
		}
		b, err := os.ReadFile(file("scores.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b), said
	}
	want, said := scores("plain.csv")
	if want == "" {
		t.Fatal(said)
	}
	if got, said := scores("marked.csv"); got != want {
		t.Errorf("%s: scores of 1,200 are\n%sof 1200\n%s", said, got, want)
	}
	if got, said := scores("bad.csv"); got != "" ||
		!strings.Contains(said, `row 2 (line 3), column "age": not a finite number`) {
		t.Errorf("a bad cell in a small file: %s", said)
	}
	if got, said := scores("bad.csv", "--on-bad-row", "skip"); strings.Count(got, "\n") != 3 {
		t.Errorf("a bad cell that is skipped: %s\n%s", said, got)
	}
	writeTable(t, file("open.csv"), 600, func(i int) (string, string) {
		return fmt.Sprintf("\"%d,%03d\"", 1+i%9, i*37%1000), "30"
	})
	_, said, code = assayRun(t, "train", "--data", file("open.csv"), "--out", file("o"))
	if code != 1 || !strings.Contains(said, `two ways: say how they are written, by --numbers "1,234.56"`) {
		t.Errorf("numbers that can be read in two ways: %s", said)
	}
	if _, said, code := assayRun(t, "train", "--data", file("open.csv"), "--out", file("o"), "--numbers", "1,234.56",
		"--params", "num_iterations=3"); code != 0 {
		t.Error(said)
	}
}

// TestNearestWords: messages about a column, a flag or a data set that is not
// there name the nearest that is.
func TestNearestWords(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	writeTable(t, file("train.csv"), 200, func(i int) (string, string) {
		return fmt.Sprint(i * i % 997), fmt.Sprint(20 + i%40)
	})
	if _, said, code := assayRun(t, "train", "--data", file("train.csv"), "--out", file("m"), "--params",
		"num_iterations=2", "--calibrate", "none"); code != 0 {
		t.Fatal(said)
	}
	b, err := os.ReadFile(file("train.csv"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, file("upper.csv"), strings.Replace(string(b), "amount", "Amount", 1))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"train", "--data", file("train.csv"), "--label", "targt", "--out", file("n")},
			`did you mean "target"?`},
		{[]string{"train", "--data", "credit-data", "--out", file("n")}, `did you mean "credit_data"?`},
		{[]string{"train", "--data", file("train.csv"), "--lable", "target"},
			`unknown flag: --lable; did you mean "--label"?`},
		{[]string{"score", "--model", file("m"), "--data", file("upper.csv"), "--out", file("s.csv")},
			`before training; did you mean "Amount"?`},
		{[]string{"evaluate", "--model", file("m"), "--data", file("train.csv"), "--out", file("r"), "--group", "agee"},
			`has no column "agee"; did you mean "age"?`},
	} {
		if _, said, code := assayRun(t, c.args...); code == 0 || !strings.Contains(said, c.want) {
			t.Errorf("%v: status %d, %s; want %s", c.args, code, said, c.want)
		}
	}
}
