// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math"
	"sort"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assayrisk/assay/models"
)

// DriftSampleEvery: of so many decisions, drift counts one.
const DriftSampleEvery = 8

// driftHalveAt is the number of rows at which all counts are halved, so that
// older rows count less and less.
const driftHalveAt = 50_000

// Drift compares the rows that the active model scores with those that it was
// trained on. Its measure is the population stability index: the sum of
// (p - q) ln(p / q) over the bins of the training histogram (Siddiqi, Credit Risk
// Scorecards, 2006, chapter 9).
type Drift struct {
	mu struct {
		sync.Mutex
		series []driftSeries // the score first, then the features that have a reference
		rows   int64
	}
}

type driftSeries struct {
	name   string
	column int // of the vector; -1: the score
	ref    models.Histogram
	counts []int64
	rows   int64
}

// DriftValue is the drift of one distribution: of the feature Name, or of the
// PD under the name "score".
type DriftValue struct {
	Name string
	PSI  float64
	Rows int64
}

// Watch starts anew, with the references of a model.
func (d *Drift) Watch(m *Model) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.series, d.mu.rows = nil, 0
	ref := m.Bundle.Manifest.Reference
	if ref == nil {
		return
	}
	add := func(name string, column int, h models.Histogram) {
		if len(h.Shares) == len(h.Edges)+2 {
			d.mu.series = append(d.mu.series,
				driftSeries{name: name, column: column, ref: h, counts: make([]int64, len(h.Shares))})
		}
	}
	add("score", -1, ref.Score)
	for i, f := range m.Plan.Features() {
		if h, ok := ref.Features[f.Name]; ok {
			add(f.Name, i, h)
		}
	}
}

// observe counts a decision; it does not wait, and counts nothing while another
// decision is being counted.
func (d *Drift) observe(pd float64, x []float64) {
	if !d.mu.TryLock() {
		return
	}
	defer d.mu.Unlock()
	for i := range d.mu.series {
		s := &d.mu.series[i]
		v := pd
		if s.column >= 0 {
			if s.column >= len(x) {
				continue
			}
			v = x[s.column]
		}
		s.counts[binOf(&s.ref, v)]++
		s.rows++
	}
	if d.mu.rows++; d.mu.rows >= driftHalveAt {
		d.mu.rows /= 2
		for i := range d.mu.series {
			s := &d.mu.series[i]
			s.rows = 0
			for j := range s.counts {
				s.counts[j] /= 2
				s.rows += s.counts[j]
			}
		}
	}
}

// binOf returns the bin of v. Bin len(Edges) holds values above all edges, and the
// last bin missing values.
func binOf(h *models.Histogram, v float64) int {
	if math.IsNaN(v) {
		return len(h.Edges) + 1
	}
	return sort.SearchFloat64s(h.Edges, v)
}

// Values returns the drift of each distribution that has seen rows.
func (d *Drift) Values() []DriftValue {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []DriftValue
	for i := range d.mu.series {
		s := &d.mu.series[i]
		if s.rows > 0 {
			out = append(out, DriftValue{s.name, psi(s.ref.Shares, s.counts, s.rows), s.rows})
		}
	}
	return out
}

// psi is the population stability index. Each share is at least half a row, so
// that an empty bin does not make it infinite.
func psi(ref []float64, counts []int64, rows int64) float64 {
	least := 0.5 / float64(rows)
	sum := 0.0
	for i, c := range counts {
		p, q := math.Max(float64(c)/float64(rows), least), math.Max(ref[i], least)
		sum += float64((p - q) * math.Log(p/q))
	}
	return sum
}

// driftCollector shows drift as metrics. Its labels are feature names of the plan.
type driftCollector struct{ d *Drift }

var driftDesc = prometheus.NewDesc("assay_drift_psi",
	"Population stability index against training, by feature; score is the PD.", []string{"name"}, nil)

// Describe implements prometheus.Collector.
func (c driftCollector) Describe(ch chan<- *prometheus.Desc) { ch <- driftDesc }

// Collect implements prometheus.Collector.
func (c driftCollector) Collect(ch chan<- prometheus.Metric) {
	for _, v := range c.d.Values() {
		ch <- prometheus.MustNewConstMetric(driftDesc, prometheus.GaugeValue, v.PSI, v.Name)
	}
}
