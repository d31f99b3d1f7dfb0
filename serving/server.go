// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// Names under which the health service answers. The empty name and Ready are
// SERVING while requests are taken; Live is SERVING as long as the process runs.
const (
	HealthLive  = "live"
	HealthReady = "ready"
)

// maxStreams bounds the calls of one connection that are under way.
const maxStreams = 4096

// streamWorkers is how many goroutines stand ready for calls.
const streamWorkers = 512

// Server answers over gRPC. Make it with New and run it once with Run.
type Server struct {
	cfg      Config
	log      *slog.Logger
	engine   *engine.Engine
	calls    sync.Pool // *call
	auth     *auth.Authenticator
	conns    *connections // nil when no credentials are configured
	methods  *auth.Table
	metrics  *metrics
	refusals *refusals
	plain    atomic.Bool // credentials are taken on a public address without TLS
	health   *health.Server
	grpc     *grpc.Server
	admin    *admin
	restored map[assay.Digest]engine.Proposal // from the journal
	started  time.Time
	serving  context.Context // ends when draining begins
	stop     context.CancelFunc
	lists    chan struct{} // one for each page of ListDecisions that is asked for
	filling  chan struct{} // and for each that is being filled
	gaveWay  atomic.Int64  // how often a page waited for scoring
	draining atomic.Bool
	ran      atomic.Bool
}

// New loads the bundle, makes the windows again from the journal, and returns
// a server that is ready to Run. The journal's Run must be under way.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger, methods: auth.NewTable(), started: cfg.Now(),
		lists: make(chan struct{}, maxLists), filling: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	acfg := cfg.Auth
	if len(acfg.Keys)+len(acfg.Certificates)+len(acfg.Issuers) == 0 {
		acfg.Open = true
	}
	if s.auth, err = auth.New(acfg); err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	m, err := engine.NewAcceptedModel(cfg.Bundle, cfg.Policy, s.started) // Restore says whether it was
	if err != nil {
		return nil, err
	}
	s.calls.New = newCall
	s.engine = engine.New(engine.Config{Journal: cfg.Journal, Logger: cfg.Logger, Now: cfg.Now, Load: cfg.Load,
		MaxInFlight: cfg.MaxInFlight,
		MaxAhead:    cfg.MaxAhead, RatePerSecond: cfg.RatePerSecond, RateBurst: cfg.RateBurst,
		Traced:   cfg.Traces != nil,
		FourEyes: cfg.FourEyes, AcceptedHead: cfg.AcceptedHead, StartedBy: cfg.StartedBy,
		HasPolicy: len(cfg.Policy) > 0})
	s.refusals = newRefusals(s.log, cfg.Now)
	if s.restored, err = s.engine.Restore(context.Background(), m); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(s)
	s.serving, s.stop = context.WithCancel(context.Background())
	s.register()
	return s, nil
}

// register makes the gRPC server and its services.
func (s *Server) register() {
	opts := []grpc.ServerOption{
		grpc.ForceServerCodecV2(wire.NewCodec().WithLimit(s.cfg.MaxMessageBytes)),
		experimental.BufferPool(wire.Buffers()), // grpc's own clears each buffer
		// What is beyond gRPC's own limit it refuses by itself, in words that name no
		// setting: messages of up to twice the limit come as far as the codec.
		grpc.MaxRecvMsgSize(int(min(2*int64(s.cfg.MaxMessageBytes), math.MaxInt32))),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(16 << 10),
		// Of 5,000 connections most are idle: each keeps 16 KiB to read into, and
		// borrows what it writes from.
		grpc.WriteBufferSize(64 << 10),
		grpc.ReadBufferSize(16 << 10),
		// A decision needs a deep stack; workers keep theirs, where a goroutine a
		// call grows one anew each time (13 % of the server's CPU). Calls beyond
		// the workers get goroutines.
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 15 * time.Minute, Time: time.Minute,
			Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second,
			PermitWithoutStream: true}),
	}
	opts = append(opts, tracing(s.cfg.Traces)...)
	if s.auth.Configured() {
		opts = append(opts, grpc.InTapHandle(s.arrive))
	}
	if s.cfg.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.cfg.TLS)))
	}
	s.grpc = grpc.NewServer(opts...)
	s.health = health.NewServer()
	s.grpc.RegisterService(s.guarded(healthpb.Health_ServiceDesc, nil), s.health)
	s.grpc.RegisterService(s.guarded(assayv1.Scoring_ServiceDesc, scoringOwn()), &scoringServer{Server: s})
	adm := &admin{Server: s, preparing: make(chan struct{}, maxPreparing)}
	adm.mu.pending = s.restored
	s.admin = adm
	s.grpc.RegisterService(s.guarded(assayv1.Admin_ServiceDesc, nil), adm)
	s.grpc.RegisterService(s.guarded(inferencev2.GRPCInferenceService_ServiceDesc, nil), &inference{Server: s})
	reflection.Register(guardedServices{s})
	s.health.SetServingStatus(HealthLive, healthpb.HealthCheckResponse_SERVING)
	s.setReady(false)
}

func (s *Server) setReady(ready bool) {
	st := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		st = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", st)
	s.health.SetServingStatus(HealthReady, st)
}

// Run serves on the listener until ctx ends, then drains: it is not ready any
// more, refuses new work with UNAVAILABLE, finishes what is under way within
// DrainTimeout, and returns nil. It runs once.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	if s.ran.Swap(true) {
		return errors.New("serving: Run was called twice")
	}
	if !s.auth.Configured() {
		if !loopback(l.Addr()) {
			l.Close()
			return fmt.Errorf("serving: no credentials are configured, so the server listens on loopback alone, not "+
				"on %s: configure auth (keys, certificates or issuers)", l.Addr())
		}
		s.log.Warn("no credentials are configured: every local caller has all roles", "address", l.Addr().String())
	}
	s.warnOfExposure(l.Addr())
	beside, stopBeside := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.engine.Run(beside) }()
	defer func() { stopBeside(); <-stopped }()
	if s.auth.Configured() {
		s.conns = newConnections(l)
		l = s.conns
	}
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(l) }()
	s.setReady(true)
	s.log.Info("serving", "address", l.Addr().String(), "tls", s.cfg.TLS != nil)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.drain()
	<-failed
	return nil
}

// drain stops taking requests and finishes those under way.
func (s *Server) drain() {
	s.draining.Store(true)
	s.stop()
	s.setReady(false)
	s.log.Info("draining", "in_flight", s.engine.InFlight(), "bound", s.cfg.DrainTimeout)
	stopped := make(chan struct{})
	go func() { s.grpc.GracefulStop(); close(stopped) }()
	timer := time.NewTimer(s.cfg.DrainTimeout)
	defer timer.Stop()
	select {
	case <-stopped:
	case <-timer.C:
		s.log.Warn("drain took too long: closing connections", "in_flight", s.engine.InFlight())
		s.grpc.Stop()
		<-stopped
	}
}

// ready returns nil when requests are taken, or why not.
func (s *Server) ready() error {
	if s.draining.Load() {
		return fmt.Errorf("draining: %w", assay.ErrUnavailable)
	}
	return s.cfg.Journal.Ready()
}

// loopback reports whether an address can be reached from this machine alone.
func loopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return a.Network() == "bufconn" || a.Network() == "pipe"
}
