// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/wire"
)

// work is one request on its way, with the memory it needs.
type work struct {
	key     requestKey
	ticket  ticket
	record  bool         // a fact to take note of: no score
	model   *live        // whose plan validates the event, and which scores it
	body    assay.Digest // of what was asked
	tag     journal.Tag  // of key
	req     wire.Request
	attempt wire.Attempt // to decode it
	raw     []byte       // the event's canonical bytes

	seq    uint64
	taken  bool // seq was taken and must get a record
	vector assay.Vector
	late   lateness // of the event, under the model's plan

	vectorBytes []byte // its canonical bytes

	fields   []float64 // the event's, as the plan reads them
	values   []float64 // of the vector
	input    policy.Input
	result   policy.Result
	decision assay.Decision
	reasons  []assay.Reason

	// What the reply carries.
	canonical []byte
	promise   []byte
	repeated  bool
	err       error

	rec journal.Record

	clock clock         // of its stages
	led   chan struct{} // one token when another request has taken this one all the way
}

// bodyTag separates digests of request bodies from all others. Frozen: they
// stand in the journal.
const bodyTag = "assay/request/v1\n"

// what names the kind of request in its body's digest.
func (w *work) what() []byte {
	if w.record {
		return []byte("record\n")
	}
	return []byte("score\n")
}

// validate brings the event into canonical form, holds it to the plan, and reads
// its fields for a vector.
func (w *work) validate() (err error) {
	if w.record {
		return w.model.plan.Admit(&w.req.Event)
	}
	w.fields, err = w.model.plan.Read(w.fields, &w.req.Event)
	return err
}

// draft begins the decision, at a time in microseconds.
func (w *work) draft(at int64) {
	w.decision = assay.Decision{Version: assay.DecisionVersion, Sequence: w.seq, RequestID: w.key.id, EventID: w.req.Event.ID, Micros: at}
	if w.record {
		w.decision.Outcome = assay.Recorded
		return
	}
	w.vectorBytes = w.vector.AppendBinary(w.vectorBytes[:0])
}

// score scores the vector, decides, and says why.
func (w *work) score() (err error) {
	defer caught(&err)
	if err := w.decide(w.model.forest.Margin(w.vector.Values)); err != nil {
		return err
	}
	if w.wantsReasons() {
		w.reasons = w.model.reasons(w.reasons[:0], w.vector.Values)
		w.decision.Reasons = w.reasons
	}
	return nil
}

// caught makes an error of a panic in a stage, so that the number that was
// taken still gets its record.
func caught(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic while scoring: %v", r)
	}
}

// decide fills the decision from the margin, but for its reasons.
func (w *work) decide(margin float64) (err error) {
	defer caught(&err)
	m, d := w.model, &w.decision
	d.Plan, d.Policy, d.Vector = m.digest, m.policy.Digest(), assay.DigestVector(w.vectorBytes)
	d.Score = m.bundle.Score(margin)
	w.input = policy.Input{Event: &w.req.Event, Vector: w.vector.Values, Score: d.Score}
	m.policy.Decide(&w.result, &w.input)
	d.Outcome, d.Rules = w.result.Outcome, w.result.Rules
	return nil
}

// wantsReasons reports whether the decision has to say why: it does unless it
// is an approval.
func (w *work) wantsReasons() bool { return w.decision.Outcome != assay.Approve }

// complete fills the record: of a failure when w.err is set.
func (w *work) complete() {
	d, kind := &w.decision, ledger.Decision
	switch {
	case w.err != nil:
		kind = ledger.Failed
		d.Outcome, d.Rules, d.Reasons = assay.Failed, nil, nil
	case w.record:
		kind = ledger.Event
	}
	w.rec = journal.Record{Kind: kind, Micros: d.Micros, Subject: w.subject(), Caller: w.key.caller, RequestID: w.key.id, Tag: w.tag, Body: w.body, Private: w.raw}
	w.rec.Model, w.rec.Plan, w.rec.Policy = w.model.bundle.Digest, w.model.digest, w.model.policy.Digest()
	if !w.record {
		w.rec.Vector = w.vectorBytes
	}
	w.canonical = d.AppendBinary(w.canonical[:0])
	w.rec.Decision = w.canonical
}

// subject is the data subject whose key encrypts the private part: the event's
// first entity, or the event itself when it has none.
func (w *work) subject() string { return subjectOf(&w.req.Event) }

func subjectOf(e *assay.Event) string {
	if len(e.Entities) == 0 {
		return "event:" + e.ID
	}
	return subjectName(e.Entities[0].Role, e.Entities[0].ID)
}

func subjectName(role, id string) string { return role + ":" + id }

// reply makes the answer to a scored request.
func (w *work) reply() wire.Reply {
	r := wire.Reply{Decision: &w.decision, Canonical: w.canonical, Promise: w.promise, Repeated: w.repeated, ExpectedLoss: w.result.ExpectedLoss, Price: w.result.Price,
		LateBy: w.late.behind, LateWindows: w.late.windows}
	if w.repeated { // an older answer's costs are not kept
		r.ExpectedLoss, r.Price = math.NaN(), math.NaN()
	}
	return r
}

// message makes the answer as a message, for batches and streams.
func (w *work) message() *pb.ScoreResponse {
	r, m := w.reply(), new(pb.ScoreResponse)
	wire.Decision(m, r.Decision, slices.Clone(r.Canonical)) // the message outlives w
	m.Promise, m.RepeatedRequest = slices.Clone(r.Promise), r.Repeated
	m.LateBy, m.LateWindows = w.late.duration(), slices.Clone(w.late.windows)
	m.ExpectedLoss, m.Price = wire.Optional(r.ExpectedLoss), wire.Optional(r.Price)
	return m
}

// recorded makes the answer about a fact.
func (w *work) recorded() *pb.RecordResponse {
	return &pb.RecordResponse{RequestId: w.key.id, Sequence: w.seq, Promise: slices.Clone(w.promise), Decision: slices.Clone(w.canonical),
		RepeatedRequest: w.repeated, LateBy: w.late.duration(), LateWindows: slices.Clone(w.late.windows)}
}

// setPromise keeps the promise's bytes.
func (w *work) setPromise(p *ledger.Promise) { w.promise = p.AppendBinary(w.promise[:0]) }

// clean makes w ready for another request and drops what the last one owned.
func (w *work) clean() {
	req := w.req
	req.Reset()
	*w = work{req: req, fields: w.fields[:0], values: w.values[:0], raw: w.raw[:0], canonical: w.canonical[:0], promise: w.promise[:0], vectorBytes: w.vectorBytes[:0], led: w.led}
	w.result.ExpectedLoss, w.result.Price = math.NaN(), math.NaN()
}
