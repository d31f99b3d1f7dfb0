// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
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

// maxStreams bounds the calls of one connection that are under way.
const maxStreams = 4096

// streamWorkers is how many goroutines wait for calls.
const streamWorkers = 512

// New makes a server from its configuration and its journal: it loads the models
// that were in force and makes the windows again. The journal's Run must be under
// way.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger, methods: auth.NewTable(), started: cfg.Now(),
		listSlots: make(chan struct{}, maxLists), fillSlots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	acfg := cfg.Auth
	if len(acfg.Keys)+len(acfg.Certificates)+len(acfg.Issuers) == 0 {
		acfg.Open = true
	}
	if s.auth, err = auth.New(acfg); err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	m, err := engine.NewAcceptedModel(cfg.Bundle, cfg.Policy, s.started) // Restore checks whether it was accepted
	if err != nil {
		return nil, err
	}
	s.calls.New = newCall
	s.engine = engine.New(engine.Config{Journal: cfg.Journal, Logger: cfg.Logger, Now: cfg.Now, Load: cfg.Load,
		MaxInFlight: cfg.MaxInFlight, MaxAhead: cfg.MaxAhead, KeepPersonal: cfg.KeepPersonal,
		RatePerSecond: cfg.RatePerSecond, RateBurst: cfg.RateBurst, Traced: cfg.Traces != nil,
		FourEyes: cfg.FourEyes, AcceptedHead: cfg.AcceptedHead, AcceptedClock: cfg.AcceptedClock,
		StartedBy: cfg.StartedBy, HasPolicy: len(cfg.Policy) > 0})
	s.refusals = newRefusalLog(s.log, cfg.Now)
	pending, err := s.engine.Restore(context.Background(), m)
	if err != nil {
		return nil, err
	}
	s.metrics = newMetrics()
	s.registerMetrics(s.metrics.registry)
	s.untilDraining, s.stop = context.WithCancel(context.Background())
	s.grpc = grpc.NewServer(s.options()...)
	s.register(pending)
	return s, nil
}

// options are those of the gRPC server.
func (s *Server) options() []grpc.ServerOption {
	opts := []grpc.ServerOption{
		grpc.ForceServerCodecV2(wire.NewCodec().WithLimit(s.cfg.MaxMessageBytes)),
		experimental.BufferPool(wire.Buffers()), // gRPC's own pool clears each buffer
		// gRPC refuses messages beyond its own limit with an error that names no
		// setting. So its limit is twice ours, which the codec checks.
		grpc.MaxRecvMsgSize(int(min(2*int64(s.cfg.MaxMessageBytes), math.MaxInt32))),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(16 << 10),
		// Of 5,000 connections most are idle: each keeps 16 KiB to read into; write
		// buffers come from a pool.
		grpc.WriteBufferSize(64 << 10),
		grpc.ReadBufferSize(16 << 10),
		// A decision needs a deep stack. Workers keep theirs, while a new goroutine
		// for each call would grow its own (13 % of the server's processor time).
		// Calls beyond the workers get goroutines.
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
		opts = append(opts, grpc.InTapHandle(s.screenCall))
	}
	if s.cfg.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.cfg.TLS)))
	}
	return opts
}

// register adds the services to the gRPC server. pending are the acts that wait
// for a second admin.
func (s *Server) register(pending map[assay.Digest]engine.Proposal) {
	s.health = health.NewServer()
	s.grpc.RegisterService(s.guardService(healthpb.Health_ServiceDesc, nil), s.health)
	// These three decode straight into an assay.Event, and do by themselves all that guardService does.
	s.grpc.RegisterService(s.guardService(assayv1.Scoring_ServiceDesc, map[string]grpc.MethodHandler{
		"Score": scoreHandler, "ScoreBatch": batchHandler, "RecordBatch": recordBatchHandler,
	}), &scoringServer{Server: s})
	adm := newAdmin(s, pending)
	s.grpc.RegisterService(s.guardService(assayv1.Admin_ServiceDesc, nil), adm)
	s.grpc.RegisterService(s.guardService(inferencev2.GRPCInferenceService_ServiceDesc, nil),
		&inference{Server: s, admin: adm})
	reflection.Register(guardedRegistrar{s})
	s.health.SetServingStatus(HealthLive, healthpb.HealthCheckResponse_SERVING)
	s.setReady(false)
}

// tracing returns the options that make a span for every call, a child of the
// caller's span (W3C trace context). Without a provider there are no such options,
// and tracing costs nothing. A span has the method, the status and the times of the
// stages, and no value of the request. Health checks have no spans.
func tracing(p trace.TracerProvider) []grpc.ServerOption {
	if p == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(p),
		otelgrpc.WithMeterProvider(noop.NewMeterProvider()), // metrics are Prometheus's
		otelgrpc.WithPropagators(propagation.TraceContext{}),
		otelgrpc.WithFilter(filters.Not(filters.ServiceName(healthpb.Health_ServiceDesc.ServiceName))),
	))}
}

// Run serves on the listener until ctx ends, and then drains: it reports that it is
// not ready, refuses new calls with UNAVAILABLE, finishes those under way within
// DrainTimeout, and returns nil. It may be called once.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	if s.ran.Swap(true) {
		return errors.New("serving: Run was called twice")
	}
	if !s.auth.Configured() {
		if !loopback(l.Addr()) {
			l.Close()
			return fmt.Errorf("serving: no credentials are configured, so the server listens on loopback only, not "+
				"on %s: configure auth (keys, certificates or issuers)", l.Addr())
		}
		s.log.Warn("no credentials are configured: every local caller has all roles", "address", l.Addr().String())
	}
	s.warnOfExposure(l.Addr())
	background, stopBackground := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.engine.Run(background) }()
	defer func() { stopBackground(); <-stopped }()
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

// drain refuses new calls and finishes those under way.
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
