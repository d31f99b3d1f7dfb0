// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
)

// The services that the health service knows. HealthReady and the empty name are
// SERVING while requests are accepted; HealthLive is SERVING as long as the process
// runs.
const (
	HealthLive  = "live"
	HealthReady = "ready"
)

// Server answers over gRPC. Make it with New and run it once with Run.
type Server struct {
	cfg             Config
	log             *slog.Logger
	engine          *engine.Engine
	calls           sync.Pool // *call
	auth            *auth.Authenticator
	conns           *connections // nil when no credentials are configured
	methods         *auth.Table
	metrics         *metrics
	refusals        *refusalLog
	plaintextPublic atomic.Bool // credentials are accepted on a public address without TLS
	health          *health.Server
	grpc            *grpc.Server
	started         time.Time
	untilDraining   context.Context // ends when draining begins
	stop            context.CancelFunc
	listSlots       chan struct{} // one for each call of ListDecisions under way
	fillSlots       chan struct{} // one for each of them whose page is being filled
	yields          atomic.Int64  // how often a page has waited for scoring
	draining        atomic.Bool
	ran             atomic.Bool
}

func (s *Server) setReady(ready bool) {
	st := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		st = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", st)
	s.health.SetServingStatus(HealthReady, st)
}

// ready returns nil while requests are accepted, or else why they are not.
func (s *Server) ready() error {
	if s.draining.Load() {
		return fmt.Errorf("draining: %w", assay.ErrUnavailable)
	}
	return s.cfg.Journal.Ready()
}

// loopback reports whether an address can be reached from this machine only.
func loopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return a.Network() == "bufconn" || a.Network() == "pipe"
}

// untilDrain returns a context that also ends when the server drains, for
// streams that would never end by themselves.
func (s *Server) untilDrain(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.untilDraining, cancel)
	return ctx, func() { stop(); cancel() }
}
