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

// stage is one timed part of deciding a request.
type stage int

const (
	stageBegin    stage = iota // validation and idempotency
	stageSequence              // the critical section, with the wait for it
	stageDecide                // score, policy, reasons
	stageJournal               // until durable
	stageCount
)

var stageNames = [stageCount]string{"begin", "sequence", "decide", "journal"}

// stageSampleEvery: of so many requests, the stages of one are timed.
const stageSampleEvery = 8

// instruments are the engine's metrics of requests, looked up once.
type instruments struct {
	timing    *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	stages    [stageCount]prometheus.Observer
	outcomes  [assay.Recorded + 1]prometheus.Counter
	requests  atomic.Uint64
	traced    bool // requests may carry spans
}

func newInstruments(traced bool) *instruments {
	m := &instruments{traced: traced,
		timing: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "assay_stage_seconds",
			Help:    "Time in each stage of deciding a request, of one request in eight.",
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

// countOutcomes counts durable records, by outcome.
func (m *instruments) countOutcomes(counts *[assay.Recorded + 1]int) {
	for o, n := range counts {
		if n > 0 {
			m.outcomes[o].Add(float64(n))
		}
	}
}

// stageClock times the stages of one request, if it is one of the sample, and adds
// them to its span, if it has one.
type stageClock struct {
	m    *instruments
	span trace.Span // nil: none
	last time.Time
}

// startClock begins to time a request.
func (m *instruments) startClock(ctx context.Context) (c stageClock) {
	if m.traced {
		if span := trace.SpanFromContext(ctx); span.IsRecording() {
			c.span = span
		}
	}
	if m.requests.Add(1)%stageSampleEvery == 0 {
		c.m, c.last = m, time.Now()
	}
	return c
}

// done ends a stage and begins the next.
func (c *stageClock) done(s stage) {
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
