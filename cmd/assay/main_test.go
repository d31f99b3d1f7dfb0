// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
)

// assayMain names the variable that turns the test binary into assay itself,
// so that tests can start, kill and restart real processes.
const assayMain = "ASSAY_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(assayMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process returns a command that runs assay as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), assayMain+"=1")
	return c
}

// smallBundle trains a bundle of a few trees.
func smallBundle(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	code := run(t.Context(), []string{"train", "--data", "credit_data", "--out", dir, "--params", "num_iterations=20",
		"--calibrate", "none"}, io.Discard, os.Stderr)
	if code != 0 {
		t.Fatalf("train ended with status %d", code)
	}
	return dir
}

// assayRun runs one command line in this process.
func assayRun(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.WithoutCancel(t.Context()), args, &out, &err)
	return out.String(), err.String(), code
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	bundle := smallBundle(t)
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	oneClass := write("one.csv", "a,target\n1,0\n2,0\n3,0\n")
	empty := write("empty.csv", "")
	ragged := write("ragged.csv", "a,b,target\n1,2,0\n1,2,3,1\n")
	noLabel := write("nolabel.csv", "a,b\n1,2\n")
	for _, c := range []struct {
		args []string
		code int
		says string // in stderr
	}{
		{[]string{"nonsense"}, 2, "there is no command"},
		{[]string{"scroe"}, 2, `did you mean "score"?`},
		{[]string{"train", "--dta", "x"}, 2, `did you mean "--data"?`},
		{[]string{"train"}, 2, "needs --data"},
		{[]string{"train", "--data", "credit_data", "--out", filepath.Join(dir, "x"), "--params", "num_leafs=3"}, 1,
			"num_leafs"},
		{[]string{"train", "--data", "credit_data", "--out", filepath.Join(dir, "x"), "--params", "oops"}, 2,
			"key=value"},
		{[]string{"train", "--data", "credit_data", "--out", filepath.Join(dir, "x"), "--calibrate", "magic"}, 1,
			"isotonic"},
		{[]string{"train", "--data", filepath.Join(dir, "none.csv"), "--out", filepath.Join(dir, "x")}, 1, "none.csv"},
		{[]string{"train", "--data", oneClass, "--out", filepath.Join(dir, "x")}, 1, ""},
		{[]string{"train", "--data", empty, "--out", filepath.Join(dir, "x")}, 1, "empty.csv"},
		{[]string{"train", "--data", ragged, "--out", filepath.Join(dir, "x")}, 1, "row 2"},
		{[]string{"train", "--data", noLabel, "--out", filepath.Join(dir, "x")}, 1, "--label"},
		{[]string{"train", "--data", "credit_data", "--label", "nope", "--out", filepath.Join(dir, "x")}, 1, "nope"},
		{[]string{"score", "--model", dir, "--data", "credit_data", "--out", "-"}, 1, "manifest.json"},
		{[]string{"score", "--model", bundle, "--data", noLabel, "--out", "-"}, 1, "Seniority"},
		{[]string{"features", "--model", bundle, "--data", "credit_data", "--out", "x.xlsx"}, 2, ".parquet"},
		{[]string{"export", "--model", bundle, "--to", "onnx", "--out", "-"}, 2, "lightgbm"},
		{[]string{"verify"}, 2, "one argument"},
		{[]string{"verify", empty}, 1, "no trust file"},
		{[]string{"demo", "--dir", bundle}, 1, "--dir"},
		{[]string{"up", "--dir", filepath.Join(dir, "none")}, 1, "manifest.json"},
		{[]string{"help"}, 0, ""},
		{[]string{"help", "data", "list"}, 0, ""},
		{[]string{"help", "nonsense"}, 2, "there is no command"},
		{[]string{"data", "list"}, 0, ""},
	} {
		_, stderr, code := assayRun(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("assay %s: status %d, want %d; stderr %q, want %q in it", strings.Join(c.args, " "), code,
				c.code, stderr, c.says)
		}
		if code == 1 && strings.HasPrefix(strings.Join(c.args, " "), "train") {
			if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
				t.Fatalf("assay %s failed and left a bundle", strings.Join(c.args, " "))
			}
		}
	}
}

func TestScoreAndExport(t *testing.T) {
	bundle, dir := smallBundle(t), t.TempDir()
	csv := filepath.Join(dir, "scores.csv")
	if _, stderr, code := assayRun(t, "score", "--model", bundle, "--data", "credit_data", "--out", csv); code != 0 {
		t.Fatal(stderr)
	}
	b, err := os.ReadFile(csv)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 4455 || lines[0] != "row,margin,pd,points,grade,decision" ||
		len(strings.Split(lines[1], ",")) != 6 {
		t.Errorf("%d lines, the first two %q", len(lines), lines[:2])
	}
	if _, stderr, code := assayRun(t, "features", "--model", bundle, "--data", "credit_data", "--out",
		filepath.Join(dir, "x.parquet")); code != 0 {
		t.Fatal(stderr)
	}
	if text, stderr, code := assayRun(t, "export", "--model", bundle, "--out", "-"); code != 0 ||
		!strings.HasPrefix(text, "tree\nversion=v3\n") {
		t.Errorf("export: %s %.40q", stderr, text)
	}
	if out, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", "lending_club", "--out",
		filepath.Join(dir, "r")); code != 1 {
		t.Errorf("a table without the plan's fields was evaluated: %s %s", out, stderr)
	}
}

// TestImport exports a bundle and imports the text: the scores of the vectors
// that were written are those of the bundle.
func TestImport(t *testing.T) {
	bundle, dir := smallBundle(t), t.TempDir()
	model, again := filepath.Join(dir, "model.txt"), filepath.Join(dir, "again")
	vectors := filepath.Join(dir, "vectors.csv")
	for _, args := range [][]string{
		{"export", "--model", bundle, "--out", model},
		{"import", "--from", "lightgbm", "--file", model, "--policy", filepath.Join(bundle, models.PolicyFile), "--out",
			again},
		{"features", "--model", bundle, "--data", "credit_data", "--out", vectors},
		{"score", "--model", bundle, "--data", "credit_data", "--out", filepath.Join(dir, "a.csv")},
		{"score", "--model", again, "--data", vectors, "--out", filepath.Join(dir, "b.csv")},
	} {
		if _, stderr, code := assayRun(t, args...); code != 0 {
			t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
		}
	}
	a, err := os.ReadFile(filepath.Join(dir, "a.csv"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "b.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the imported model scores otherwise")
	}
	for _, args := range [][]string{
		{"import", "--from", "onnx", "--file", model, "--out", filepath.Join(dir, "x")},
		{"import", "--from", "lightgbm", "--file", vectors, "--out", filepath.Join(dir, "x")},
		{"import", "--from", "lightgbm", "--file", model, "--plan", filepath.Join(again, "none.json"), "--out",
			filepath.Join(dir, "x")},
	} {
		if _, stderr, code := assayRun(t, args...); code == 0 || stderr == "" {
			t.Errorf("assay %s: status %d, %q", strings.Join(args, " "), code, stderr)
		}
	}
}
