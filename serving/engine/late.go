// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assayrisk/assay/features"
)

// Lateness says by how much an event came later than its plan allows. The zero
// value is that of an event in time.
type Lateness struct {
	Behind  time.Duration // how far it lies behind the newest event sequenced before it
	Windows []string      // that do not count it, and would have in time
}

// IsLate reports whether the event came late.
func (l *Lateness) IsLate() bool { return l.Behind > 0 }

// lastLateness is the lateness of the event that st observed last.
func lastLateness(st *features.State) Lateness {
	behind, windows, _ := st.LastLate()
	return Lateness{behind, windows}
}

// maxLateKept bounds how many late events are remembered. A repeated request is
// answered from them with the lateness of the first answer.
const maxLateKept = 1 << 20

// lateEvents remembers which events came late, and counts them for the log and the
// metrics. At a start, a replay of the journal fills it again: lateness depends
// only on the events sequenced before.
type lateEvents struct {
	mu struct {
		sync.Mutex
		bySequence map[uint64]Lateness
		order      []uint64 // of bySequence, a ring once it is full
		next       int      // the place in order that is overwritten next
		most       int      // entries in order
		unlogged   map[lateSeries]uint64
	}
	events  *prometheus.CounterVec // by kind
	windows *prometheus.CounterVec // by kind and window
}

// lateSeries names one count of late events; window is "" for events that would
// have fed no window.
type lateSeries struct{ kind, window string }

func newLateEvents() *lateEvents {
	l := &lateEvents{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_late_events_total",
			Help: "Events that came later than the plan's lateness allows, by kind."}, []string{"kind"}),
		windows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_window_late_events_total",
			Help: "Events that a window does not count because they came late, by kind and window."},
			[]string{"kind", "window"}),
	}
	l.mu.bySequence, l.mu.unlogged, l.mu.most = map[uint64]Lateness{}, map[lateSeries]uint64{}, maxLateKept
	return l
}

// remember keeps the lateness of an event for later answers. It may be called
// again for an event: each activation of a plan whose windows were dropped replays
// the journal.
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

// lateChunk is how many late events one list of a stored state holds: CBOR is read with a bound on lists.
const lateChunk = 1 << 14

// stored returns what is remembered of the records below a number, oldest first.
func (l *lateEvents) stored(below uint64) (out [][]storedLate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var chunk []storedLate
	for i := range l.mu.order {
		seq := l.mu.order[(l.mu.next+i)%len(l.mu.order)]
		if seq >= below {
			continue
		}
		x := l.mu.bySequence[seq]
		if chunk = append(chunk, storedLate{seq, x.Behind, x.Windows}); len(chunk) == lateChunk {
			out, chunk = append(out, chunk), nil
		}
	}
	if len(chunk) > 0 {
		out = append(out, chunk)
	}
	return out
}

// restore remembers what stored returned.
func (l *lateEvents) restore(events [][]storedLate) {
	for _, chunk := range events {
		for _, x := range chunk {
			l.remember(x.Sequence, Lateness{x.Behind, x.Windows})
		}
	}
}

// lookup returns the lateness that was remembered, zero for none.
func (l *lateEvents) lookup(seq uint64) Lateness {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.bySequence[seq]
}

// count counts a late event; the plan knows its kind.
func (l *lateEvents) count(kind string, x Lateness) {
	if !x.IsLate() {
		return
	}
	l.events.WithLabelValues(kind).Inc()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(x.Windows) == 0 {
		l.mu.unlogged[lateSeries{kind, ""}]++
	}
	for _, w := range x.Windows {
		l.windows.WithLabelValues(kind, w).Inc()
		l.mu.unlogged[lateSeries{kind, w}]++
	}
}

// logLateEvery is how often the log gets the counts of late events.
const logLateEvery = time.Minute

// run logs the counts once a minute, and the rest when ctx ends.
func (l *lateEvents) run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(logLateEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.logCounts(log)
		case <-ctx.Done():
			l.logCounts(log)
			return
		}
	}
}

// logCounts logs how many events came late since the last time: one line for each
// kind and window.
func (l *lateEvents) logCounts(log *slog.Logger) {
	l.mu.Lock()
	unlogged := l.mu.unlogged
	l.mu.unlogged = map[lateSeries]uint64{}
	l.mu.Unlock()
	for s, n := range unlogged {
		if s.window == "" {
			log.Warn("events came later than the plan's lateness allows: their features were read as of an earlier "+
				"time", "kind", s.kind, "events", n)
			continue
		}
		log.Warn("events came later than the plan's lateness allows: the window does not count them", "kind", s.kind,
			"window", s.window, "events", n)
	}
}
