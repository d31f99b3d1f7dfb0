// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assayrisk/assay/models/eval/report/document"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/training"
)

// readReport reads what the tests need of a report.json, and holds it to its
// published schema.
func readReport(t *testing.T, dir string) (r struct {
	Headline []string
	Verdicts []document.Verdict
	Sections []struct {
		ID, Absent string
		Blocks     []struct {
			Text  *document.Text
			Table *struct {
				Title, Caption string
				Rows           [][]any
			}
		}
	}
}) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile("../../docs/formats/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("report.json: %v", err)
	}
	return r
}

// evaluated runs assay evaluate and returns the report's tables by title.
func evaluated(t *testing.T, args ...string) (tables map[string][][]any, absent []string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "report")
	if _, stderr, code := assayRun(t, append([]string{"evaluate", "--out", dir}, args...)...); code != 0 {
		t.Fatalf("assay evaluate %s: %s", strings.Join(args, " "), stderr)
	}
	tables = map[string][][]any{}
	for _, s := range readReport(t, dir).Sections {
		if s.Absent != "" {
			absent = append(absent, s.ID)
		}
		for _, b := range s.Blocks {
			if b.Table != nil {
				tables[b.Table.Title] = b.Table.Rows
			}
		}
	}
	return tables, absent
}

const strictPolicy = "name: strict\ncutoffs: {review_from: 0.05, decline_from: 0.15}\nloss: {lgd: 0.5, exposure: " +
	"event.Amount, on_missing: review}\n"

// TestEvaluateShowsAll: what the library can show, the command can ask for.
func TestEvaluateShowsAll(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bundle, dir := smallBundle(t), t.TempDir()
	old := filepath.Join(dir, "old.yaml")
	if err := os.WriteFile(old, []byte(strictPolicy), 0o644); err != nil {
		t.Fatal(err)
	}
	tables, absent := evaluated(t, "--model", bundle, "--data", "credit_data", "--train", "credit_data",
		"--purpose", "Decides.",
		"--challenger", bundle, "--champion", bundle, "--against", old, "--policy", old, "--declined", "credit_data",
		"--profit", "0.1", "--loss", "0.6", "--amount", "Amount", "--unit", "EUR",
		"--segment", "Job,Home", "--group", "Age,Marital", "--movable", "Income,Job", "--harden")
	if len(absent) > 0 {
		t.Errorf("sections %v are absent though every part was given", absent)
	}
	for _, title := range []string{
		"Bad rate by Job", "Bad rate by Home", "Approval by Age", "Approval by Marital", "Strategy before and after",
		"Swap set of the policies",
		"Decisions", "Sensitivity to the declined", "Effect of training with noise", "Offline against served scores",
		"Ten worked decisions", "Reason codes",
	} {
		if len(tables[title]) == 0 {
			t.Errorf("the report has no table %q", title)
		}
	}
	if rows := tables["Evasion"]; len(rows) != 2 || rows[0][0] != "Job" || rows[1][0] != "Income" {
		t.Errorf("evasion tries %v, want Job and Income", rows)
	}
	if p := tables["Offline against served scores"]; len(p) != 1 || p[0][0] != 4454. || p[0][1] != 4454. {
		t.Errorf("parity %v, want 4454 rows of equal bits", p)
	}
	for _, r := range tables["Strategy before and after"] {
		if r[1] != r[2] {
			t.Errorf("one policy against itself: %v", r)
		}
	}
	var card []string
	for _, r := range tables["Model card"] {
		card = append(card, r[0].(string))
	}
	for _, fact := range []string{"Model digest", "Plan digest", "Training data, SHA-256", "Parameters",
		"Seed", "Program, SHA-256"} {
		if !slices.Contains(card, fact) {
			t.Errorf("the model card has no %q: %q", fact, card)
		}
	}
}

// TestEvaluateAgainstServer: a running server explains the evaluated rows, and
// the journal that it leaves holds its decisions; both have the same bits.
func TestEvaluateAgainstServer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bundle, dir := smallBundle(t), t.TempDir()
	s, err := training.OpenScorer(bundle)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	n, err := openNode(t.Context(), dir, s.Bundle, l, time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	asked, _ := evaluated(t, "--model", bundle, "--data", "credit_data", "--server", addr)
	if p := asked["Offline against served scores"]; len(p) != 1 || p[0][0].(float64) < 1000 || p[0][1] != p[0][0] {
		t.Errorf("parity with the running server: %v", p)
	}
	recordsAtServer(t, bundle, addr, filepath.Join(dir, "live"))
	d := testDemo(t)
	c, err := assayclient.Dial(addr, assayclient.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for row := range 25 {
		ev, err := s.Event(d.table.All(), row)
		if err != nil {
			t.Fatal(err)
		}
		ev.Time = time.Now()
		if _, err := c.Score(t.Context(), ev.ID, &ev); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(dir, "report")
	if _, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", "credit_data", "--ledger", dir,
		"--out", report); code != 0 {
		t.Fatal(stderr)
	}
	if out, stderr, code := assayRun(t, "evaluate", "--check", report); code != 0 ||
		!strings.Contains(out, "report.html") {
		t.Errorf("the recorded report does not check: %s%s", out, stderr)
	}
	changesAreFound(t, report)
	past, _ := evaluated(t, "--model", bundle, "--data", "credit_data", "--decisions", dir)
	if p := past["Offline against served scores"]; len(p) != 1 || p[0][0].(float64) < 25 || p[0][1] != p[0][0] {
		t.Errorf("parity with past decisions: %v", p)
	}
}

// recordsAtServer has a running server record a report: the same report is the
// same record, and it checks.
func recordsAtServer(t *testing.T, bundle, addr, live string) {
	t.Helper()
	for range 2 {
		out, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", "credit_data", "--server", addr,
			"--record", "--out", live)
		if code != 0 || !strings.Contains(out, "sequence  1") {
			t.Fatalf("recording through the server: status %d, %s%s", code, out, stderr)
		}
		if out, stderr, code := assayRun(t, "evaluate", "--check", live); code != 0 ||
			!strings.Contains(out, "report.html") {
			t.Errorf("the report that the server recorded does not check: %s%s", out, stderr)
		}
	}
}

// changesAreFound: a recorded report, either of whose files is changed, does not
// check.
func changesAreFound(t *testing.T, report string) {
	t.Helper()
	for _, name := range []string{"report.json", "report.html"} {
		path := filepath.Join(report, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, ' '), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := assayRun(t, "evaluate", "--check", report); code != 1 || !strings.Contains(stderr, name) {
			t.Errorf("a changed %s is not found: status %d, %s", name, code, stderr)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEvaluateEventLog: of an event log the recipe is trained again forward in
// time, and single events get the scores of the batch, windows included.
func TestEvaluateEventLog(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	log, plan, bundle := filepath.Join(dir, "events.parquet"), filepath.Join(dir, "plan.yaml"),
		filepath.Join(dir, "bundle")
	for _, args := range [][]string{
		{"data", "synth", "scf", "--rows", "20000", "--out", dir},
		{"train", "--data", log, "--plan", plan, "--before", "2023-01-01", "--params", "num_iterations=20",
			"--calibrate", "platt", "--out", bundle},
	} {
		if _, stderr, code := assayRun(t, args...); code != 0 {
			t.Fatalf("assay %s: %s", strings.Join(args, " "), stderr)
		}
	}
	tables, absent := evaluated(t, "--model", bundle, "--data", log, "--train", log, "--since", "2023-01-01",
		"--before", "2023-01-01", "--backtest", "2")
	if p := tables["Offline against served scores"]; len(p) != 1 || p[0][0].(float64) < 100 || p[0][1] != p[0][0] {
		t.Errorf("parity with single events: %v", p)
	}
	b := tables["Backtest forward in time"]
	if len(b) != 2 {
		t.Fatalf("backtest %v, want two periods (absent: %v)", b, absent)
	}
	if first, second := b[0][1].(float64), b[1][1].(float64); first < 50 || second <= first {
		t.Errorf("the periods trained on %v and %v rows, want more each time", first, second)
	}
	if e := tables["Exclusions"]; len(e) != 2 {
		t.Errorf("exclusions %v, want open outcomes and rows before --since", e)
	}
}

// TestEvaluateOneClass: rows of one outcome make a report that says so, with
// null in place of every figure that they do not define.
func TestEvaluateOneClass(t *testing.T) {
	bundle, dir := smallBundle(t), t.TempDir()
	all, err := os.ReadFile("../../datasets/embedded/credit_data.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(all), "\n")
	text := "target" + strings.TrimPrefix(strings.ReplaceAll(lines[0], `"`, ""), "Status") + "\n"
	for _, l := range lines[1:300] {
		if rest, ok := strings.CutPrefix(strings.ReplaceAll(l, `"`, ""), "bad"); ok {
			text += "1" + strings.ReplaceAll(rest, "NA", "") + "\n"
		}
	}
	data := filepath.Join(dir, "bad.csv")
	if err := os.WriteFile(data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, stderr, code := assayRun(t, "evaluate", "--model", bundle, "--data", data, "--out",
		filepath.Join(dir, "report"), "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	var sum map[string]any
	if err := json.Unmarshal([]byte(out), &sum); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if sum["auc"] != nil || sum["bad_rate"] != 1. || !strings.Contains(out, "one class only") {
		t.Errorf("summary %s", out)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report", "report.html"))
	if err != nil || strings.Contains(string(page), "NaN") {
		t.Errorf("the page shows NaN, or is not there: %v", err)
	}
}
