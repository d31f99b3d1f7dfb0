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

// Bounds on a policy that is read from bytes; yamltext.Policy has those of the
// text.
const (
	MaxRules      = 256
	MaxExpression = 4 << 10 // bytes of one CEL expression
)

// tag separates policy digests from all others. Frozen.
const tag = "assay/policy/v1\n"

// file is the shape of the YAML.
type file struct {
	Name        string             `yaml:"name"`
	Description string             `yaml:"description"`
	Cutoffs     *cutoffsFile       `yaml:"cutoffs"`
	Loss        *lossFile          `yaml:"loss"`
	Limits      []limitFile        `yaml:"limits"`
	Rules       []ruleFile         `yaml:"rules"`
	Prices      map[string]float64 `yaml:"prices"`
}

type cutoffsFile struct {
	ReviewFrom  *float64 `yaml:"review_from"`
	DeclineFrom *float64 `yaml:"decline_from"`
}

type lossFile struct {
	LGD         *float64 `yaml:"lgd"`
	Exposure    string   `yaml:"exposure"`
	Collateral  string   `yaml:"collateral"`
	ReviewFrom  *float64 `yaml:"review_from"`
	DeclineFrom *float64 `yaml:"decline_from"`
	OnMissing   string   `yaml:"on_missing"`
	OnError     string   `yaml:"on_error"`
}

type limitFile struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"`
	Exposure    string   `yaml:"exposure"`
	Max         *float64 `yaml:"max"`
	Outcome     string   `yaml:"outcome"`
	OnMissing   string   `yaml:"on_missing"`
	OnError     string   `yaml:"on_error"`
}

type ruleFile struct {
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
	return parsed(src, schema, false)
}

// ParseAccepted reads a policy that decided before, perhaps under other bounds.
// An expression that exceeds a bound of its size or cost does not refuse the
// policy: it is never evaluated and counts as failed, so its rule has the outcome
// of its on_error. Refused says which expressions these are.
func ParseAccepted(src []byte, schema Schema) (*Policy, error) {
	return parsed(src, schema, true)
}

func parsed(src []byte, schema Schema, accepted bool) (*Policy, error) {
	p, err := parse(src, schema, accepted)
	if err != nil {
		return nil, fmt.Errorf("policy: %w: %w", err, assay.ErrInvalid)
	}
	return p, nil
}

// Refused returns why expressions of a policy that was read by ParseAccepted are
// not evaluated, in the words of Parse; nil when all are.
func (p *Policy) Refused() error {
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

func parse(src []byte, schema Schema, accepted bool) (*Policy, error) {
	var f file
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
		slots: map[string]slot{}}
	if err := p.cutoffs(f.Cutoffs); err != nil {
		return nil, err
	}
	c, err := newCompiler(schema, p.slots)
	if err != nil {
		return nil, err
	}
	c.accepted = accepted
	seen := map[string]bool{}
	for i, r := range f.Rules {
		if err := checkName(seen, "rules", i, r.Name); err != nil {
			return nil, err
		}
		x, err := c.compile(r.When, wantBool)
		if err != nil {
			return nil, fmt.Errorf("rule %q: when: %w", r.Name, err)
		}
		out, miss, err := outcomes(r.Outcome, r.OnMissing, x)
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", r.Name, err)
		}
		failed, err := parseOnError(r.OnError, r.Name)
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", r.Name, err)
		}
		p.rules = append(p.rules, rule{name: r.Name, when: x, outcome: out, onMissing: miss, onError: failed})
	}
	for i, l := range f.Limits {
		if err := checkName(seen, "limits", i, l.Name); err != nil {
			return nil, err
		}
		x, err := c.compile(l.Exposure, wantNumber)
		if err != nil {
			return nil, fmt.Errorf("limit %q: exposure: %w", l.Name, err)
		}
		if l.Max == nil || !(*l.Max >= 0) || math.IsInf(*l.Max, 0) {
			return nil, fmt.Errorf("limit %q: max: want a number that is not negative", l.Name)
		}
		out, miss, err := outcomes(l.Outcome, l.OnMissing, x)
		if err != nil {
			return nil, fmt.Errorf("limit %q: %w", l.Name, err)
		}
		failed, err := parseOnError(l.OnError, l.Name)
		if err != nil {
			return nil, fmt.Errorf("limit %q: %w", l.Name, err)
		}
		p.limits = append(p.limits,
			limit{name: l.Name, exposure: x, max: *l.Max, outcome: out, onMissing: miss, onError: failed})
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

func (p *Policy) cutoffs(c *cutoffsFile) error {
	if c == nil || c.ReviewFrom == nil || c.DeclineFrom == nil {
		return errors.New("cutoffs: state review_from and decline_from as probabilities of default")
	}
	p.review, p.decline = *c.ReviewFrom, *c.DeclineFrom
	if !(0 <= p.review && p.review <= p.decline && p.decline <= 1) {
		return fmt.Errorf("cutoffs: want 0 <= review_from <= decline_from <= 1, got %v and %v", p.review, p.decline)
	}
	return nil
}

func parseLoss(f *lossFile, c *compiler) (*loss, error) {
	l := &loss{review: math.Inf(1), decline: math.Inf(1)}
	if f.LGD == nil || !(*f.LGD >= 0 && *f.LGD <= 1) {
		return nil, errors.New("lgd: want the share of the exposure that is lost, 0 to 1")
	}
	l.lgd = *f.LGD
	if f.ReviewFrom != nil {
		l.review = *f.ReviewFrom
	}
	if f.DeclineFrom != nil {
		l.decline = *f.DeclineFrom
	}
	if !(l.review >= 0 && l.decline >= 0) {
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
		reads.optional = append(append([]slot(nil), reads.optional...), x.optional...)
		reads.names = append(append([]string(nil), reads.names...), x.names...)
	}
	if _, l.onMissing, err = outcomes("decline", f.OnMissing, reads); err != nil {
		return nil, err
	}
	l.onError, err = parseOnError(f.OnError, "loss")
	return l, err
}

// parseOnError reads what follows when the expression of that name fails. It
// cannot be skipped: a rule that nobody evaluated is not one that did not fire.
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
		return fmt.Errorf("%s[%d]: name: want 1 to %d bytes: it stands in every decision that the rule fires on",
			where, i, assay.MaxNameBytes)
	case seen[name]:
		return fmt.Errorf("%s[%d]: the name %q is used twice", where, i, name)
	}
	seen[name] = true
	return nil
}

// outcomes reads a rule's outcome and on_missing. Approve stands for skip.
func outcomes(outcome, onMissing string, x expression) (out, miss assay.Outcome, err error) {
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
		if len(x.names) > 0 {
			return 0, 0, fmt.Errorf("on_missing: %s may be missing: say skip, review or decline",
				strings.TrimPrefix(x.names[0], "@"))
		}
		miss = assay.Approve
	default:
		return 0, 0, fmt.Errorf("on_missing %q: want skip, review or decline", onMissing)
	}
	return out, miss, nil
}
