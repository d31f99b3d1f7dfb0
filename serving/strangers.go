// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/auth"
)

// arrive looks at a call when its headers have come, before a stream exists: a
// stream has a goroutine and buffers, and one of a method that needs no
// credential lives as long as its caller wishes. A call with a key, a
// certificate or a token that has been verified before goes through. A call of
// a method that needs none takes one of a few slots, and so does one with a
// token that is new. All others are refused here.
func (s *Server) arrive(ctx context.Context, info *tap.Info) (context.Context, error) {
	conn := connectionOf(ctx)
	if conn == nil { // not by our listener: nothing is counted
		return ctx, nil
	}
	method := info.FullMethodName
	c := credentialOf(ctx, func(key string) []string { return info.Header[key] })
	public := s.methods.Public(method)
	var refusal error
	if c.Bearer == "" || c.Malformed || c.APIKey != "" {
		caller, err := s.auth.Authenticate(ctx, c)
		if err == nil {
			conn.recognise()
			return context.WithValue(ctx, callerKey{}, caller), nil
		}
		refusal = err
	} else if caller, ok := s.auth.VerifiedBefore(c); ok {
		conn.recognise()
		return context.WithValue(ctx, callerKey{}, caller), nil
	}
	switch {
	case public:
		return s.admitStranger(ctx, conn, method)
	case refusal == nil:
		return s.admitToken(ctx, conn, method, c)
	}
	return s.turnAway(ctx, conn, method, refusal)
}

// admitStranger takes a slot for a call of a method that needs no credential.
func (s *Server) admitStranger(ctx context.Context, conn *connection, method string) (context.Context, error) {
	if !conn.known.Load() && !conn.spend(&conn.calls, 1) {
		_ = conn.Close()
		return s.noSlot(ctx, method)
	}
	most := strangerCall
	if strings.HasSuffix(method, "/Watch") || strings.HasSuffix(method, "/ServerReflectionInfo") {
		most = strangerWatch
	}
	return s.holdSlot(ctx, method, most, &s.conns.streams, &conn.streams)
}

// admitToken takes a slot for a call whose token has to be verified. The
// connection may send one message before that is done.
func (s *Server) admitToken(ctx context.Context, conn *connection, method string, c auth.Credential) (context.Context,
	error) {
	if !s.auth.Plausible(c) {
		return s.turnAway(ctx, conn, method,
			fmt.Errorf("%w: no configured issuer vouches for the token", auth.ErrUnauthenticated))
	}
	ctx, err := s.holdSlot(ctx, method, 0, &s.conns.pending, &conn.pending)
	if err == nil && !conn.known.Load() {
		conn.grant(s.cfg.MaxMessageBytes)
	}
	return ctx, err
}

// errStrangers answers a call that finds no slot. It is UNAVAILABLE for the
// sake of those whose token is new: a client tries again by itself.
var errStrangers = status.Error(codes.Unavailable, "too many calls without a known credential are under way: try again")

// noSlot refuses a call that finds no slot.
func (s *Server) noSlot(ctx context.Context, method string) (context.Context, error) {
	if !s.methods.Has(method) {
		method = "(no method of this server)"
	}
	s.refusals.say(method, "", codes.Unavailable.String(), "")
	return endSoon(ctx, errStrangers)
}

// holdSlot takes a slot of each until the call ends; most bounds the call, 0 for
// no bound.
func (s *Server) holdSlot(ctx context.Context, method string, most time.Duration, all,
	own *slots) (context.Context, error) {
	if !own.take() {
		return s.noSlot(ctx, method)
	}
	if !all.take() {
		own.give()
		return s.noSlot(ctx, method)
	}
	stop := func() {}
	if most > 0 {
		ctx, stop = context.WithTimeout(ctx, most)
	}
	context.AfterFunc(ctx, func() { stop(); own.give(); all.give() })
	return ctx, nil
}

// endSoon refuses a call with err. gRPC forgets to stop the timer of a call with
// a deadline that is refused here, which may be one of years: such a call gets
// its stream, and at once the end of its context.
func endSoon(ctx context.Context, err error) (context.Context, error) {
	if _, ok := ctx.Deadline(); !ok {
		return ctx, err
	}
	ctx, stop := context.WithTimeout(ctx, time.Millisecond)
	context.AfterFunc(ctx, stop)
	return ctx, nil
}

type refusalKey struct{}

// refusalOf is why a call was refused before it had a stream; nil if it was not.
func refusalOf(ctx context.Context) error {
	err, _ := ctx.Value(refusalKey{}).(error)
	return err
}

// turnAway refuses a call, and closes a connection on which nothing else comes.
// For the reason in endSoon a call with a deadline is refused by its handler,
// as long as there is a slot for it.
func (s *Server) turnAway(ctx context.Context, conn *connection, method string, err error) (context.Context, error) {
	if !conn.known.Load() && !conn.spend(&conn.refusals, 1) {
		_ = conn.Close()
		return s.noSlot(ctx, method)
	}
	if _, ok := ctx.Deadline(); ok {
		return s.holdSlot(context.WithValue(ctx, refusalKey{}, err), method, strangerCall,
			&s.conns.streams, &conn.streams)
	}
	if s.draining.Load() {
		err = assay.ErrUnavailable
	}
	st := statusOf(err)
	if s.methods.Has(method) { // others would make a counter each
		s.metrics.answered(method, status.Code(st), 0)
		s.refusals.say(method, "", status.Code(st).String(), "")
	}
	return ctx, st
}

// credentialOf reads what a call carries in its headers and its connection.
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

// credential reads what a call that has a stream carries.
func credential(ctx context.Context) auth.Credential {
	return credentialOf(ctx, func(key string) []string { return metadata.ValueFromIncomingContext(ctx, key) })
}
