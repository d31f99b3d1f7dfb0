// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// Key is what idempotency goes by.
type Key struct{ Caller, RequestID string }

// Request is one request on its way, with the memory it needs, which Reset keeps
// for the next one. Set the first four fields, and read the others once it is
// decided; what they point to is the Request's own.
type Request struct {
	Key   Key
	Fact  bool         // a fact to take note of: no score
	Model *Model       // acquired: its plan validates the event, and it scores
	Event *assay.Event // brought into canonical form

	Err       error
	Sequence  uint64
	Late      Lateness // of the event, under the model's plan
	Decision  assay.Decision
	Canonical []byte // the decision's canonical bytes
	Promise   []byte // the log's
	Repeated  bool   // answered from the record of an earlier request

	body       assay.Digest // of what was asked
	tag        journal.Tag  // of Key
	claim      claim        // of tag
	eventBytes []byte       // canonical

	numbered    bool // Sequence was taken and must get a record
	vector      assay.Vector
	vectorBytes []byte    // canonical
	fields      []float64 // the event's, as the plan reads them
	values      []float64 // of the vector
	input       policy.Input
	result      policy.Result
	reasons     []assay.Reason
	record      journal.Record

	clock clock         // of its stages
	woken chan struct{} // one token when the leader of its group has taken it all the way
}

// Costs are what the policy expects of the decision: the loss, and the price that
// covers it. They are NaN where there are none, and of a repeated request, whose
// costs are in no record.
func (r *Request) Costs() (loss, price float64) {
	if r.Repeated {
		return math.NaN(), math.NaN()
	}
	return r.result.ExpectedLoss, r.result.Price
}

// Reset makes r ready for another request and drops what the last one owned. It
// releases the model.
func (r *Request) Reset() {
	if r.Model != nil {
		r.Model.Release()
	}
	*r = Request{Event: r.Event, fields: r.fields[:0], values: r.values[:0], eventBytes: r.eventBytes[:0],
		Canonical: r.Canonical[:0], Promise: r.Promise[:0], vectorBytes: r.vectorBytes[:0], woken: r.woken}
	r.result.ExpectedLoss, r.result.Price = math.NaN(), math.NaN()
}

// BodyTag separates digests of what requests ask from all others. Frozen: they
// stand in the journal.
const BodyTag = "assay/request/v1\n"

// bodyPrefix names the kind of request in its body's digest.
func (r *Request) bodyPrefix() []byte {
	if r.Fact {
		return []byte("record\n")
	}
	return []byte("score\n")
}

// validate brings the event into canonical form, holds it to the plan, and reads
// its fields for a vector.
func (r *Request) validate() (err error) {
	if r.Fact {
		return r.Model.Plan.Admit(r.Event)
	}
	r.fields, err = r.Model.Plan.Read(r.fields, r.Event)
	return err
}

// startDecision begins the decision, at a time in microseconds.
func (r *Request) startDecision(micros int64) {
	r.Decision = assay.Decision{Version: assay.DecisionVersion, Sequence: r.Sequence, RequestID: r.Key.RequestID,
		EventID: r.Event.ID, Micros: micros}
	if r.Fact {
		r.Decision.Outcome = assay.Recorded
		return
	}
	r.vectorBytes = r.vector.AppendBinary(r.vectorBytes[:0])
}

// score scores the vector, decides, and gives reasons.
func (r *Request) score() (err error) {
	defer recoverAsError(&err)
	if err := r.decide(r.Model.Forest.Margin(r.vector.Values)); err != nil {
		return err
	}
	if r.needsReasons() {
		r.reasons = r.Model.Reasons(r.reasons[:0], r.vector.Values)
		r.Decision.Reasons = r.reasons
	}
	return nil
}

// recoverAsError makes an error of a panic in a stage, so that the number that
// was taken still gets its record.
func recoverAsError(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic while scoring: %v", r)
	}
}

// decide fills the decision from the margin, but for its reasons.
func (r *Request) decide(margin float64) (err error) {
	defer recoverAsError(&err)
	m, d := r.Model, &r.Decision
	d.Plan, d.Policy, d.Vector = m.PlanDigest, m.Policy.Digest(), assay.DigestVector(r.vectorBytes)
	d.Score = m.Bundle.Score(margin)
	r.input = policy.Input{Event: r.Event, Vector: r.vector.Values, Score: d.Score}
	m.Policy.Decide(&r.result, &r.input)
	d.Outcome, d.Rules = r.result.Outcome, r.result.Rules
	return nil
}

// needsReasons reports whether the decision has to say why: it does unless it is
// an approval.
func (r *Request) needsReasons() bool { return r.Decision.Outcome != assay.Approve }

// setReasons gives the decision its reasons; a panic becomes an error.
func (r *Request) setReasons(contributions []float64) (err error) {
	defer recoverAsError(&err)
	r.reasons = r.Model.ReasonsOf(r.reasons[:0], contributions)
	r.Decision.Reasons = r.reasons
	return nil
}

// completeRecord fills the record: of a failure when Err is set.
func (r *Request) completeRecord() {
	d, kind := &r.Decision, ledger.Decision
	switch {
	case r.Err != nil:
		kind = ledger.Failed
		d.Outcome, d.Rules, d.Reasons = assay.Failed, nil, nil
	case r.Fact:
		kind = ledger.Event
	}
	r.record = journal.Record{Kind: kind, Micros: d.Micros, Subject: subjectOf(r.Event), Caller: r.Key.Caller,
		RequestID: r.Key.RequestID, Tag: r.tag, Body: r.body, Private: r.eventBytes}
	r.record.Model, r.record.Plan, r.record.Policy = r.Model.Bundle.Digest, r.Model.PlanDigest, r.Model.Policy.Digest()
	if !r.Fact {
		r.record.Vector = r.vectorBytes
	}
	r.Canonical = d.AppendBinary(r.Canonical[:0])
	r.record.Decision = r.Canonical
}

// setPromise keeps the promise's bytes.
func (r *Request) setPromise(p *ledger.Promise) { r.Promise = p.AppendBinary(r.Promise[:0]) }

// subjectOf is the data subject whose key encrypts the private part: the event's
// first entity, or the event itself when it has none.
func subjectOf(e *assay.Event) string {
	if len(e.Entities) == 0 {
		return "event:" + e.ID
	}
	return Subject(e.Entities[0].Role, e.Entities[0].ID)
}

// Subject names the data subject that an entity is.
func Subject(role, id string) string { return role + ":" + id }

// Redecide makes a past decision again, from the vector that it was made of, by
// the code that makes the new ones.
func Redecide(m *scoring.Model, ev *assay.Event, vector assay.Vector, seq uint64, requestID string,
	micros int64) (assay.Decision, error) {
	r := &Request{Key: Key{RequestID: requestID}, Model: &Model{Model: m}, Event: ev, Sequence: seq,
		vector: vector, vectorBytes: vector.AppendBinary(nil)}
	r.startDecision(micros)
	err := r.score()
	return r.Decision, err
}
