// SPDX-License-Identifier: Apache-2.0

// Package policy turns a score into a decision: approve, review or decline,
// with the name of every rule that fired.
//
// A policy is a YAML file. It is strict (an unknown key is an error that names
// line and column), and every CEL expression in it is type-checked against the
// plan when it is loaded, so that no expression can fail by type while serving:
//
//	name: standard
//	cutoffs: {review_from: 0.10, decline_from: 0.30}      # calibrated PD
//	loss:                                                 # PD x LGD x net exposure
//	  lgd: 0.45
//	  exposure: event.amount
//	  collateral: event.collateral
//	  decline_from: 20000
//	  on_missing: review
//	limits:
//	  - {name: buyer-limit, exposure: "feature.buyer_open + event.amount", max: 250000, outcome: decline,
//	    on_missing: skip}
//	rules:
//	  - {name: embargo, when: 'event.country in ["KP"]', outcome: decline, on_missing: review}
//	prices: {A: 0.021, B: 0.034}                          # yearly rate by grade
//
// Expressions see pd, margin, points (double), grade and kind (string),
// event.FIELD, entity.ROLE, feature.NAME, and missing.event.FIELD and
// missing.feature.NAME (bool). Any name can be written in brackets, as in
// event["rate %"]; one that is no identifier also with each other character as
// an underscore, unless two names are then the same. An expression that reads a
// value which may be missing must say in on_missing what then happens: silence
// would be a guess. One that fails, or costs more than MaxExpressionCost, has
// the outcome of on_error: review, unless it says decline.
//
// The worst outcome wins. Deciding is pure: it has no clock, no I/O and no
// state (TestDecide and FuzzParse check that).
//
// The files, in the order in which a policy passes through them:
//
//	parse.go       YAML to a Policy                    default.go    the policy where none was chosen
//	compile.go     one expression: parse, type-check, compile
//	names.go       which names an expression may read  bounds.go     what an expression may cost
//	policy.go      Decide: rules, limits, loss, cut-offs
//	expression.go  evaluating an expression            fastpath.go   common ones, without CEL's interpreter
//	variables.go   where a name's value comes from
package policy

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/assayrisk/assay"
)

// Policy decides. It is immutable and safe for concurrent use.
type Policy struct {
	name        string
	digest      assay.Digest
	yaml        []byte
	reviewFrom  float64
	declineFrom float64
	rules       []rule
	limits      []limit
	loss        *loss
	prices      map[string]float64
	cost        Cost
	sources     map[string]source // of the variables that its expressions read
	pool        sync.Pool         // *activation
}

// Result is what a policy decides. ExpectedLoss and Price are NaN when the
// policy does not state them for this input.
type Result struct {
	Outcome      assay.Outcome
	Rules        []string // names of the rules that fired, in the policy's order
	ExpectedLoss float64  // in the currency of the exposure
	Price        float64  // yearly rate
}

// Name returns the policy's own name.
func (p *Policy) Name() string { return p.name }

// digestTag separates policy digests from all others. Frozen.
const digestTag = "assay/policy/v1\n"

// DigestOf returns the digest of a policy's text, which need not be one that
// parses: SHA-256("assay/policy/v1\n" || YAML bytes).
func DigestOf(yaml []byte) assay.Digest { return assay.Sum(digestTag, yaml) }

// Digest names the policy: DigestOf its text.
func (p *Policy) Digest() assay.Digest { return p.digest }

// YAML returns a copy of the bytes that the policy was read from.
func (p *Policy) YAML() []byte { return append([]byte(nil), p.yaml...) }

// Decide fills res, reusing res.Rules. The rules' names are the policy's own
// strings. An expression can fail in a way that no type check finds (a division
// by zero, an overflow), or cost more than its bound: the outcome is then what
// the rule's on_error says, and res.Rules has NAME.error.
func (p *Policy) Decide(res *Result, in *Input) {
	*res = Result{Outcome: assay.Approve, Rules: res.Rules[:0], ExpectedLoss: math.NaN(), Price: math.NaN()}
	act, _ := p.pool.Get().(*activation)
	if act == nil {
		act = &activation{sources: p.sources}
	}
	act.in = in
	defer func() { act.in = nil; p.pool.Put(act) }()

	for i := range p.rules {
		r := &p.rules[i]
		if r.when.missing(act) {
			res.raise(r.onMissing, r.name)
			continue
		}
		fired, err := r.when.truth(act)
		switch {
		case err != nil:
			res.raise(r.onError.outcome, r.onError.name)
		case fired:
			res.raise(r.outcome, r.name)
		}
	}
	for i := range p.limits {
		l := &p.limits[i]
		if l.exposure.missing(act) {
			res.raise(l.onMissing, l.name)
			continue
		}
		x, err := l.exposure.number(act)
		switch {
		case err != nil:
			res.raise(l.onError.outcome, l.onError.name)
		case !(x <= l.max):
			res.raise(l.outcome, l.name)
		}
	}
	if p.loss != nil {
		p.loss.decide(res, act)
	}
	switch pd := in.Score.PD; {
	case !(pd < p.declineFrom): // NaN declines
		res.raise(assay.Decline, "pd.decline")
	case pd >= p.reviewFrom:
		res.raise(assay.Review, "pd.review")
	}
	if rate, ok := p.prices[in.Score.Grade]; ok {
		res.Price = rate
	}
}

// raise adds a rule that fired and makes the outcome at least o; Approve means
// that the rule is skipped.
func (r *Result) raise(o assay.Outcome, name string) {
	if o == assay.Approve {
		return
	}
	r.Rules = append(r.Rules, name)
	r.Outcome = max(r.Outcome, o)
}

type rule struct {
	name      string
	when      expression
	outcome   assay.Outcome
	onMissing assay.Outcome // Approve: skip
	onError   onError
}

// onError is the outcome when an expression fails, and the name that the
// decision gives for it.
type onError struct {
	outcome assay.Outcome
	name    string
}

type limit struct {
	name      string
	exposure  expression
	max       float64
	outcome   assay.Outcome
	onMissing assay.Outcome
	onError   onError
}

type loss struct {
	lgd         float64
	exposure    expression
	collateral  *expression
	reviewFrom  float64 // +Inf when unset
	declineFrom float64
	onMissing   assay.Outcome
	onError     onError
}

// netExposure is the exposure less the collateral.
func (l *loss) netExposure(act *activation) (float64, error) {
	net, err := l.exposure.number(act)
	if err != nil || l.collateral == nil {
		return net, err
	}
	c, err := l.collateral.number(act)
	return net - c, err
}

func (l *loss) decide(res *Result, act *activation) {
	if l.exposure.missing(act) || l.collateral != nil && l.collateral.missing(act) {
		res.raise(l.onMissing, "loss.missing")
		return
	}
	net, err := l.netExposure(act)
	if err != nil {
		res.raise(l.onError.outcome, l.onError.name)
		return
	}
	el := act.in.Score.PD * l.lgd * max(net, 0)
	res.ExpectedLoss = el
	switch {
	case !(el < l.declineFrom):
		res.raise(assay.Decline, "loss.decline")
	case el >= l.reviewFrom:
		res.raise(assay.Review, "loss.review")
	}
}

// Cost returns the bound of this policy.
func (p *Policy) Cost() Cost { return p.cost }

// RefusedExpressions returns why expressions of a policy that ParseAccepted
// read are never evaluated, as the error that Parse would return; nil when all
// of them are evaluated.
func (p *Policy) RefusedExpressions() error {
	var all []error
	refused := func(x *expression, format string, args ...any) {
		if x != nil && x.refused != nil {
			all = append(all, fmt.Errorf(format+": %w", append(args, x.refused)...))
		}
	}
	for i := range p.rules {
		refused(&p.rules[i].when, "rule %q: when", p.rules[i].name)
	}
	for i := range p.limits {
		refused(&p.limits[i].exposure, "limit %q: exposure", p.limits[i].name)
	}
	if p.loss != nil {
		refused(&p.loss.exposure, "loss: exposure")
		refused(p.loss.collateral, "loss: collateral")
	}
	if all == nil {
		return nil
	}
	return fmt.Errorf("policy: %w: %w", errors.Join(all...), assay.ErrInvalid)
}
