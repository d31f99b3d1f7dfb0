// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// Lateness says of one event that it came later than its plan allows. The zero
// value is an event in time.
type Lateness struct {
	Behind  time.Duration // the newest event sequenced before it
	Windows []string      // that would have counted it
}

// IsLate reports whether the event came late.
func (l *Lateness) IsLate() bool { return l.Behind > 0 }

// latenessOf is that of the event that st observed last.
func latenessOf(st *features.State) Lateness {
	behind, windows, _ := st.LastLate()
	return Lateness{behind, windows}
}

// maxLateKept bounds the late events that are remembered by their sequence
// number, so that a retry is told what the first answer said.
const maxLateKept = 1 << 20

// lateEvents remembers which events came late, and counts them for the log and the
// metrics. What it remembers comes again from the journal at a start: an event
// is late by what was sequenced before it.
type lateEvents struct {
	mu struct {
		sync.Mutex
		bySequence map[uint64]Lateness
		order      []uint64 // of bySequence, a ring once it is full
		next       int      // the place in order that is overwritten next
		most       int      // of order
		unsaid     map[lateSeries]uint64
	}
	events  *prometheus.CounterVec // by kind
	windows *prometheus.CounterVec // by kind and window
}

// lateSeries is one count of late events; window is "" for those that would
// have fed none.
type lateSeries struct{ kind, window string }

func newLateEvents() *lateEvents {
	l := &lateEvents{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_late_events_total",
			Help: "Events that came later than the plan's lateness allows, by kind."}, []string{"kind"}),
		windows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_window_late_events_total",
			Help: "Events that a window does not count because they came late, by kind and window."},
			[]string{"kind", "window"}),
	}
	l.mu.bySequence, l.mu.unsaid, l.mu.most = map[uint64]Lateness{}, map[lateSeries]uint64{}, maxLateKept
	return l
}

// remember keeps what the answer to a late event says. An event may come again:
// each activation of a plan whose windows were dropped replays the journal.
func (l *lateEvents) remember(seq uint64, x Lateness) {
	if !x.IsLate() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.mu.bySequence[seq]; ok {
		return
	}
	if len(l.mu.order) < l.mu.most {
		l.mu.order = append(l.mu.order, seq)
	} else {
		delete(l.mu.bySequence, l.mu.order[l.mu.next])
		l.mu.order[l.mu.next] = seq
		l.mu.next = (l.mu.next + 1) % l.mu.most
	}
	l.mu.bySequence[seq] = x
}

// of returns what was remembered.
func (l *lateEvents) of(seq uint64) Lateness {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.bySequence[seq]
}

// count notes a late event of a kind that the plan knows.
func (l *lateEvents) count(kind string, x Lateness) {
	if !x.IsLate() {
		return
	}
	l.events.WithLabelValues(kind).Inc()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(x.Windows) == 0 {
		l.mu.unsaid[lateSeries{kind, ""}]++
	}
	for _, w := range x.Windows {
		l.windows.WithLabelValues(kind, w).Inc()
		l.mu.unsaid[lateSeries{kind, w}]++
	}
}

// sayEvery is how often the log says which events came late.
const sayEvery = time.Minute

// run says once a minute what came late since the last time, and what is left
// when ctx ends.
func (l *lateEvents) run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(sayEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.say(log)
		case <-ctx.Done():
			l.say(log)
			return
		}
	}
}

// say logs what came late since it was said last: one line a kind and window.
func (l *lateEvents) say(log *slog.Logger) {
	l.mu.Lock()
	unsaid := l.mu.unsaid
	l.mu.unsaid = map[lateSeries]uint64{}
	l.mu.Unlock()
	for s, n := range unsaid {
		if s.window == "" {
			log.Warn("events came later than the plan's lateness allows: their features were read as of an earlier "+
				"time", "kind", s.kind, "events", n)
			continue
		}
		log.Warn("events came later than the plan's lateness allows: the window does not count them", "kind", s.kind,
			"window", s.window, "events", n)
	}
}

// rememberReplayed notes what a record of the journal says about lateness under the
// plan that it names.
func (l *lateEvents) rememberReplayed(seq uint64, p *replayedRecord, plan assay.Digest, st *features.State) {
	if p.by.plan == plan {
		l.remember(seq, latenessOf(st))
	}
}

// WindowFeeds says what the windows of the active plan made of events, and how
// many events came late.
func (e *Engine) WindowFeeds() (feeds []features.Feed, late uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.windowsFor(e.models.Load().Active.PlanDigest)
	if w == nil {
		return nil, 0
	}
	return w.state.Feeds(), w.state.Late()
}
