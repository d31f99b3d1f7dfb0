// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"

	"github.com/assayrisk/assay/serving/auth"
)

// metrics are the server's, in a registry of its own. No label ever holds what
// a request carries.
type metrics struct {
	registry *prometheus.Registry
	methods  map[string]*methodMetrics
	other    *methodMetrics // names that are not in the table
}

// methodMetrics are the instruments of one method, looked up once.
type methodMetrics struct {
	handling prometheus.Observer
	handled  [codes.Unauthenticated + 1]prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), methods: map[string]*methodMetrics{}}
	buckets := []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}
	handling := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "grpc_server_handling_seconds",
		Help: "Time to answer a call, by method.", Buckets: buckets}, []string{"grpc_service", "grpc_method"})
	handled := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "grpc_server_handled_total",
		Help: "Calls answered, by method and status code."}, []string{"grpc_service", "grpc_method", "grpc_code"})
	m.registry.MustRegister(handling, handled, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, fn func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, fn))
	}
	gauge("assay_rows_in_flight", "Rows under way.", func() float64 { return float64(s.engine.InFlight()) })
	gauge("assay_journal_taken", "Sequence numbers taken.", func() float64 {
		return float64(s.cfg.Journal.Stats().Taken)
	})
	gauge("assay_journal_durable", "Records that are durable.", func() float64 {
		return float64(s.cfg.Journal.Stats().Durable)
	})
	gauge("assay_journal_published", "Records under the newest published checkpoint.", func() float64 {
		return float64(s.cfg.Journal.Stats().Published)
	})
	gauge("assay_ready", "1 while requests are taken.", func() float64 {
		if s.ready() != nil {
			return 0
		}
		return 1
	})
	gauge("assay_shadow_queue", "Vectors that wait for the shadow models.", func() float64 {
		return float64(s.engine.Shadows().Waiting())
	})
	gauge("assay_shadow_dropped", "Vectors that found the shadow queue full.", func() float64 {
		return float64(s.engine.Shadows().Dropped())
	})
	s.registerWarnings(m.registry)
	if s.cfg.Anchoring != nil {
		m.registry.MustRegister(&anchoringCollector{s.cfg.Anchoring})
	}
	m.registry.MustRegister(s.engine.Collectors()...)

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

// answered counts a call.
func (m *metrics) answered(method string, code codes.Code, took time.Duration) {
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

// Ops returns the handler for operators: /metrics for Prometheus, /livez and
// /readyz for probes. It tells nothing personal; still, keep it off the open
// network, and serve it on an OpsListener.
func (s *Server) Ops() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics",
		promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.ready() != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	return mux
}
