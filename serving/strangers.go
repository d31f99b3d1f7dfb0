// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/auth"
)

// screenCall decides about a call when its headers have come, before it has a
// stream: a stream has a goroutine and buffers, and that of a public method lives
// as long as its caller wishes. A call with a key, a certificate, or a token that
// was verified before is let through. A call of a public method takes one of a few
// slots, and so does a call with a new token. All others are refused.
func (s *Server) screenCall(ctx context.Context, info *tap.Info) (context.Context, error) {
	conn := connectionOf(ctx)
	if conn == nil { // not accepted by connections: no limits
		return ctx, nil
	}
	method := info.FullMethodName
	c := credentialOf(ctx, func(key string) []string { return info.Header[key] })
	public := s.methods.Public(method)
	var refusal error
	if c.Bearer == "" || c.Malformed || c.APIKey != "" {
		caller, err := s.auth.Authenticate(ctx, c)
		if err == nil {
			conn.markKnown()
			return context.WithValue(ctx, callerKey{}, caller), nil
		}
		refusal = err
	} else if caller, ok := s.auth.VerifiedBefore(c); ok {
		conn.markKnown()
		return context.WithValue(ctx, callerKey{}, caller), nil
	}
	switch {
	case public:
		return s.admitStranger(ctx, conn, method)
	case refusal == nil:
		return s.admitToken(ctx, conn, method, c)
	}
	return s.refuseCall(ctx, conn, method, refusal)
}

// admitStranger takes a slot for a call of a public method.
func (s *Server) admitStranger(ctx context.Context, conn *connection, method string) (context.Context, error) {
	if !conn.known.Load() && !conn.spend(&conn.calls, 1) {
		_ = conn.Close()
		return s.refuseWithoutSlot(ctx, method)
	}
	most := strangerCall
	if strings.HasSuffix(method, "/Watch") || strings.HasSuffix(method, "/ServerReflectionInfo") {
		most = strangerWatch
	}
	return s.holdSlot(ctx, method, most, &s.conns.streams, &conn.streams)
}

// admitToken takes a slot for a call whose token must be verified. Its connection
// may send one message meanwhile.
func (s *Server) admitToken(ctx context.Context, conn *connection, method string, c auth.Credential) (context.Context,
	error) {
	if !s.auth.Plausible(c) {
		return s.refuseCall(ctx, conn, method,
			fmt.Errorf("%w: no configured issuer vouches for the token", auth.ErrUnauthenticated))
	}
	ctx, err := s.holdSlot(ctx, method, 0, &s.conns.pending, &conn.pending)
	if err == nil && !conn.known.Load() {
		conn.grant(s.cfg.MaxMessageBytes)
	}
	return ctx, err
}

// errTooManyStrangers answers a call that finds no slot. It is UNAVAILABLE because a
// client with a new token then tries again by itself.
var errTooManyStrangers = status.Error(codes.Unavailable,
	"too many calls without a known credential are under way: try again")

// refuseWithoutSlot refuses a call that finds no slot.
func (s *Server) refuseWithoutSlot(ctx context.Context, method string) (context.Context, error) {
	if !s.methods.Has(method) {
		method = "(no method of this server)"
	}
	s.refusals.logCall(method, "", codes.Unavailable.String(), "")
	return endSoon(ctx, errTooManyStrangers)
}

// holdSlot takes a slot of all and one of own until the call ends; limit bounds the
// call's time, 0: it does not.
func (s *Server) holdSlot(ctx context.Context, method string, limit time.Duration, all,
	own *slots) (context.Context, error) {
	if !own.acquire() {
		return s.refuseWithoutSlot(ctx, method)
	}
	if !all.acquire() {
		own.release()
		return s.refuseWithoutSlot(ctx, method)
	}
	stop := func() {}
	if limit > 0 {
		ctx, stop = context.WithTimeout(ctx, limit)
	}
	context.AfterFunc(ctx, func() { stop(); own.release(); all.release() })
	return ctx, nil
}

// endSoon refuses a call with err. If a call with a deadline is refused before it
// has a stream, gRPC does not stop the timer of its deadline, which may run for
// years. So such a call gets a stream whose context ends at once.
func endSoon(ctx context.Context, err error) (context.Context, error) {
	if _, ok := ctx.Deadline(); !ok {
		return ctx, err
	}
	ctx, stop := context.WithTimeout(ctx, time.Millisecond)
	context.AfterFunc(ctx, stop)
	return ctx, nil
}

// refuseCall refuses a call without an accepted credential, and closes a connection
// that has too many of them. For the reason that endSoon gives, the handler refuses
// a call with a deadline, as long as there is a slot for it.
func (s *Server) refuseCall(ctx context.Context, conn *connection, method string, err error) (context.Context, error) {
	if !conn.known.Load() && !conn.spend(&conn.refusals, 1) {
		_ = conn.Close()
		return s.refuseWithoutSlot(ctx, method)
	}
	if _, ok := ctx.Deadline(); ok {
		return s.holdSlot(context.WithValue(ctx, refusalKey{}, err), method, strangerCall,
			&s.conns.streams, &conn.streams)
	}
	if s.draining.Load() {
		err = assay.ErrUnavailable
	}
	st := statusOf(err)
	if s.methods.Has(method) { // each other name would need a counter
		s.metrics.countCall(method, status.Code(st), 0)
		s.refusals.logCall(method, "", status.Code(st).String(), "")
	}
	return ctx, st
}
