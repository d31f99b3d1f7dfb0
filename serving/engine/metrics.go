// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/assayrisk/assay"
)

// stage is one part of the request's way that is timed.
type stage int

const (
	stageBegin    stage = iota // validation and idempotency
	stageSequence              // the critical section, with the wait for it
	stageDecide                // score, policy, reasons
	stageJournal               // until durable
	stages
)

var stageNames = [stages]string{"begin", "sequence", "decide", "journal"}

// stageEvery is how many requests share one timing of their stages.
const stageEvery = 8

// instruments are the engine's metrics of requests, looked up once.
type instruments struct {
	timing    *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	stages    [stages]prometheus.Observer
	outcomes  [assay.Recorded + 1]prometheus.Counter
	turn      atomic.Uint64
	traced    bool // spans are made
}

func newInstruments(traced bool) *instruments {
	m := &instruments{traced: traced,
		timing: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "assay_stage_seconds",
			Help:    "Time in each stage of the request's way, one request in eight.",
			Buckets: prometheus.ExponentialBuckets(1e-6, 4, 12)}, []string{"stage"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_decisions_total",
			Help: "Durable records, by outcome."}, []string{"outcome"}),
	}
	for i, n := range stageNames {
		m.stages[i] = m.timing.WithLabelValues(n)
	}
	for o := range m.outcomes {
		m.outcomes[o] = m.decisions.WithLabelValues(assay.Outcome(o).String())
	}
	return m
}

// countOutcomes counts durable records.
func (m *instruments) countOutcomes(rs []*Request) {
	var outcomes [len(m.outcomes)]int
	for _, r := range rs {
		outcomes[r.Decision.Outcome]++
	}
	for o, n := range outcomes {
		if n > 0 {
			m.outcomes[o].Add(float64(n))
		}
	}
}

// clock times the stages of one request, if it is that one's turn or if a
// trace wants it.
type clock struct {
	m    *instruments
	span trace.Span // nil when nobody traces
	last time.Time
}

// clock begins to time a request.
func (m *instruments) clock(ctx context.Context) (c clock) {
	if m.traced {
		if span := trace.SpanFromContext(ctx); span.IsRecording() {
			c.span = span
		}
	}
	if m.turn.Add(1)%stageEvery == 0 {
		c.m, c.last = m, time.Now()
	}
	return c
}

// done notes that a stage has ended and the next begins.
func (c *clock) done(s stage) {
	if c.span != nil {
		c.span.AddEvent(stageNames[s])
	}
	if c.m == nil {
		return
	}
	now := time.Now()
	c.m.stages[s].Observe(now.Sub(c.last).Seconds())
	c.last = now
}

// Collectors are the engine's metrics. No label ever holds what a request carries.
func (e *Engine) Collectors() []prometheus.Collector {
	return []prometheus.Collector{e.instruments.timing, e.instruments.decisions,
		driftCollector{e.drift}, unseenCollector{e},
		e.late.events, e.late.windows}
}
