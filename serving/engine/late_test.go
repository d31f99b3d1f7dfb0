// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestLateOfOneEventTwice: an event that is remembered twice, as when a plan is
// activated for the second time, takes one place, and is evicted no earlier than
// its turn.
func TestLateOfOneEventTwice(t *testing.T) {
	t.Parallel()
	l := newLateEvents()
	l.mu.most = 3
	for _, seq := range []uint64{7, 7, 8, 9} {
		l.remember(seq, Lateness{Behind: time.Duration(seq) * time.Hour})
	}
	for seq := uint64(7); seq <= 9; seq++ {
		if got := l.lookup(seq).Behind; got != time.Duration(seq)*time.Hour {
			t.Errorf("event %d: %s late, want %d hours", seq, got, seq)
		}
	}
	l.remember(10, Lateness{Behind: time.Hour})
	if x := l.lookup(7); x.IsLate() || len(l.mu.bySequence) != 3 || len(l.mu.order) != 3 {
		t.Errorf("after one more than is kept: the oldest %v, %d remembered in %d places; want it forgotten, and 3",
			x, len(l.mu.bySequence), len(l.mu.order))
	}
}

// TestLateIsLoggedOnce: late events are logged once.
func TestLateIsLoggedOnce(t *testing.T) {
	t.Parallel()
	l := newLateEvents()
	l.count("payment", Lateness{Behind: time.Hour, Windows: []string{"paid", "big"}})
	l.count("payment", Lateness{Behind: time.Hour})
	var log bytes.Buffer
	for _, want := range []int{3, 0} {
		log.Reset()
		l.logCounts(slog.New(slog.NewTextHandler(&log, nil)))
		if got := strings.Count(log.String(), "later than the plan's lateness"); got != want {
			t.Errorf("%d lines, want %d:\n%s", got, want, &log)
		}
	}
}
