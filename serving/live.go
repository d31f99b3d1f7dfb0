// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"sync"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/serving/policy"
)

// live is one loaded model with its plan and policy, ready to decide. It is
// immutable: a swap makes another one, so that a request that holds one is
// decided by exactly one model, plan and policy.
type live struct {
	name    string
	version string
	bundle  *models.Bundle
	plan    *features.Plan
	digest  assay.Digest // of the plan
	forest  *forest.Forest
	policy  *policy.Policy
	groups  []group  // by feature
	windows *windows // of the plan; set before the model is routed to
	folder  string   // in the model directory, "" for the first
	loaded  time.Time
	scratch sync.Pool // *scratch
}

// group is what a reason says about a feature.
type group struct {
	index int // features with one reason code share an index
	code  string
	text  string
}

// scratch is working memory for one explanation.
type scratch struct {
	contributions []float64
	sums          []float64
	order         []int
}

// newLive checks that the bundle's parts fit together. policyYAML nil means
// the bundle's policy, or else the default.
func newLive(b *models.Bundle, policyYAML []byte, at time.Time) (*live, error) {
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		return nil, fmt.Errorf("serving: the bundle's plan: %w", err)
	}
	m := &live{name: b.Manifest.Name, version: b.Manifest.Version, bundle: b, plan: plan, digest: plan.Digest(), loaded: at}
	if m.digest != b.Manifest.Plan {
		return nil, fmt.Errorf("serving: the bundle's manifest names the plan %s, its plan file is %s: %w", b.Manifest.Plan.Short(), m.digest.Short(), assay.ErrPrecondition)
	}
	infos := plan.Features()
	if len(infos) != len(b.Model.Features) {
		return nil, fmt.Errorf("serving: the model has %d features, the plan %d: they were not trained together: %w", len(b.Model.Features), len(infos), assay.ErrPrecondition)
	}
	if m.forest, err = forest.Compile(b.Model); err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	if policyYAML == nil {
		policyYAML = b.Policy
	}
	if len(policyYAML) == 0 {
		policyYAML = policy.Default()
	}
	if m.policy, err = policy.Parse(policyYAML, PolicySchema(plan)); err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	byCode := map[string]int{}
	for _, f := range infos {
		g := group{code: f.ReasonCode, text: f.ReasonText}
		if g.code == "" {
			g.code = f.Group
		}
		if g.code == "" {
			g.code = f.Name
		}
		i, ok := byCode[g.code]
		if !ok {
			i = len(byCode)
			byCode[g.code] = i
		}
		g.index = i
		m.groups = append(m.groups, g)
	}
	n, k := len(infos), len(byCode)
	m.scratch.New = func() any {
		return &scratch{contributions: make([]float64, n+1), sums: make([]float64, k), order: make([]int, 0, k)}
	}
	return m, nil
}

// withPolicy returns a copy that decides by another policy.
func (m *live) withPolicy(yaml []byte, at time.Time) (*live, error) {
	n, err := newLive(m.bundle, yaml, at)
	if err == nil {
		n.folder = m.folder
	}
	return n, err
}

// PolicySchema tells a policy what the plan knows: policy.Parse type-checks
// against it.
func PolicySchema(p *features.Plan) policy.Schema {
	var s policy.Schema
	for _, f := range p.Fields() {
		if f.Kind == assay.Missing {
			continue
		}
		s.Fields = append(s.Fields, policy.Variable{Name: f.Name, Kind: f.Kind, Optional: !f.Required || f.AllowMissing})
	}
	for _, f := range p.Features() {
		s.Features = append(s.Features, policy.Variable{Name: f.Name, Optional: true})
	}
	s.Roles = p.Roles()
	return s
}

// maxReasons is how many reasons a decision gives at most.
const maxReasons = 4

// reasons appends the groups of features that raised the risk of x most: their
// summed exact contributions to the margin, the strongest first.
func (m *live) reasons(dst []assay.Reason, x []float64) []assay.Reason {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	m.forest.Contributions(s.contributions, x)
	clear(s.sums)
	for i := range m.groups {
		s.sums[m.groups[i].index] += s.contributions[i]
	}
	s.order = s.order[:0]
	for g, c := range s.sums {
		if !(c > 0) {
			continue
		}
		at := len(s.order)
		for at > 0 && s.sums[s.order[at-1]] < c { // equal ones stay in plan order
			at--
		}
		if at >= maxReasons {
			continue
		}
		s.order = append(s.order, 0)
		copy(s.order[at+1:], s.order[at:])
		s.order[at] = g
		s.order = s.order[:min(len(s.order), maxReasons)]
	}
	for _, g := range s.order {
		for i := range m.groups {
			if m.groups[i].index == g {
				dst = append(dst, assay.Reason{Code: m.groups[i].code, Text: m.groups[i].text, Contribution: s.sums[g]})
				break
			}
		}
	}
	return dst
}
