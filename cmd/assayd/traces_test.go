// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// fakeCollector takes spans over OTLP and keeps their names.
type fakeCollector struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	names []string
}

func (f *fakeCollector) Export(_ context.Context,
	r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rs := range r.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				f.names = append(f.names, s.Name)
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// TestTraces: spans reach a collector over OTLP, and without one there is no
// provider.
func TestTraces(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake, srv := new(fakeCollector), grpc.NewServer()
	collector.RegisterTraceServiceServer(srv, fake)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	p, err := newTracerProvider(t.Context(), &settings{Traces: "http://" + l.Addr().String(), TraceShare: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("t").Start(t.Context(), "decision")
	span.End()
	if err := endTraces(p); err != nil {
		t.Fatal(err)
	}
	srv.Stop()
	<-done
	if len(fake.names) != 1 || fake.names[0] != "decision" {
		t.Errorf("the collector got %q", fake.names)
	}

	if p, err := newTracerProvider(t.Context(), &settings{}); p != nil || err != nil {
		t.Errorf("without a collector: %v, %v", p, err)
	}
	for _, bad := range []settings{{Traces: "localhost:4317"}, {Traces: "http://localhost:4317", TraceShare: 2}} {
		if _, err := newTracerProvider(t.Context(), &bad); !errors.Is(err, errUsage) {
			t.Errorf("%+v: %v, want a usage error", bad, err)
		}
	}
}
