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

// TestCodesStayTexts: a CSV column that the plan takes for texts is read as
// texts by each command, so that 01234 and 1234 are two categories, as they are
// to a server.
func TestCodesStayTexts(t *testing.T) {
	at, few := textTable(t)
	for _, more := range [][]string{{"--out", at("bundle")}, {"--out", at("streamed"), "--stream"}} {
		if _, stderr,
			code := assayRun(t,
			append(append([]string{"train", "--data", at("t.csv"), "--plan", at("plan.yaml")}, few...),
				more...)...); code != 0 {
			t.Fatal(stderr)
		}
	}
	for _, bundle := range []string{"bundle", "streamed"} {
		plan, _, err := bundlePlan(at(bundle))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(plan.Features()[0].Categories); got != "[01234 1234 X9 other]" {
			t.Errorf("%s: categories %s, want each code as it is written", bundle, got)
		}
	}
	write(t, at("new.csv"), "zip\n01234\n1234\n99999\n")
	out, stderr, code := assayRun(t, "features", "--model", at("bundle"), "--data", at("new.csv"), "--out", "-")
	if code != 0 || out != "zip\n0\n1\n3\n" {
		t.Errorf("status %d, %s: vectors %q", code, stderr, out)
	}
	pd := scoresOf(t, at("bundle"), at("new.csv"))
	if len(pd) != 3 || pd[0] == pd[1] {
		t.Errorf("PDs %v: 01234 was bad, 1234 was good", pd)
	}
}

// TestScoreNeedsNoLabel: rows to be scored, and rows that were declined, have
// no outcome; a column that is called like the label may hold anything.
func TestScoreNeedsNoLabel(t *testing.T) {
	at, few := textTable(t)
	if _, stderr,
		code := assayRun(t,
		append([]string{"train", "--data", at("t.csv"), "--plan", at("plan.yaml"), "--out", at("bundle")},
			few...)...); code != 0 {
		t.Fatal(stderr)
	}
	for name, text := range map[string]string{"empty.csv": "zip,target\n01234,\n1234,\n",
		"open.csv": "zip,target\n01234,pending\n1234,open\n", "none.csv": "zip\n01234\n1234\n"} {
		write(t, at(name), text)
		if pd := scoresOf(t, at("bundle"), at(name)); len(pd) != 2 {
			t.Errorf("%s: %d scores, want 2", name, len(pd))
		}
		if _, stderr, code := assayRun(t, "evaluate", "--model", at("bundle"), "--data", at("t.csv"), "--declined",
			at(name), "--out", at("report")); code != 0 {
			t.Errorf("--declined %s: status %d, %s", name, code, stderr)
		}
	}
}

// TestRowsWithoutLabel: a row whose outcome is not known is named, or left out
// and counted.
func TestRowsWithoutLabel(t *testing.T) {
	at, few := textTable(t)
	b, err := os.ReadFile(at("t.csv"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, at("open.csv"), strings.Replace(string(b), "\n1234,0\n", "\n1234,\n", 2))
	for _, stream := range []bool{false, true} {
		args := append([]string{"train", "--data", at("open.csv"), "--plan", at("plan.yaml"), "--out", at("b"),
			fmt.Sprintf("--stream=%t", stream)}, few...)
		if _, stderr, code := assayRun(t, args...); code != 1 ||
			!strings.Contains(stderr, `2 rows have no label in column "target", the first is row 2`) {
			t.Errorf("stream %t: status %d, %s", stream, code, stderr)
		}
		out, stderr, code := assayRun(t, append(args, "--on-bad-row", "skip")...)
		if code != 0 || !strings.Contains(out, "trained on 298 rows") ||
			!strings.Contains(stderr, "2 rows of "+at("open.csv")+" were left out") {
			t.Errorf("stream %t: status %d, %s%s", stream, code, out, stderr)
		}
	}
	if _, stderr, code := assayRun(t, "evaluate", "--model", at("b"), "--data", at("open.csv"), "--out", at("report"),
		"--on-bad-row", "skip"); code != 0 || !strings.Contains(stderr, "evaluate on 298 rows") {
		t.Errorf("status %d, %s", code, stderr)
	}
}

// TestBadWord: --bad says which text or number is the bad event.
func TestBadWord(t *testing.T) {
	at, few := textTable(t)
	b, err := os.ReadFile(at("t.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"charged off", "current"}, {"2", "1"}, {"Y", "N"}} {
		write(t, at("words.csv"), strings.NewReplacer(",1\n", ","+c[0]+"\n", ",0\n", ","+c[1]+"\n").Replace(string(b)))
		args := append([]string{"train", "--data", at("words.csv"), "--plan", at("plan.yaml"), "--out", at("b")},
			few...)
		if _, stderr, code := assayRun(t, args...); code != 1 || !strings.Contains(stderr, "--bad") {
			t.Errorf("%s: status %d, %s", c[0], code, stderr)
		}
		out, stderr, code := assayRun(t, append(args, "--bad", c[0])...)
		if code != 0 || !strings.Contains(out, "trained on 300 rows (50.0 % bad)") {
			t.Errorf("%s: status %d, %s%s", c[0], code, out, stderr)
		}
	}
}

// TestInferredPlanSaysWhatItLeavesOut: columns do not vanish without a word.
func TestInferredPlanSaysWhatItLeavesOut(t *testing.T) {
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("row,name,x,blank,target\n")
	for i := range 300 {
		fmt.Fprintf(&rows, "%d,name %d,%d,,%d\n", i, i, i%7, i%2)
	}
	data := filepath.Join(dir, "t.csv")
	write(t, data, rows.String())
	for _, more := range []string{"--stream=false", "--stream"} {
		_, stderr, code := assayRun(t, "train", "--data", data, "--out", filepath.Join(dir, "b"), "--params",
			"num_iterations=2", "--calibrate", "none", more)
		if code != 0 ||
			!strings.Contains(stderr,
				"the inferred plan leaves out row (row numbers), name (texts, most of which occur once), blank (no "+
					"values)") {
			t.Errorf("%s: status %d, %s", more, code, stderr)
		}
	}
	write(t, data, "name,x,target\n")
	if _, stderr, code := assayRun(t, "train", "--data", data, "--out", filepath.Join(dir, "b")); code != 1 ||
		!strings.Contains(stderr, "has no rows") {
		t.Errorf("a header alone: status %d, %s", code, stderr)
	}
}

// TestEventLogAsCSV: an event log gives the same model from a CSV file as from
// a Parquet file.
func TestEventLogAsCSV(t *testing.T) {
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

// textTable writes a table whose one feature is a code, and a plan that says
// so: rows of 01234 are bad, those of 1234 and the few of X9 good.
func textTable(t *testing.T) (at func(string) string, few []string) {
	t.Helper()
	dir := t.TempDir()
	at = func(name string) string { return filepath.Join(dir, name) }
	var rows strings.Builder
	rows.WriteString("zip,target\n")
	for i := range 300 {
		switch {
		case i%2 == 0:
			rows.WriteString("01234,1\n")
		case i%30 == 29:
			rows.WriteString("X9,0\n")
		default:
			rows.WriteString("1234,0\n")
		}
	}
	write(t, at("t.csv"), rows.String())
	write(t, at("plan.yaml"),
		"version: 1\nlabel: {column: target}\nfields: [{name: zip, kind: text}]\nfeatures: [{name: zip, min_count: "+
			"5}]\n")
	return at, []string{"--params", "num_iterations=5,min_data_in_leaf=5", "--calibrate", "none"}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// scoresOf gives the probabilities of a table's rows.
func scoresOf(t *testing.T, bundle, data string) []string {
	t.Helper()
	out, stderr, code := assayRun(t, "score", "--model", bundle, "--data", data, "--out", "-")
	if code != 0 {
		t.Errorf("score %s: status %d, %s", data, code, stderr)
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%v: %q", err, out)
	}
	var pd []string
	for _, r := range rows[1:] {
		pd = append(pd, r[2])
	}
	return pd
}

// TestScoreSaysUnseen: values that are nearly all new to the model are a warning
// when they are scored, whatever the file's kind; a few of them are none.
func TestScoreSaysUnseen(t *testing.T) {
	at, few := textTable(t)
	train := append([]string{"train", "--data", at("t.csv"), "--plan", at("plan.yaml"), "--out", at("bundle")}, few...)
	if _, stderr, code := assayRun(t, train...); code != 0 {
		t.Fatal(stderr)
	}
	const said = `column "zip": training had none of the values of 4 in 4 rows`
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"known.csv", "zip\n01234\n1234\n01234\n1234\n", false}, {"some.csv", "zip\n01234\n1234\n9\n1234\n", false},
		{"new.csv", "zip\nz1234\nz1234\nz01234\nz\n", true},
	} {
		write(t, at(c.name), c.text)
		for _, command := range []string{"score", "features"} {
			_, stderr, code := assayRun(t, command, "--model", at("bundle"), "--data", at(c.name), "--out", "-")
			if code != 0 || strings.Contains(stderr, said) != c.want || strings.Contains(stderr, "z01234") {
				t.Errorf("%s %s: status %d, said %t: %s", command, c.name, code, !c.want, stderr)
			}
		}
	}
}

// TestTrainNeedsThePlansColumns: a plan that names a column that the table does
// not have is refused, by the nearest that it has, before anything is trained;
// an optional field may be absent.
func TestTrainNeedsThePlansColumns(t *testing.T) {
	at, few := textTable(t)
	for _, c := range []struct{ plan, want string }{
		{"version: 1\nfields: [{name: zpi, kind: text}]\nfeatures: [{name: zpi, min_count: 1}]\n", `has no column zpi`},
		{"version: 1\nfields: [{name: zip, kind: text}, {name: more, optional: true}]\n" +
			"features: [{name: zip, min_count: 1}, {name: more}]\n", ""},
	} {
		write(t, at("other.yaml"), c.plan)
		for _, stream := range []bool{false, true} {
			args := append([]string{"train", "--data", at("t.csv"), "--plan", at("other.yaml"), "--out", at("o"),
				fmt.Sprintf("--stream=%t", stream)}, few...)
			_, stderr, code := assayRun(t, args...)
			hinted := strings.Contains(stderr, c.want) && strings.Contains(stderr, `did you mean "zip"?`)
			if (code != 0) != (c.want != "") || c.want != "" && !hinted {
				t.Errorf("stream %t: status %d, %s; want %q", stream, code, stderr, c.want)
			}
		}
	}
}
