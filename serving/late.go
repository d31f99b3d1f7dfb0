// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// lateness says of one event that it came later than its plan allows. The zero
// value is an event in time.
type lateness struct {
	behind  time.Duration // the newest event sequenced before it
	windows []string      // that would have counted it
}

// latenessOf is that of the event that st observed last.
func latenessOf(st *features.State) lateness {
	behind, windows, _ := st.LastLate()
	return lateness{behind, windows}
}

func (l *lateness) late() bool { return l.behind > 0 }

// duration is how far behind the event is, nil if it came in time.
func (l *lateness) duration() *durationpb.Duration {
	if !l.late() {
		return nil
	}
	return durationpb.New(l.behind)
}

// maxLateKept bounds the late events that are remembered by their sequence
// number, so that a retry is told what the first answer said.
const maxLateKept = 1 << 20

// lates remembers which events came late, and counts them for the log and the
// metrics. What it remembers comes again from the journal at a start: an event
// is late by what was sequenced before it.
type lates struct {
	mu struct {
		sync.Mutex
		bySequence map[uint64]lateness
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

func newLates() *lates {
	l := &lates{
		events:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_late_events_total", Help: "Events that came later than the plan's lateness allows, by kind."}, []string{"kind"}),
		windows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_window_late_events_total", Help: "Events that a window does not count because they came late, by kind and window."}, []string{"kind", "window"}),
	}
	l.mu.bySequence, l.mu.unsaid, l.mu.most = map[uint64]lateness{}, map[lateSeries]uint64{}, maxLateKept
	return l
}

// remember keeps what the answer to a late event says. An event may come again:
// each activation of a plan whose windows were dropped replays the journal.
func (l *lates) remember(seq uint64, x lateness) {
	if !x.late() {
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
func (l *lates) of(seq uint64) lateness {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.bySequence[seq]
}

// count notes a late event of a kind that the plan knows.
func (l *lates) count(kind string, x lateness) {
	if !x.late() {
		return
	}
	l.events.WithLabelValues(kind).Inc()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(x.windows) == 0 {
		l.mu.unsaid[lateSeries{kind, ""}]++
	}
	for _, w := range x.windows {
		l.windows.WithLabelValues(kind, w).Inc()
		l.mu.unsaid[lateSeries{kind, w}]++
	}
}

// sayEvery is how often the log says which events came late.
const sayEvery = time.Minute

// run says once a minute what came late since the last time, and what is left
// when ctx ends.
func (l *lates) run(ctx context.Context, log *slog.Logger) {
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
func (l *lates) say(log *slog.Logger) {
	l.mu.Lock()
	unsaid := l.mu.unsaid
	l.mu.unsaid = map[lateSeries]uint64{}
	l.mu.Unlock()
	for s, n := range unsaid {
		if s.window == "" {
			log.Warn("events came later than the plan's lateness allows: their features were read as of an earlier time", "kind", s.kind, "events", n)
			continue
		}
		log.Warn("events came later than the plan's lateness allows: the window does not count them", "kind", s.kind, "window", s.window, "events", n)
	}
}

// replayed notes what a record of the journal says about lateness under the
// plan that it names.
func (l *lates) replayed(seq uint64, p *played, plan assay.Digest, st *features.State) {
	if p.by.plan == plan {
		l.remember(seq, latenessOf(st))
	}
}

// windowStatus says what the windows of the active plan made of events, and how
// many events came late.
func (e *engine) windowStatus() (windows []*pb.WindowStatus, late uint64) {
	e.mu.Lock()
	st := e.windowsFor(e.routes.Load().active.digest)
	if st == nil {
		e.mu.Unlock()
		return nil, 0
	}
	feeds, late := st.state.Feeds(), st.state.Late()
	e.mu.Unlock()
	for _, f := range feeds {
		windows = append(windows, &pb.WindowStatus{Window: f.Window, Kind: f.Kind, Fed: f.Fed, Late: f.Late, WithoutKey: f.WithoutKey, WithoutValue: f.WithoutValue})
	}
	return windows, late
}
