// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/eventparts"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// Key identifies a request for idempotency.
type Key struct{ Caller, RequestID string }

// Request is one request and the memory that deciding it needs, which Reset keeps
// for the next one. Set the first four fields, and read the exported others once
// it is decided; the memory that they point to belongs to the Request.
type Request struct {
	Key   Key
	Fact  bool         // a fact to record: it is not scored
	Model *Model       // acquired: its plan validates the event, and it scores
	Event *assay.Event // validation brings it into canonical form

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

	transition    Transition
	business      eventparts.Business
	businessBytes []byte
	personalBytes []byte
	owner         journal.Party
	parties       []journal.Party    // of the event's entities
	keyChanges    uint64             // the journal's, from before the parties were looked up
	cold          []snapshot.ColdRow // rows that were opened before the critical section

	numbered    bool  // Sequence was taken, so there must be a record
	micros      int64 // the record's time, taken with Sequence
	vector      assay.Vector
	vectorBytes []byte    // canonical
	fields      []float64 // of the event, as the plan reads them
	values      []float64 // of the vector
	input       policy.Input
	result      policy.Result
	reasons     []assay.Reason
	record      journal.Record

	clock stageClock    // of its stages
	woken chan struct{} // gets one token when the leader of its group has decided it
}

// Costs are the expected loss and the price by the policy. They are NaN where the
// policy states none, and for a repeated request, since no record keeps them.
func (r *Request) Costs() (loss, price float64) {
	if r.Repeated {
		return math.NaN(), math.NaN()
	}
	return r.result.ExpectedLoss, r.result.Price
}

// Reset makes r ready for another request: it keeps the memory, drops the rest,
// and releases the model.
func (r *Request) Reset() {
	if r.Model != nil {
		r.Model.Release()
	}
	*r = Request{Event: r.Event, fields: r.fields[:0], values: r.values[:0], eventBytes: r.eventBytes[:0],
		business: r.business, businessBytes: r.businessBytes[:0], personalBytes: r.personalBytes[:0],
		parties: r.parties[:0], transition: Transition{Parties: r.transition.Parties[:0]},
		Canonical: r.Canonical[:0], Promise: r.Promise[:0], vectorBytes: r.vectorBytes[:0], woken: r.woken}
	r.result.ExpectedLoss, r.result.Price = math.NaN(), math.NaN()
}

// BodyTag separates digests of request bodies from all others. Frozen: the
// journal holds such digests.
const BodyTag = "assay/request/v1\n"

// bodyPrefix is the kind of request in the digest of its body.
func (r *Request) bodyPrefix() []byte {
	if r.Fact {
		return []byte("record\n")
	}
	return []byte("score\n")
}

// validate brings the event into canonical form, checks it against the plan, and
// reads its fields for the vector.
func (r *Request) validate() (err error) {
	if r.Fact {
		return r.Model.Plan.Admit(r.Event)
	}
	r.fields, err = r.Model.Plan.Read(r.fields, r.Event)
	return err
}

// divide divides the event into the parts of its record, and looks its parties up.
func (r *Request) divide(j *journal.Journal) error {
	r.business.Set(r.Event, r.Model.Plan.Personal)
	r.businessBytes = r.business.AppendBinary(r.businessBytes[:0])
	r.personalBytes = r.business.AppendPersonal(r.personalBytes[:0], r.Event)
	if n := max(len(r.businessBytes), len(r.personalBytes)); n > journal.MaxPartBytes {
		return &assay.FieldError{Field: "fields", Problem: fmt.Sprintf("%d bytes of fields, at most %d are allowed "+
			"(fixed)", n, journal.MaxPartBytes)}
	}
	kind := ledger.Decision
	if r.Fact {
		kind = ledger.Event
	}
	m := r.Model
	r.transition = Transition{Kind: kind, Event: &r.business.Event, Parties: r.transition.Parties[:0],
		by: decider{m.Bundle.Digest, m.PlanDigest, m.Policy.Digest()}}
	if err := r.lookUpParties(j); err != nil {
		return err
	}
	if w := m.windows; w != nil {
		r.cold = w.state.Cold(r.transition.Event, r.transition.Parties)
		for i := range r.cold {
			r.cold[i].Open()
		}
	}
	return nil
}

// lookUpParties finds the keys of the event's entities, and makes those that are
// missing. In the critical section it is called again if a key has changed since.
func (r *Request) lookUpParties(j *journal.Journal) (err error) {
	r.keyChanges = j.KeyChanges()
	r.parties, r.transition.Parties = r.parties[:0], r.transition.Parties[:0]
	for i, x := range r.Event.Entities {
		p, err := j.Party(Subject(x.Role, x.ID))
		if err != nil {
			return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
		}
		r.parties = append(r.parties, p)
		r.transition.Parties = append(r.transition.Parties,
			features.Party{Key: p.ID(), Member: r.business.Members[i]})
	}
	if len(r.parties) > 0 {
		r.owner = r.parties[0]
		return nil
	}
	if r.owner, err = j.Party(subjectOf(r.Event)); err != nil {
		return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	return nil
}

// startDecision fills what is known before scoring; micros is the time of the
// decision.
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

// recoverAsError turns a panic into an error, so that a number that was taken
// still gets its record.
func recoverAsError(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic while scoring: %v", r)
	}
}

// decide fills the decision from the margin, all but its reasons.
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

// needsReasons reports whether the decision must have reasons: all but approvals
// must.
func (r *Request) needsReasons() bool { return r.Decision.Outcome != assay.Approve }

// setReasons gives the decision its reasons; a panic becomes an error.
func (r *Request) setReasons(contributions []float64) (err error) {
	defer recoverAsError(&err)
	r.reasons = r.Model.ReasonsFromContributions(r.reasons[:0], contributions)
	r.Decision.Reasons = r.reasons
	return nil
}

// completeRecord fills the record; when Err is set it is the record of a failure.
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
		RequestID: r.Key.RequestID, Tag: r.tag, Body: r.body, Owner: r.owner, Parties: r.parties,
		Business: r.businessBytes, Private: r.personalBytes}
	r.record.Model, r.record.Plan, r.record.Policy = r.Model.Bundle.Digest, r.Model.PlanDigest, r.Model.Policy.Digest()
	if !r.Fact {
		r.record.Vector = r.vectorBytes
	}
	r.Canonical = d.AppendBinary(r.Canonical[:0])
	r.record.Decision = r.Canonical
}

// setPromise copies the promise's bytes into r.
func (r *Request) setPromise(p *ledger.Promise) { r.Promise = p.AppendBinary(r.Promise[:0]) }

// subjectOf is the data subject whose key encrypts the private part of the
// record: the event's first entity, or the event itself when it has none.
func subjectOf(e *assay.Event) string {
	if len(e.Entities) == 0 {
		return "event:" + e.ID
	}
	return Subject(e.Entities[0].Role, e.Entities[0].ID)
}

// Subject is the journal's name for an entity as a data subject.
func Subject(role, id string) string { return role + ":" + id }

// Redecide makes a past decision again from its vector, by the code that makes
// new ones.
func Redecide(m *scoring.Model, ev *assay.Event, vector assay.Vector, seq uint64, requestID string,
	micros int64) (assay.Decision, error) {
	r := &Request{Key: Key{RequestID: requestID}, Model: &Model{Model: m}, Event: ev, Sequence: seq,
		vector: vector, vectorBytes: vector.AppendBinary(nil)}
	r.startDecision(micros)
	err := r.score()
	return r.Decision, err
}

// CheckRequestID returns an error when a request id is empty, too long or not
// UTF-8.
func CheckRequestID(id string) error {
	if id == "" || len(id) > assay.MaxNameBytes {
		return &assay.FieldError{Field: "request_id",
			Problem: fmt.Sprintf("must have 1 to %d bytes: it is what makes a retry safe", assay.MaxNameBytes)}
	}
	return CheckText("request_id", id)
}

// CheckText refuses text that is not UTF-8: generated decoders let it pass, and a
// record that holds it cannot be read again.
func CheckText(field, s string) error {
	if !utf8.ValidString(s) {
		return &assay.FieldError{Field: field, Problem: "is not valid UTF-8"}
	}
	return nil
}

// claim is one request's hold on its id.
type claim struct {
	released chan struct{} // made by the first that waits, closed by release
}
