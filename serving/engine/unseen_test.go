// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// lockWatch is a log that checks whether the counts are locked while it writes.
type lockWatch struct {
	slog.Handler
	of     *unseenWatch
	lines  int
	locked bool
}

func (l *lockWatch) Enabled(context.Context, slog.Level) bool { return true }

func (l *lockWatch) Handle(context.Context, slog.Record) error {
	l.lines++
	if !l.of.mu.TryLock() {
		l.locked = true
		return nil
	}
	l.of.mu.Unlock()
	return nil
}

// TestUnseenLogsUnlocked: the warning about values that are new to a model is
// written while no lock is held, and once in ten minutes.
func TestUnseenLogsUnlocked(t *testing.T) {
	t.Parallel()
	plan, err := features.LoadPlan(scoringtest.Bundle(t, scoringtest.PlanYAML, "first", 0).Plan)
	if err != nil {
		t.Fatal(err)
	}
	u := newUnseenWatch(plan)
	if len(u.dictionaries) == 0 {
		t.Fatal("the plan has no dictionary")
	}
	ev := scoringtest.Application("new", 10, 600)
	ev.Fields[1].Value = assay.TextValue("a sector that training did not have")
	row, err := plan.Read(nil, ev)
	if err != nil {
		t.Fatal(err)
	}
	log, now := &lockWatch{of: u}, scoringtest.Start
	for range 2 * unseenMinValues {
		u.count(row, "first", func() time.Time { return now }, slog.New(log))
	}
	if log.lines != 1 || log.locked {
		t.Errorf("%d lines, under the lock: %t; want one, and no lock held", log.lines, log.locked)
	}
	now = now.Add(unseenLogPause)
	u.count(row, "first", func() time.Time { return now }, slog.New(log))
	if log.lines != 2 {
		t.Errorf("%d lines after the pause, want one more", log.lines)
	}
}
