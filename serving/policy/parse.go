// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/yamltext"
)

// MaxRules bounds the rules and limits of a policy; yamltext.Policy bounds its
// text.
const MaxRules = 256

// policySpec is a policy as its YAML file states it.
type policySpec struct {
	Name        string             `yaml:"name"`
	Description string             `yaml:"description"`
	Cutoffs     *cutoffsSpec       `yaml:"cutoffs"`
	Loss        *lossSpec          `yaml:"loss"`
	Limits      []limitSpec        `yaml:"limits"`
	Rules       []ruleSpec         `yaml:"rules"`
	Prices      map[string]float64 `yaml:"prices"`
}

type cutoffsSpec struct {
	ReviewFrom  *float64 `yaml:"review_from"`
	DeclineFrom *float64 `yaml:"decline_from"`
}

type lossSpec struct {
	LGD         *float64 `yaml:"lgd"`
	Exposure    string   `yaml:"exposure"`
	Collateral  string   `yaml:"collateral"`
	ReviewFrom  *float64 `yaml:"review_from"`
	DeclineFrom *float64 `yaml:"decline_from"`
	OnMissing   string   `yaml:"on_missing"`
	OnError     string   `yaml:"on_error"`
}

type limitSpec struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"`
	Exposure    string   `yaml:"exposure"`
	Max         *float64 `yaml:"max"`
	Outcome     string   `yaml:"outcome"`
	OnMissing   string   `yaml:"on_missing"`
	OnError     string   `yaml:"on_error"`
}

type ruleSpec struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	When        string `yaml:"when"`
	Outcome     string `yaml:"outcome"`
	OnMissing   string `yaml:"on_missing"`
	OnError     string `yaml:"on_error"`
}

// Parse reads a policy and type-checks its expressions against what the plan
// knows. Its errors match assay.ErrInvalid and say where and what to do.
func Parse(src []byte, schema Schema) (*Policy, error) {
	return parse(src, schema, false)
}

// ParseAccepted reads a policy that decided before, perhaps under other bounds.
// Where Parse would refuse an expression for its size or cost, ParseAccepted
// keeps the policy: that expression is never evaluated and counts as failed, so
// its rule has the outcome of its on_error. RefusedExpressions says which
// expressions these are.
func ParseAccepted(src []byte, schema Schema) (*Policy, error) {
	return parse(src, schema, true)
}

func parse(src []byte, schema Schema, accepted bool) (*Policy, error) {
	p, err := buildPolicy(src, schema, accepted)
	if err != nil {
		return nil, fmt.Errorf("policy: %w: %w", err, assay.ErrInvalid)
	}
	return p, nil
}

func buildPolicy(src []byte, schema Schema, accepted bool) (*Policy, error) {
	var f policySpec
	if err := yamltext.Decode(src, &f, yamltext.Policy); errors.Is(err, yamltext.ErrEmpty) {
		return nil, errors.New("the file is empty: state at least name and cutoffs")
	} else if err != nil {
		return nil, err
	}
	if f.Name == "" || len(f.Name) > assay.MaxNameBytes {
		return nil, fmt.Errorf("name: want 1 to %d bytes", assay.MaxNameBytes)
	}
	if n := len(f.Rules) + len(f.Limits); n > MaxRules {
		return nil, fmt.Errorf("%d rules and limits, at most %d are allowed", n, MaxRules)
	}
	p := &Policy{name: f.Name, yaml: append([]byte(nil), src...), digest: DigestOf(src), prices: f.Prices,
		sources: map[string]source{}}
	if err := p.setCutoffs(f.Cutoffs); err != nil {
		return nil, err
	}
	c, err := newCompiler(schema, p.sources)
	if err != nil {
		return nil, err
	}
	c.accepted = accepted
	seen := map[string]bool{}
	for i, r := range f.Rules {
		if err := checkName(seen, "rules", i, r.Name); err != nil {
			return nil, err
		}
		parsed, err := parseRule(r, c)
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", r.Name, err)
		}
		p.rules = append(p.rules, parsed)
	}
	for i, l := range f.Limits {
		if err := checkName(seen, "limits", i, l.Name); err != nil {
			return nil, err
		}
		parsed, err := parseLimit(l, c)
		if err != nil {
			return nil, fmt.Errorf("limit %q: %w", l.Name, err)
		}
		p.limits = append(p.limits, parsed)
	}
	if f.Loss != nil {
		if p.loss, err = parseLoss(f.Loss, c); err != nil {
			return nil, fmt.Errorf("loss: %w", err)
		}
	}
	p.cost = c.cost
	for grade, rate := range f.Prices {
		if !(rate >= 0 && rate <= 10) {
			return nil, fmt.Errorf("prices: grade %q: want a yearly rate from 0 to 10", grade)
		}
	}
	return p, nil
}

func (p *Policy) setCutoffs(c *cutoffsSpec) error {
	if c == nil || c.ReviewFrom == nil || c.DeclineFrom == nil {
		return errors.New("cutoffs: state review_from and decline_from as probabilities of default")
	}
	p.reviewFrom, p.declineFrom = *c.ReviewFrom, *c.DeclineFrom
	if !(0 <= p.reviewFrom && p.reviewFrom <= p.declineFrom && p.declineFrom <= 1) {
		return fmt.Errorf("cutoffs: want 0 <= review_from <= decline_from <= 1, got %v and %v",
			p.reviewFrom, p.declineFrom)
	}
	return nil
}

func parseRule(r ruleSpec, c *compiler) (out rule, err error) {
	out.name = r.Name
	if out.when, err = c.compile(r.When, wantBool); err != nil {
		return out, fmt.Errorf("when: %w", err)
	}
	if out.outcome, out.onMissing, err = parseOutcomes(r.Outcome, r.OnMissing, out.when); err != nil {
		return out, err
	}
	out.onError, err = parseOnError(r.OnError, r.Name)
	return out, err
}

func parseLimit(l limitSpec, c *compiler) (out limit, err error) {
	out.name = l.Name
	if out.exposure, err = c.compile(l.Exposure, wantNumber); err != nil {
		return out, fmt.Errorf("exposure: %w", err)
	}
	if l.Max == nil || !(*l.Max >= 0) || math.IsInf(*l.Max, 0) {
		return out, errors.New("max: want a number that is not negative")
	}
	out.max = *l.Max
	if out.outcome, out.onMissing, err = parseOutcomes(l.Outcome, l.OnMissing, out.exposure); err != nil {
		return out, err
	}
	out.onError, err = parseOnError(l.OnError, l.Name)
	return out, err
}

func parseLoss(f *lossSpec, c *compiler) (*loss, error) {
	l := &loss{reviewFrom: math.Inf(1), declineFrom: math.Inf(1)}
	if f.LGD == nil || !(*f.LGD >= 0 && *f.LGD <= 1) {
		return nil, errors.New("lgd: want the share of the exposure that is lost, 0 to 1")
	}
	l.lgd = *f.LGD
	if f.ReviewFrom != nil {
		l.reviewFrom = *f.ReviewFrom
	}
	if f.DeclineFrom != nil {
		l.declineFrom = *f.DeclineFrom
	}
	if !(l.reviewFrom >= 0 && l.declineFrom >= 0) {
		return nil, errors.New("review_from and decline_from must not be negative")
	}
	var err error
	if l.exposure, err = c.compile(f.Exposure, wantNumber); err != nil {
		return nil, fmt.Errorf("exposure: %w", err)
	}
	reads := l.exposure
	if f.Collateral != "" {
		x, err := c.compile(f.Collateral, wantNumber)
		if err != nil {
			return nil, fmt.Errorf("collateral: %w", err)
		}
		l.collateral = &x
		reads.optional = append(append([]source(nil), reads.optional...), x.optional...)
		reads.optionalNames = append(append([]string(nil), reads.optionalNames...), x.optionalNames...)
	}
	if _, l.onMissing, err = parseOutcomes("decline", f.OnMissing, reads); err != nil {
		return nil, err
	}
	l.onError, err = parseOnError(f.OnError, "loss")
	return l, err
}

// parseOnError reads the outcome of the named rule when its expression fails.
// Skip is not allowed: a rule that could not be evaluated may have fired.
func parseOnError(outcome, name string) (onError, error) {
	switch outcome {
	case "", "review":
		return onError{assay.Review, name + ".error"}, nil
	case "decline":
		return onError{assay.Decline, name + ".error"}, nil
	}
	return onError{}, fmt.Errorf("on_error %q: want review (the default) or decline", outcome)
}

func checkName(seen map[string]bool, where string, i int, name string) error {
	switch {
	case name == "" || len(name) > assay.MaxNameBytes:
		return fmt.Errorf("%s[%d]: name: want 1 to %d bytes: every decision that the rule fires on names it",
			where, i, assay.MaxNameBytes)
	case seen[name]:
		return fmt.Errorf("%s[%d]: the name %q is used twice", where, i, name)
	}
	seen[name] = true
	return nil
}

// parseOutcomes reads a rule's outcome and on_missing. Approve stands for skip.
func parseOutcomes(outcome, onMissing string, x expression) (out, miss assay.Outcome, err error) {
	switch outcome {
	case "review":
		out = assay.Review
	case "decline":
		out = assay.Decline
	default:
		return 0, 0, fmt.Errorf("outcome %q: want review or decline (a rule can only make a decision stricter)",
			outcome)
	}
	switch onMissing {
	case "skip":
		miss = assay.Approve
	case "review":
		miss = assay.Review
	case "decline":
		miss = assay.Decline
	case "":
		if len(x.optionalNames) > 0 {
			return 0, 0, fmt.Errorf("on_missing: %s may be missing: say skip, review or decline",
				strings.TrimPrefix(x.optionalNames[0], "@"))
		}
		miss = assay.Approve
	default:
		return 0, 0, fmt.Errorf("on_missing %q: want skip, review or decline", onMissing)
	}
	return out, miss, nil
}
