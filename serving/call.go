// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// call is one request on its way through the server: what came over the wire,
// and what the engine makes of it. It is working memory, from Server.calls.
type call struct {
	engine.Request // of in.Event
	in             wire.Request
	attempt        wire.DecodeAttempt // to decode in
}

func newCall() any {
	c := new(call)
	c.Event = &c.in.Event
	c.Request.Reset()
	return c
}

func (s *Server) getCall() *call { return s.calls.Get().(*call) }

// putCall gives a call's memory back, for another.
func (s *Server) putCall(c *call) {
	c.Request.Reset()
	c.in.Reset()
	c.attempt = wire.DecodeAttempt{}
	s.calls.Put(c)
}

// acquireModel finds the model that the call asks for, unless the call could not
// be decoded.
func (s *Server) acquireModel(c *call, caller, model string) {
	c.Key = engine.Key{Caller: caller, RequestID: c.in.ID}
	if c.Err = c.in.Err; c.Err == nil {
		c.Model, c.Err = s.engine.Acquire(model)
	}
}

// reply makes the answer to a scored request.
func (c *call) reply() wire.Reply {
	r := wire.Reply{Decision: &c.Decision, Canonical: c.Canonical, Promise: c.Promise, Repeated: c.Repeated,
		LateBy: c.Late.Behind, LateWindows: c.Late.Windows}
	r.ExpectedLoss, r.Price = c.Costs()
	return r
}

// message makes the answer as a message, for batches and streams.
func (c *call) message() *pb.ScoreResponse {
	r, m := c.reply(), new(pb.ScoreResponse)
	wire.FillDecision(m, r.Decision, slices.Clone(r.Canonical)) // the message outlives c
	m.Promise, m.RepeatedRequest = slices.Clone(r.Promise), r.Repeated
	m.LateBy, m.LateWindows = lateBy(&c.Late), slices.Clone(c.Late.Windows)
	m.ExpectedLoss, m.Price = wire.OptionalDouble(r.ExpectedLoss), wire.OptionalDouble(r.Price)
	return m
}

// recorded makes the answer about a fact.
func (c *call) recorded() *pb.RecordResponse {
	return &pb.RecordResponse{RequestId: c.Key.RequestID, Sequence: c.Sequence, Promise: slices.Clone(c.Promise),
		Decision: slices.Clone(c.Canonical), RepeatedRequest: c.Repeated, LateBy: lateBy(&c.Late),
		LateWindows: slices.Clone(c.Late.Windows)}
}

// lateBy is how far behind an event is, nil if it came in time.
func lateBy(l *engine.Lateness) *durationpb.Duration {
	if !l.IsLate() {
		return nil
	}
	return durationpb.New(l.Behind)
}

// rows are the calls of one batch.
type rows struct {
	server *Server
	all    []*call
}

func (s *Server) newRows() *rows { return &rows{server: s} }

// next gives the memory of another row, nil when there are enough.
func (r *rows) next() *wire.Request {
	if len(r.all) == r.server.cfg.MaxBatchRows {
		return nil
	}
	c := r.server.getCall()
	r.all = append(r.all, c)
	return &c.in
}

// put gives all of it back.
func (r *rows) put() {
	for _, c := range r.all {
		r.server.putCall(c)
	}
	r.all = nil
}

// engineRequests are what the engine takes of calls.
func engineRequests(calls []*call) []*engine.Request {
	rs := make([]*engine.Request, len(calls))
	for i, c := range calls {
		rs[i] = &c.Request
	}
	return rs
}
