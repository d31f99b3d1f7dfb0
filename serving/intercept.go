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
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/wire"
)

type callerKey struct{}

// callerOf returns the caller that authorizeContext put into the context.
func callerOf(ctx context.Context) auth.Caller {
	c, _ := ctx.Value(callerKey{}).(auth.Caller)
	return c
}

// authorizeContext is authorize for a method of any kind, and puts the caller into
// the context.
func (s *Server) authorizeContext(ctx context.Context, method string) (context.Context, auth.Caller, error) {
	if s.methods.Public(method) {
		return ctx, auth.Caller{}, nil
	}
	caller, err := s.authorize(ctx, method)
	if err != nil {
		return nil, caller, err
	}
	if _, known := ctx.Value(callerKey{}).(auth.Caller); known {
		return ctx, caller, nil
	}
	return context.WithValue(ctx, callerKey{}, caller), caller, nil
}

// authorize authenticates and authorizes a call of a method that is not public. It
// returns an error when the deadline has passed or the server drains, too. If the
// caller is known and lacks the role, it is returned with the error.
func (s *Server) authorize(ctx context.Context, method string) (auth.Caller, error) {
	if s.draining.Load() {
		return auth.Caller{}, assay.ErrUnavailable
	}
	if err := refusalOf(ctx); err != nil {
		return auth.Caller{}, err
	}
	caller, known := ctx.Value(callerKey{}).(auth.Caller) // from screenCall
	if !known {
		var err error
		if caller, err = s.auth.Authenticate(ctx, credentialOfStream(ctx)); err != nil {
			return auth.Caller{}, err
		}
		if conn := connectionOf(ctx); conn != nil {
			conn.markKnown()
		}
	}
	if err := s.methods.Allow(caller, method); err != nil {
		return caller, err
	}
	// Work past its deadline is not begun, of whatever kind.
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

// finishUnary ends a unary handler: it turns errors and panics into statuses, and
// counts the call. It must be deferred.
func (s *Server) finishUnary(method string, caller *auth.Caller, start time.Time, resp *any, err *error) {
	if r := recover(); r != nil {
		*resp, *err = nil, s.panicStatus(method, r)
	} else if *err != nil {
		*resp, *err = nil, s.failCall(method, caller.Name, *err)
	}
	s.metrics.countCall(method, status.Code(*err), time.Since(start))
}

// guardUnary is guardService for one method of one request and one reply.
func (s *Server) guardUnary(method string, handle grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
		err error) {
		var caller auth.Caller
		defer s.finishUnary(method, &caller, time.Now(), &resp, &err)
		ctx, caller, err = s.authorizeContext(ctx, method)
		if err != nil {
			return nil, err
		}
		return handle(srv, ctx, func(req any) error {
			return decodeRequest(decode, &wire.DecodeAttempt{Message: req})
		}, nil)
	}
}

// guardStream is guardService for one streaming method. With single, the method
// takes one request.
func (s *Server) guardStream(method string, single bool, handle grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, ss grpc.ServerStream) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = s.panicStatus(method, r)
			}
		}()
		start := time.Now()
		in, caller, err := s.authorizeContext(ss.Context(), method)
		if err == nil {
			err = handle(srv, &guardedStream{ServerStream: ss, ctx: in, singleRequest: single})
		}
		if err != nil {
			err = s.failCall(method, caller.Name, err)
		}
		s.metrics.countCall(method, status.Code(err), time.Since(start))
		return err
	}
}

// failCall turns an error into its status, and logs it if the caller does not get
// its text (errors never hold personal values) or if it is a refusal.
func (s *Server) failCall(method, caller string, err error) error {
	st := statusOf(err)
	switch code := status.Code(st); code {
	case codes.Internal, codes.Unknown:
		s.log.Error("internal error", "method", method, "error", err)
	case codes.Unavailable:
		if !errors.Is(err, assay.ErrUnavailable) || !s.draining.Load() {
			s.log.Warn("unavailable", "method", method, "error", err)
		}
	default:
		if isRefusal(code) {
			s.refusals.logCall(method, caller, code.String(), s.knownField(err))
		}
	}
	return st
}

// panicStatus is the status for a panic. The panic's value may hold anything, so
// only its type and the stack are logged.
func (s *Server) panicStatus(method string, r any) error {
	s.log.Error("panic", "method", method, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
	return status.Error(codes.Internal, publicMessages[codes.Internal])
}

// guardService returns a service's description with methods that authenticate
// before they read the request. An interceptor cannot: it is called with the
// decoded request, and the server must not decode anything for unknown callers.
// Methods in own do by themselves all that is done here.
//
// The description says that every method takes a stream of messages, and methods
// of one message count them: gRPC would answer a call with no message, or with two,
// as INTERNAL, before a handler can say that the caller is at fault. In all other
// respects gRPC treats both kinds alike, so this costs nothing.
func (s *Server) guardService(d grpc.ServiceDesc, own map[string]grpc.MethodHandler) *grpc.ServiceDesc {
	streams := slices.Clone(d.Streams)
	for i := range streams {
		m := &streams[i]
		m.Handler = s.guardStream("/"+d.ServiceName+"/"+m.StreamName, !m.ClientStreams, m.Handler)
		m.ClientStreams = true
	}
	for _, m := range d.Methods {
		handle := own[m.MethodName]
		if handle == nil {
			handle = s.guardUnary("/"+d.ServiceName+"/"+m.MethodName, m.Handler)
		}
		streams = append(streams,
			grpc.StreamDesc{StreamName: m.MethodName, ClientStreams: true, Handler: unaryAsStream(handle)})
	}
	d.Streams, d.Methods = streams, nil
	return &d
}

// guardedRegistrar registers services through guardService; it implements
// reflection.GRPCServer.
type guardedRegistrar struct{ *Server }

// RegisterService implements grpc.ServiceRegistrar.
func (g guardedRegistrar) RegisterService(d *grpc.ServiceDesc, impl any) {
	g.grpc.RegisterService(g.guardService(*d, nil), impl)
}

// GetServiceInfo implements reflection.ServiceInfoProvider.
func (g guardedRegistrar) GetServiceInfo() map[string]grpc.ServiceInfo {
	return g.grpc.GetServiceInfo()
}

// unaryAsStream makes the handler of a method of one request and one reply a
// stream's handler.
func unaryAsStream(handle grpc.MethodHandler) grpc.StreamHandler {
	return func(srv any, stream grpc.ServerStream) error {
		reply, err := handle(srv, stream.Context(), func(m any) error { return receiveOne(stream, m) }, nil)
		if err != nil {
			return err
		}
		return stream.SendMsg(reply)
	}
}

// receiveOne reads the only message of a call. It is the client's fault to send
// none, or more than one.
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

// guardedStream is a stream of an authorized caller.
type guardedStream struct {
	grpc.ServerStream
	ctx           context.Context
	singleRequest bool               // the method takes one request
	attempt       wire.DecodeAttempt // one RecvMsg runs at a time
}

// RecvMsg implements grpc.ServerStream.
func (s *guardedStream) RecvMsg(m any) error {
	s.attempt = wire.DecodeAttempt{Message: m}
	return decodeRequest(s.receive, &s.attempt)
}

func (s *guardedStream) receive(m any) error {
	if s.singleRequest {
		return receiveOne(s.ServerStream, m)
	}
	return s.ServerStream.RecvMsg(m)
}

// Context implements grpc.ServerStream.
func (s *guardedStream) Context() context.Context { return s.ctx }

// decodeRequest decodes a request. Bytes that are not a message are the caller's
// fault; an error of decode itself is gRPC's, for instance about the size.
func decodeRequest(decode func(any) error, a *wire.DecodeAttempt) error {
	if err := decode(a); err != nil {
		return err
	}
	var large *wire.TooLarge
	if errors.As(a.Err, &large) {
		return status.Errorf(codes.ResourceExhausted,
			"the message has %d bytes, which is larger than max-message (%d): "+
				"send smaller batches, or raise that setting of the server", large.Bytes, large.Limit)
	}
	if a.Err != nil {
		return &assay.FieldError{Field: "request", Problem: "is not a well-formed message"}
	}
	return nil
}

// requestFields are the fields that errors may name, apart from those of plans.
var requestFields = []string{"request", "request_id", "model", "event", "id", "kind", "time", "entities",
	"entities.role", "fields", "fields.name", "rows", "what",
	"arrow", "arrow.ipc", "arrow.time", "page_size", "page_token", "from", "to", "outcome", "entity", "entity.role",
	"entity.id", "key", "role", "subject", "yaml",
	"bundle", "bundles", "with_policy", "report_digest", "inputs", "outputs", "raw_input_contents", "sequence"}

// unknownName replaces, in the log, the name of a field that the caller made up.
const unknownName = "(a name that the plan does not know)"

// knownField is the field that an error is about, or unknownName if neither the
// protocol nor the active plan has such a field.
func (s *Server) knownField(err error) string {
	var f *assay.FieldError
	if !errors.As(err, &f) {
		return ""
	}
	if slices.Contains(requestFields, f.Field) {
		return f.Field
	}
	m := s.engine.Models().Active
	name := strings.TrimPrefix(f.Field, "inputs.")
	if m.Plan.Knows(name) || featureColumn(m, name) >= 0 {
		return f.Field
	}
	return unknownName
}

type refusalKey struct{}

// refusalOf is the error with which screenCall has its handler refuse a call; nil
// for none.
func refusalOf(ctx context.Context) error {
	err, _ := ctx.Value(refusalKey{}).(error)
	return err
}

// credentialOf reads the credential from a call's headers and its connection.
func credentialOf(ctx context.Context, header func(string) []string) (c auth.Credential) {
	if v := header("x-api-key"); len(v) > 0 {
		c.APIKey = v[0]
		c.Malformed = len(v) > 1
	}
	if v := header("authorization"); len(v) > 0 {
		c.ParseAuthorization(v[0])
		c.Malformed = c.Malformed || len(v) > 1
	}
	c.Certificate = certificateOf(ctx)
	return c
}

// credentialOfStream reads the credential of a call that has a stream.
func credentialOfStream(ctx context.Context) auth.Credential {
	return credentialOf(ctx, func(key string) []string { return metadata.ValueFromIncomingContext(ctx, key) })
}
