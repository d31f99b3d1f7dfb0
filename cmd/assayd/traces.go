// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/assayrisk/assay/internal/version"
)

// traceFlush bounds how long a stopping server waits for its last spans.
const traceFlush = 5 * time.Second

// newTracerProvider connects to the collector of s; without one it returns nil. A sampled
// caller's calls are sampled, of the others the share that s names.
func newTracerProvider(ctx context.Context, s *settings) (*trace.TracerProvider, error) {
	if s.Traces == "" {
		return nil, nil
	}
	u, err := url.Parse(s.Traces)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: --traces: want the collector's OTLP/gRPC address, such as http://localhost:4317 "+
			"(https with TLS)", errUsage)
	}
	if s.TraceShare > 1 {
		return nil, fmt.Errorf("%w: --trace-share: want a share from 0 to 1", errUsage)
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(s.Traces))
	if err != nil {
		return nil, fmt.Errorf("--traces: %w", err)
	}
	return trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(s.TraceShare))),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", "assayd"),
			attribute.String("service.version", version.String()))),
	), nil
}

// endTraces sends what is left.
func endTraces(p *trace.TracerProvider) error {
	if p == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), traceFlush)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	return nil
}
