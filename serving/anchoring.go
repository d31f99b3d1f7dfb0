// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// AnchoringStatus is the state of the anchoring of checkpoints. The server knows no
// chain; it gets this from Config.Anchoring.
type AnchoringStatus struct {
	State   string   // one of States
	States  []string // every value that State can have
	Problem string   // what keeps checkpoints from being anchored, empty if nothing
	Size    uint64   // leaves under the newest anchored checkpoint
	Pending uint64   // leaves under the newest checkpoint under way, 0 if there is none
	Time    time.Time
	Raised  uint64 // fees raised since the start
	Renewed uint64 // transactions made anew since the start
}

// anchoringCollector shows an AnchoringStatus as metrics.
type anchoringCollector struct{ status func() AnchoringStatus }

var (
	anchoringState = prometheus.NewDesc("assay_anchoring_state", "1 for the state that anchoring is in.",
		[]string{"state"}, nil)
	anchoringSize = prometheus.NewDesc("assay_anchoring_size", "Records under the newest anchored checkpoint.", nil,
		nil)
	anchoringPending = prometheus.NewDesc("assay_anchoring_pending",
		"Records under the newest checkpoint under way to the chain, 0 if there is none.", nil, nil)
	anchoringTime = prometheus.NewDesc("assay_anchoring_time_seconds",
		"When the newest anchored checkpoint's proof was stored, in seconds since 1970.", nil, nil)
	anchoringRaised = prometheus.NewDesc("assay_anchoring_raised_total", "Transactions whose fee was raised.", nil,
		nil)
	anchoringRenewed = prometheus.NewDesc("assay_anchoring_renewed_total",
		"Transactions made anew, because the node could not use their nonce or would not take them.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *anchoringCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{anchoringState, anchoringSize, anchoringPending, anchoringTime,
		anchoringRaised, anchoringRenewed} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *anchoringCollector) Collect(ch chan<- prometheus.Metric) {
	a := c.status()
	for _, s := range a.States {
		in := 0.0
		if s == a.State {
			in = 1
		}
		ch <- prometheus.MustNewConstMetric(anchoringState, prometheus.GaugeValue, in, s)
	}
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	gauge(anchoringSize, float64(a.Size))
	gauge(anchoringPending, float64(a.Pending))
	if !a.Time.IsZero() {
		gauge(anchoringTime, float64(a.Time.Unix()))
	}
	ch <- prometheus.MustNewConstMetric(anchoringRaised, prometheus.CounterValue, float64(a.Raised))
	ch <- prometheus.MustNewConstMetric(anchoringRenewed, prometheus.CounterValue, float64(a.Renewed))
}
