// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/wire"
)

type callerKey struct{}

// callerOf returns who calls; enter has put it there.
func callerOf(ctx context.Context) auth.Caller {
	c, _ := ctx.Value(callerKey{}).(auth.Caller)
	return c
}

// enter authenticates and authorizes a call, and keeps the caller in the
// context. A caller that is known and may not call is returned with the error.
func (s *Server) enter(ctx context.Context, method string) (context.Context, auth.Caller, error) {
	if s.methods.Public(method) {
		return ctx, auth.Caller{}, nil
	}
	caller, err := s.admitCaller(ctx, method)
	if err != nil {
		return nil, caller, err
	}
	if _, known := ctx.Value(callerKey{}).(auth.Caller); known {
		return ctx, caller, nil
	}
	return context.WithValue(ctx, callerKey{}, caller), caller, nil
}

// admitCaller authenticates and authorizes a call of a method that is not
// public, and that somebody still waits for. A caller that is known and may not
// call is returned with the error.
func (s *Server) admitCaller(ctx context.Context, method string) (auth.Caller, error) {
	if s.draining.Load() {
		return auth.Caller{}, assay.ErrUnavailable
	}
	if err := refusalOf(ctx); err != nil {
		return auth.Caller{}, err
	}
	caller, known := ctx.Value(callerKey{}).(auth.Caller) // from arrive
	if !known {
		var err error
		if caller, err = s.auth.Authenticate(ctx, credential(ctx)); err != nil {
			return auth.Caller{}, err
		}
		if conn := connectionOf(ctx); conn != nil {
			conn.recognise()
		}
	}
	if err := s.methods.Allow(caller, method); err != nil {
		return caller, err
	}
	// Work past its deadline is not started, of whatever kind.
	return caller, ctx.Err()
}

// certificateOf returns the certificate that TLS has verified, or nil.
func certificateOf(ctx context.Context) *x509.Certificate {
	if p, ok := peer.FromContext(ctx); ok {
		if t, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(t.State.VerifiedChains) > 0 {
			return t.State.VerifiedChains[0][0]
		}
	}
	return nil
}

// conclude ends a unary handler; defer it.
func (s *Server) conclude(method string, caller *auth.Caller, start time.Time, resp *any, err *error) {
	if r := recover(); r != nil {
		*resp, *err = nil, s.panicked(method, r)
	} else if *err != nil {
		*resp, *err = nil, s.fail(method, caller.Name, *err)
	}
	s.metrics.answered(method, status.Code(*err), time.Since(start))
}

// guard is one method of guarded.
func (s *Server) guard(method string, handle grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
		err error) {
		var caller auth.Caller
		defer s.conclude(method, &caller, time.Now(), &resp, &err)
		ctx, caller, err = s.enter(ctx, method)
		if err != nil {
			return nil, err
		}
		return handle(srv, ctx, func(req any) error { return take(decode, &wire.DecodeAttempt{Message: req}) }, nil)
	}
}

// guardStream is one stream of guarded. A method of one request reads no more
// than that.
func (s *Server) guardStream(method string, one bool, handle grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, ss grpc.ServerStream) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = s.panicked(method, r)
			}
		}()
		start := time.Now()
		in, caller, err := s.enter(ss.Context(), method)
		if err == nil {
			err = handle(srv, &streamWith{ServerStream: ss, ctx: in, one: one})
		}
		if err != nil {
			err = s.fail(method, caller.Name, err)
		}
		s.metrics.answered(method, status.Code(err), time.Since(start))
		return err
	}
}

// fail turns an error into its status. What the caller is not told stands in
// the log: our own errors never repeat a personal value. A refusal leaves a line,
// too.
func (s *Server) fail(method, caller string, err error) error {
	st := statusOf(err)
	switch code := status.Code(st); code {
	case codes.Internal, codes.Unknown:
		s.log.Error("internal error", "method", method, "error", err)
	case codes.Unavailable:
		if !errors.Is(err, assay.ErrUnavailable) || !s.draining.Load() {
			s.log.Warn("unavailable", "method", method, "error", err)
		}
	default:
		if refused(code) {
			s.refusals.say(method, caller, code.String(), s.fieldOf(err))
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

// guarded is a service's description whose methods authenticate before they read
// the request, as an interceptor, which is called with the request, cannot:
// nobody who is not known makes the server decode anything. Methods in own do by
// themselves all that is done here.
//
// gRPC is told that every method takes a stream of messages, and what takes one
// message counts for itself: gRPC answers a call without a message, or with two,
// as an INTERNAL fault before a handler can say whose fault it is. It treats both
// kinds alike otherwise, so it costs nothing.
func (s *Server) guarded(d grpc.ServiceDesc, own map[string]grpc.MethodHandler) *grpc.ServiceDesc {
	streams := slices.Clone(d.Streams)
	for i := range streams {
		m := &streams[i]
		m.Handler = s.guardStream("/"+d.ServiceName+"/"+m.StreamName, !m.ClientStreams, m.Handler)
		m.ClientStreams = true
	}
	for _, m := range d.Methods {
		handle := own[m.MethodName]
		if handle == nil {
			handle = s.guard("/"+d.ServiceName+"/"+m.MethodName, m.Handler)
		}
		streams = append(streams,
			grpc.StreamDesc{StreamName: m.MethodName, ClientStreams: true, Handler: unary(handle)})
	}
	d.Streams, d.Methods = streams, nil
	return &d
}

// guardedServices registers services as guarded describes them; it implements
// reflection.GRPCServer.
type guardedServices struct{ *Server }

// RegisterService implements grpc.ServiceRegistrar.
func (g guardedServices) RegisterService(d *grpc.ServiceDesc, impl any) {
	g.grpc.RegisterService(g.guarded(*d, nil), impl)
}

// GetServiceInfo implements reflection.ServiceInfoProvider.
func (g guardedServices) GetServiceInfo() map[string]grpc.ServiceInfo { return g.grpc.GetServiceInfo() }

// unary is a method of one request and one reply as a stream's handler.
func unary(handle grpc.MethodHandler) grpc.StreamHandler {
	return func(srv any, stream grpc.ServerStream) error {
		reply, err := handle(srv, stream.Context(), func(m any) error { return receiveOne(stream, m) }, nil)
		if err != nil {
			return err
		}
		return stream.SendMsg(reply)
	}
}

// receiveOne reads the only message of a call. A client that sends none, or
// more, is at fault.
func receiveOne(stream grpc.ServerStream, m any) error {
	switch err := stream.RecvMsg(m); err {
	case nil:
	case io.EOF:
		return &assay.FieldError{Field: "request",
			Problem: "is missing: the call ended without a message; send one, if it is empty"}
	default:
		return err
	}
	switch err := stream.RecvMsg(wire.Discard{}); err {
	case io.EOF:
		return nil
	case nil:
		return &assay.FieldError{Field: "request", Problem: "came more than once: the method takes one message"}
	default:
		return err
	}
}

// streamWith is a stream of a caller that is known.
type streamWith struct {
	grpc.ServerStream
	ctx     context.Context
	one     bool               // of requests
	attempt wire.DecodeAttempt // one RecvMsg runs at a time
}

// RecvMsg implements grpc.ServerStream.
func (s *streamWith) RecvMsg(m any) error {
	s.attempt = wire.DecodeAttempt{Message: m}
	return take(s.receive, &s.attempt)
}

func (s *streamWith) receive(m any) error {
	if s.one {
		return receiveOne(s.ServerStream, m)
	}
	return s.ServerStream.RecvMsg(m)
}

// Context implements grpc.ServerStream.
func (s *streamWith) Context() context.Context { return s.ctx }
