// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// call is one request: as it came over the wire, and as the engine decides it. It
// is reusable memory, from Server.calls.
type call struct {
	engine.Request // its Event is received.Event
	received       wire.Request
	attempt        wire.DecodeAttempt // to decode in
}

func newCall() any {
	c := new(call)
	c.Event = &c.received.Event
	c.Request.Reset()
	return c
}

func (s *Server) getCall() *call { return s.calls.Get().(*call) }

// putCall returns a call's memory to the pool.
func (s *Server) putCall(c *call) {
	c.Request.Reset()
	c.received.Reset()
	c.attempt = wire.DecodeAttempt{}
	s.calls.Put(c)
}

// acquireModel acquires the model that the call asks for, unless the call could
// not be decoded.
func (s *Server) acquireModel(c *call, caller, model string) {
	c.Key = engine.Key{Caller: caller, RequestID: c.received.ID}
	if c.Err = c.received.Err; c.Err == nil {
		c.Model, c.Err = s.engine.Acquire(model)
	}
}

// reply is the answer to a scored request.
func (c *call) reply() wire.Reply {
	r := wire.Reply{Decision: &c.Decision, Canonical: c.Canonical, Promise: c.Promise, Repeated: c.Repeated,
		LateBy: c.Late.Behind, LateWindows: c.Late.Windows}
	r.ExpectedLoss, r.Price = c.Costs()
	return r
}

// scoreResponse is reply as a message of its own.
func (c *call) scoreResponse() *pb.ScoreResponse {
	r, m := c.reply(), new(pb.ScoreResponse)
	wire.FillDecision(m, r.Decision, slices.Clone(r.Canonical)) // the message outlives c
	m.Promise, m.RepeatedRequest = slices.Clone(r.Promise), r.Repeated
	m.LateBy, m.LateWindows = lateBy(&c.Late), slices.Clone(c.Late.Windows)
	m.ExpectedLoss, m.Price = wire.OptionalDouble(r.ExpectedLoss), wire.OptionalDouble(r.Price)
	return m
}

// recordResponse is the answer to a fact.
func (c *call) recordResponse() *pb.RecordResponse {
	return &pb.RecordResponse{RequestId: c.Key.RequestID, Sequence: c.Sequence, Promise: slices.Clone(c.Promise),
		Decision: slices.Clone(c.Canonical), RepeatedRequest: c.Repeated, LateBy: lateBy(&c.Late),
		LateWindows: slices.Clone(c.Late.Windows)}
}

// lateBy is how late an event came, nil if it came in time.
func lateBy(l *engine.Lateness) *durationpb.Duration {
	if !l.IsLate() {
		return nil
	}
	return durationpb.New(l.Behind)
}
