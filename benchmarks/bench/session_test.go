// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeProgram puts a shell script where the built program of an area would be.
func writeProgram(t *testing.T, bin, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// testSession is a session whose pages are copies of the repository's and whose
// results hold one older area.
func testSession(t *testing.T) (*session, *results) {
	t.Helper()
	t.Chdir("../..")
	s := &session{root: t.TempDir(), bin: t.TempDir(), buildErrors: map[string]error{},
		watch: &machineWatch{fastestSpin: 1, rest: time.Millisecond}}
	if err := copyPages(s.root); err != nil {
		t.Fatal(err)
	}
	now := &results{Date: "2030-02-01", Commit: "now", CPU: "c", Cores: 2, OS: "o", Peers: map[string]string{}}
	before := *now
	before.Date, before.Commit = "2030-01-01", "before"
	before.Areas = []areaResult{{Area: "features", Commit: "before", Time: "2030-01-01T10:00:00Z"}}
	if err := save(s.root, &before); err != nil {
		t.Fatal(err)
	}
	return s, now
}

// TestSession runs areas of which one works, one breaks half way, one never
// ends, one does not build and one draws a plot: each keeps what it gave, none
// loses another's, and the pages say what happened.
func TestSession(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s, r := testSession(t)
	writeProgram(t, s.bin, "ledger",
		"echo for people; echo RATIO journal_append_vs_raw_fdatasync_w256 0.7 0.6 0.8 3; echo $*")
	writeProgram(t, s.bin, "anchor", "echo MS anchor_to_proof 12; exit 3")
	writeProgram(t, s.bin, "eval", "echo S eval_report 6; sleep 600")
	writeProgram(t, s.bin, "scale", "for n in 10 100 1000; do echo NS scale_log_prove@$n $n; done")
	s.buildErrors["serve"] = errors.New("benchmarks/serve does not build")
	var todo []area
	for _, name := range []string{"ledger", "anchor", "eval", "serve", "scale", "train"} {
		todo = append(todo, area{Name: name, Title: name, Budget: 10 * time.Second, Peers: name == "train",
			Runs: [][]string{{"-seconds", "6"}}})
	}
	todo[2].Budget = 3 * time.Second // in which a busy machine starts a shell
	start := time.Now()
	err := s.measureAll(t.Context(), r, todo)
	for _, want := range []string{"anchor: exit status 3", "eval: stopped after its 3s",
		"serve: benchmarks/serve does not build"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("a program that never ends held the rest up: %v", took)
	}
	kept, file, err := newestResults(s.root)
	if err != nil || file != "benchmarks/results/2030-02-01.json" || len(kept.Areas) != 7 {
		t.Fatalf("kept %d areas in %s: %v", len(kept.Areas), file, err)
	}
	for name, want := range map[string]float64{"journal_append_vs_raw_fdatasync_w256": 0.7, "anchor_to_proof": 12,
		"eval_report": 6, "scale_log_prove@1000": 1000} {
		if f, ok := kept.get(name); !ok || f.Value != want {
			t.Errorf("%s: kept %v %v, want %v", name, f.Value, ok, want)
		}
	}
	page := readText(t, filepath.Join(s.root, "docs/performance.md"))
	for _, want := range []string{
		"| journal_append_vs_raw_fdatasync_w256 | 0.7x | 0.6 to 0.8 (3 runs) | ≥ 0.6: met |",
		"did not finish: stopped after its 3s",
		"did not finish: exit status 3", "no interpreter with the peers",
		"done 2030-01-01 10:00 UTC at commit `before`", "plots/log.svg",
		"`go run ./benchmarks/ledger -seconds 6`",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/performance.md has no %q:\n%s", want, page)
		}
	}
	if readme := readText(t, filepath.Join(s.root, "README.md")); !strings.Contains(readme,
		"| one raw fdatasync per group | 0.7 | 0.6 to 0.8 (3 runs) |") {
		t.Errorf("README.md does not have the figure:\n%s", readme)
	}
	if svg := readText(t, filepath.Join(s.root, plotDir, "log.svg")); !strings.Contains(svg, "</svg>") {
		t.Error("log.svg is no picture")
	}
}

// TestSessionStopped keeps what was measured before it was stopped.
func TestSessionStopped(t *testing.T) {
	s, r := testSession(t)
	writeProgram(t, s.bin, "ledger", "echo MS a 1")
	writeProgram(t, s.bin, "anchor", "echo MS b 2; touch $0.measured; exec sleep 600")
	writeProgram(t, s.bin, "eval", "echo MS c 3")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(s.bin, "anchor.measured")); err == nil {
				cancel(errors.New("enough"))
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	var todo []area
	for _, name := range []string{"ledger", "anchor", "eval"} {
		todo = append(todo, area{Name: name, Title: name, Budget: time.Minute, Runs: [][]string{nil}})
	}
	if err := s.measureAll(ctx, r, todo); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("stopped with %v", err)
	}
	kept, _, err := newestResults(s.root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a": true, "b": true, "c": false} {
		if _, ok := kept.get(name); ok != want {
			t.Errorf("figure %s kept: %v, want %v", name, ok, want)
		}
	}
}

// TestSaveOtherMachine takes nothing over from another machine's results.
func TestSaveOtherMachine(t *testing.T) {
	s, r := testSession(t)
	r.CPU = "another"
	if err := save(s.root, r); err != nil {
		t.Fatal(err)
	}
	if kept, _, err := newestResults(s.root); err != nil || len(kept.Areas) != 0 {
		t.Errorf("%+v, %v", kept, err)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
