// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"container/list"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of the operators' port, which needs no credential: its connections, and
// how many answers of /metrics are made at once.
const (
	maxOpsConnections = 128
	maxScrapes        = 4
)

// OpsListener bounds the connections of l, on which Ops is served: when there is
// one more, the oldest is closed, so that idle connections cannot keep out a probe
// or a scraper.
func OpsListener(l net.Listener) net.Listener {
	return &evictingListener{Listener: l, limit: maxOpsConnections}
}

// evictingListener keeps only its newest connections open.
type evictingListener struct {
	net.Listener
	limit int
	mu    sync.Mutex
	open  list.List // *evictingConn, the oldest first; owned by mu
}

// Accept implements net.Listener.
func (l *evictingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &evictingConn{Conn: c, listener: l}
	var oldest *evictingConn
	l.mu.Lock()
	conn.element = l.open.PushBack(conn)
	if l.open.Len() > l.limit {
		oldest = l.open.Front().Value.(*evictingConn)
	}
	l.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return conn, nil
}

type evictingConn struct {
	net.Conn
	listener *evictingListener
	element  *list.Element // in listener.open
	once     sync.Once
}

// Close implements net.Conn.
func (c *evictingConn) Close() error {
	c.once.Do(func() {
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		c.listener.open.Remove(c.element)
	})
	return c.Conn.Close()
}

// Ops returns the handler for operators: /metrics for Prometheus, /livez and /readyz
// for probes. Its answers hold nothing personal; still, keep it off the open network,
// and serve it on an OpsListener.
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

// registerMetrics adds the metrics of the server's state.
func (s *Server) registerMetrics(r *prometheus.Registry) {
	gauge := func(name, help string, fn func() float64) { registerGauge(r, name, help, fn) }
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
	gauge("assay_clock_jump_seconds", "How far the machine's clock lies ahead of that of the records, which does not "+
		"follow jumps; negative: behind.", func() float64 { return s.cfg.Journal.Clock().Jump().Seconds() })
	gauge("assay_clock_behind_seconds", "How far the clock lies before the newest record, whose time new records have "+
		"until it has caught up.", func() float64 { return max(0, -s.cfg.Journal.SinceNewest().Seconds()) })
	gauge("assay_ready", "1 while requests are accepted.", func() float64 {
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
	s.registerWarnings(r)
	if s.cfg.Anchoring != nil {
		r.MustRegister(&anchoringCollector{s.cfg.Anchoring})
	}
	r.MustRegister(s.engine.Collectors()...)
}
