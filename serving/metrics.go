// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc/codes"

	"github.com/assayrisk/assay/serving/auth"
)

// metrics are the server's metrics, in a registry of its own. No label holds a value
// of a request.
type metrics struct {
	registry *prometheus.Registry
	methods  map[string]*methodMetrics
	other    *methodMetrics // names that are not in the table
}

// methodMetrics are the metrics of one method, looked up once.
type methodMetrics struct {
	handling prometheus.Observer
	handled  [codes.Unauthenticated + 1]prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), methods: map[string]*methodMetrics{}}
	buckets := []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}
	handling := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "grpc_server_handling_seconds",
		Help: "Time to answer a call, by method.", Buckets: buckets}, []string{"grpc_service", "grpc_method"})
	handled := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "grpc_server_handled_total",
		Help: "Calls answered, by method and status code."}, []string{"grpc_service", "grpc_method", "grpc_code"})
	m.registry.MustRegister(handling, handled, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	of := func(service, method string) *methodMetrics {
		mm := &methodMetrics{handling: handling.WithLabelValues(service, method)}
		for c := range mm.handled {
			mm.handled[c] = handled.WithLabelValues(service, method, codes.Code(c).String())
		}
		return mm
	}
	for full := range auth.Methods() {
		service, method, _ := strings.Cut(full[1:], "/")
		m.methods[full] = of(service, method)
	}
	m.other = of("other", "other")
	return m
}

// countCall counts a call.
func (m *metrics) countCall(method string, code codes.Code, took time.Duration) {
	mm := m.methods[method]
	if mm == nil {
		mm = m.other
	}
	if int(code) >= len(mm.handled) {
		code = codes.Unknown
	}
	mm.handled[code].Inc()
	mm.handling.Observe(took.Seconds())
}

// registerGauge adds a metric whose value fn returns.
func registerGauge(r *prometheus.Registry, name, help string, fn func() float64) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, fn))
}
