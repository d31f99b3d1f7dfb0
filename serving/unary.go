// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"io"
	"slices"

	"google.golang.org/grpc"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/wire"
)

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
		streams = append(streams, grpc.StreamDesc{StreamName: m.MethodName, ClientStreams: true, Handler: unary(handle)})
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
		return &assay.FieldError{Field: "request", Problem: "is missing: the call ended without a message; send one, if it is empty"}
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
	one     bool         // of requests
	attempt wire.Attempt // one RecvMsg runs at a time
}

// RecvMsg implements grpc.ServerStream.
func (s *streamWith) RecvMsg(m any) error {
	s.attempt = wire.Attempt{Message: m}
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
