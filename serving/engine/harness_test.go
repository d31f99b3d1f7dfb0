// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// start makes an engine on a new journal, until the test's end. Its Run is not
// called: challengers do not score and nothing is indexed from before the start.
func start(t *testing.T, cfg Config) *Engine {
	t.Helper()
	j, err := journal.Open(t.Context(), t.TempDir(),
		journal.Config{Logger: slog.New(slog.DiscardHandler), Interval: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Error(err)
		}
	})
	cfg.Journal, cfg.Logger, cfg.Now, cfg.MaxInFlight = j, slog.New(slog.DiscardHandler), time.Now, 8192
	first, err := NewModel(scoringtest.Bundle(t, scoringtest.PlanYAML, "first", 0), nil, cfg.Now())
	if err != nil {
		t.Fatal(err)
	}
	e := New(cfg)
	if _, err := e.Restore(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	return e
}

// request makes a request for a decision, with its model acquired.
func (e *Engine) request(t *testing.T, id, model string) *Request {
	t.Helper()
	m, err := e.Acquire(model)
	if err != nil {
		t.Fatal(err)
	}
	return &Request{Key: Key{"caller", id}, Model: m, Event: scoringtest.Application(id, 10, 600)}
}

// requests are count requests whose ids begin with a prefix.
func (e *Engine) requests(t *testing.T, prefix string, count int) []*Request {
	t.Helper()
	rs := make([]*Request, count)
	for i := range rs {
		rs[i] = e.request(t, fmt.Sprint(prefix, i), "")
	}
	return rs
}
