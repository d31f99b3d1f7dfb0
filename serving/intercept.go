// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/auth"
)

type callerKey struct{}

// callerOf returns who calls; the interceptors have put it there.
func callerOf(ctx context.Context) auth.Caller {
	c, _ := ctx.Value(callerKey{}).(auth.Caller)
	return c
}

// enter authenticates and authorizes a call, and keeps the caller in the context.
func (s *Server) enter(ctx context.Context, method string) (context.Context, error) {
	if s.methods.Public(method) {
		return ctx, nil
	}
	caller, err := s.admitCaller(ctx, method)
	if err != nil {
		return nil, err
	}
	return context.WithValue(ctx, callerKey{}, caller), nil
}

// admitCaller authenticates and authorizes a call of a method that is not
// public, and that somebody still waits for.
func (s *Server) admitCaller(ctx context.Context, method string) (auth.Caller, error) {
	if s.draining.Load() {
		return auth.Caller{}, assay.ErrUnavailable
	}
	caller, err := s.auth.Authenticate(ctx, credential(ctx))
	if err != nil {
		return auth.Caller{}, err
	}
	if err := s.methods.Allow(caller, method); err != nil {
		return auth.Caller{}, err
	}
	// Work past its deadline is not started, of whatever kind.
	return caller, ctx.Err()
}

// credential reads what the call carries.
func credential(ctx context.Context) (c auth.Credential) {
	if v := metadata.ValueFromIncomingContext(ctx, "x-api-key"); len(v) > 0 {
		c.APIKey = v[0]
		c.Malformed = len(v) > 1
	}
	if v := metadata.ValueFromIncomingContext(ctx, "authorization"); len(v) > 0 {
		c.ParseAuthorization(v[0])
		c.Malformed = c.Malformed || len(v) > 1
	}
	if p, ok := peer.FromContext(ctx); ok {
		if t, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(t.State.VerifiedChains) > 0 {
			c.Certificate = t.State.VerifiedChains[0][0]
		}
	}
	return c
}

// conclude ends a handler that goes without the interceptor; defer it.
func (s *Server) conclude(method string, start time.Time, resp *any, err *error) {
	if r := recover(); r != nil {
		*resp, *err = nil, s.panicked(method, r)
	} else if *err != nil {
		*resp, *err = nil, s.fail(method, *err)
	}
	s.metrics.answered(method, status.Code(*err), time.Since(start))
}

// unary is the one unary interceptor.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if r := recover(); r != nil {
			resp, err = nil, s.panicked(info.FullMethod, r)
		}
	}()
	start := time.Now()
	in, err := s.enter(ctx, info.FullMethod)
	if err == nil {
		resp, err = handler(in, req)
	}
	if err != nil {
		resp, err = nil, s.fail(info.FullMethod, err)
	}
	s.metrics.answered(info.FullMethod, status.Code(err), time.Since(start))
	return resp, err
}

// stream is the one stream interceptor.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.panicked(info.FullMethod, r)
		}
	}()
	start := time.Now()
	in, err := s.enter(ss.Context(), info.FullMethod)
	if err == nil {
		err = handler(srv, &streamWith{ss, in})
	}
	if err != nil {
		err = s.fail(info.FullMethod, err)
	}
	s.metrics.answered(info.FullMethod, status.Code(err), time.Since(start))
	return err
}

type streamWith struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *streamWith) Context() context.Context { return s.ctx }

// fail turns an error into its status. What the caller is not told stands in
// the log: our own errors never repeat a personal value.
func (s *Server) fail(method string, err error) error {
	st := statusOf(err)
	switch status.Code(st) {
	case codes.Internal, codes.Unknown:
		s.log.Error("internal error", "method", method, "error", err)
	case codes.Unavailable:
		if !errors.Is(err, assay.ErrUnavailable) || !s.draining.Load() {
			s.log.Warn("unavailable", "method", method, "error", err)
		}
	}
	return st
}

// panicked answers a panic. The panic's value may hold anything, so the log
// has its type and the stack alone.
func (s *Server) panicked(method string, r any) error {
	s.log.Error("panic", "method", method, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
	return status.Error(codes.Internal, public[codes.Internal])
}
