// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

// TestRecordHistory loads a log into a running server, before and after other
// events: what is counted and what is late is said, and sending it again
// records nothing twice.
func TestRecordHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s := newShop(t)
	plan, log := s.write(trainingtest.LabelByEvent, s.rows)
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Fatal(stderr)
	}
	bundle := filepath.Join(s.dir, "bundle")
	addr := s.serve(bundle)
	out := filepath.Join(s.dir, "recorded.csv")
	record := func(log string, more ...string) string {
		t.Helper()
		stdout, stderr,
			code := assayRun(t,
			append([]string{"record", "--server", addr, "--model", bundle, "--data", log, "--out", out}, more...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		return stdout
	}
	_, first := s.write(trainingtest.LabelByEvent, s.rows[600:])
	if got := record(first); got != "recorded  600 events\n" {
		t.Errorf("the later half: %q", got)
	}
	if got := record(first); got != "recorded  0 events\nrepeated  600 events that had been recorded before\n" {
		t.Errorf("the same again: %q", got)
	}
	_, whole := s.write(trainingtest.LabelByEvent, s.rows)
	paid, asked := 0, 0
	for _, r := range s.rows[:600] {
		switch r[2] {
		case "payment":
			paid++
		case "application":
			asked++
		}
	}
	want := fmt.Sprintf("recorded  600 events\nrepeated  600 events that had been recorded before\nlate      600 "+
		"events lie behind the server's newest by more than the plan's lateness\n"+
		"          window asked does not count %d of them\n          window paid does not count %d of them\n", asked,
		paid)
	if got := record(whole); got != want {
		t.Errorf("the earlier half after the later:\n%swant\n%s", got, want)
	}
	var facts [][]string
	for _, r := range s.rows {
		if r[2] == "payment" {
			facts = append(facts, r)
		}
	}
	_, alone := s.write(trainingtest.LabelByEvent, facts)
	if got, want := record(alone, "--out", "-"), fmt.Sprintf("repeated  %d events", len(facts)); !strings.Contains(got,
		want) {
		t.Errorf("facts alone, which a history may be: %q, want %q", got, want)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) != 1201 || lines[1][1] != "history/e0" || lines[1][3] == "0" || lines[1][5] == "" ||
		lines[1200][3] != "0" {
		t.Errorf("%d lines, %v: %v ... %v", len(lines), err, lines[1], lines[len(lines)-1])
	}
}

// serve runs a server with the bundle until the test ends, and returns its address.
func (s *shop) serve(bundle string) string {
	s.t.Helper()
	sc, err := training.OpenScorer(bundle)
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	n, err := openNode(s.t.Context(), s.t.TempDir(), sc.Bundle, l, time.Minute, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	return l.Addr().String()
}
