// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordclock"
)

// TestHeldClock: while the clock is held, records have the last one's time; a
// clock that lies before it is reported, with the difference.
func TestHeldClock(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := noon
	var log bytes.Buffer
	cfg := Config{Clock: recordclock.Of(func() time.Time { return now }), HoldClock: true,
		Logger: slog.New(slog.NewTextHandler(&log, nil))}
	dir := t.TempDir()
	open := func() *Journal {
		t.Helper()
		j, err := Open(t.Context(), dir, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	want := func(j *Journal, at time.Time, since time.Duration) {
		t.Helper()
		if got := j.Now(); !got.Equal(at) || j.SinceNewest() != since {
			t.Errorf("it is %v, %v after the newest record, want %v and %v", got, j.SinceNewest(), at, since)
		}
		if _, micros := j.TakeAt(); micros != at.UnixMicro() {
			t.Errorf("a record gets the time %v, want %v", time.UnixMicro(micros), at)
		}
	}
	shut := func(j *Journal) {
		t.Helper()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	j := open()
	want(j, noon, 0) // no record to hold it at
	shut(j)
	one, stop := start(t, dir, cfg)
	seq, micros := one.TakeAt()
	if _, err := one.Append(t.Context(), seq, &Record{Kind: ledger.Event, Micros: micros, Subject: "s"}); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(72 * time.Hour)
	j = open()
	want(j, noon, 72*time.Hour)
	j.ReleaseClock()
	now = now.Add(time.Hour)
	want(j, now, 73*time.Hour)
	shut(j)
	if words := "before the last record"; strings.Contains(log.String(), words) {
		t.Errorf("the log says %q: %s", words, &log)
	}
	now = noon.Add(-90 * time.Minute)
	j = open()
	want(j, noon, -90*time.Minute)
	j.ReleaseClock()
	want(j, noon, -90*time.Minute)
	now = noon.Add(time.Second)
	want(j, now, time.Second)
	shut(j)
	if words := "before the last record"; strings.Count(log.String(), words) != 1 ||
		!strings.Contains(log.String(), "by=1h30m0s") {
		t.Errorf("the log does not say once %q, and by how much: %s", words, &log)
	}
}

// TestTakeAt: whatever the clock says, times are in the order of the numbers with
// which they were given, and after another opening they go on from the last
// record's, though its subject was erased and its private part retired.
func TestTakeAt(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var at atomic.Int64 // of the clock
	at.Store(noon.UnixMicro())
	cfg := Config{Clock: recordclock.Of(func() time.Time { return time.UnixMicro(at.Load()) })}
	dir := t.TempDir()
	j, stop := start(t, dir, cfg)
	seq, micros := j.TakeAt()
	if seq != 0 || micros != noon.UnixMicro() || j.Now() != time.UnixMicro(micros) {
		t.Errorf("the first record is %d at %d, want 0 at the clock's %d", seq, micros, noon.UnixMicro())
	}
	appendAt := func(seq uint64, micros int64) {
		if _, err := j.Append(t.Context(), seq, &Record{Kind: ledger.Event, Micros: micros, Subject: "s"}); err != nil {
			t.Error(err)
		}
	}
	appendAt(seq, micros)

	const takers, each = 8, 200
	times := make([]int64, 1+takers*each)
	times[0] = micros
	var wg sync.WaitGroup
	for w := range takers {
		wg.Go(func() {
			for i := range each {
				at.Store(noon.Add(time.Duration((w*each+i*7919)%3600) * time.Second).UnixMicro())
				seq, micros := j.TakeAt()
				times[seq] = micros
				appendAt(seq, micros)
			}
		})
	}
	wg.Wait()
	for i := 1; i < len(times); i++ {
		if times[i] < times[i-1] {
			t.Errorf("number %d has the time %d, and the one before it %d", i, times[i], times[i-1])
		}
	}
	if _, _, err := j.Erase(t.Context(), "s", ""); err != nil {
		t.Fatal(err)
	}
	at.Store(noon.Add(2 * time.Hour).UnixMicro())
	seq, newest := j.TakeAt()
	appendAt(seq, newest)
	if _, _, err := j.Erase(t.Context(), "s", ""); err != nil {
		t.Fatal(err)
	}
	seq, newest = j.TakeAt()
	appendAt(seq, newest)
	if _, err := j.Retire(t.Context(), seq+1); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	at.Store(noon.UnixMicro())
	j, stop = start(t, dir, cfg)
	if got := j.Now(); got.UnixMicro() < newest {
		t.Errorf("after another opening it is %v, want the last record's time %v or later", got, time.UnixMicro(newest))
	}
	next, micros := j.TakeAt()
	if next <= seq || micros < newest {
		t.Errorf("after another opening, record %d is at %d, and record %d before it at %d", next, micros, seq, newest)
	}
	appendAt(next, micros)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
