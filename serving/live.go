// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"cmp"
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
	why     *forest.Reasons
	windows *windows // of the plan; set before the model is routed to
	folder  string   // in the model directory, "" for the first
	loaded  time.Time
	scratch sync.Pool // *scratch
	unseen  *unseenWatch

	required []int // places in the vector of features that always have a value
}

// scratch is working memory for one explanation.
type scratch struct {
	contributions []float64
}

// parser reads a policy: policy.Parse a new one, policy.ParseAccepted one that
// the log says has decided.
type parser func([]byte, policy.Schema) (*policy.Policy, error)

// newLive checks that the bundle's parts fit together. policyYAML nil means
// the bundle's policy, or else the default.
func newLive(b *models.Bundle, policyYAML []byte, at time.Time) (*live, error) {
	return newLiveBy(policy.Parse, b, policyYAML, at)
}

// newLiveBy is newLive with a policy that parse reads.
func newLiveBy(parse parser, b *models.Bundle, policyYAML []byte, at time.Time) (*live, error) {
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		return nil, fmt.Errorf("serving: the bundle's plan: %w", err)
	}
	m := &live{name: b.Manifest.Name, version: b.Manifest.Version, bundle: b, plan: plan, digest: plan.Digest(), loaded: at, unseen: newUnseenWatch(plan)}
	if m.digest != b.Manifest.Plan {
		return nil, fmt.Errorf("serving: the bundle's manifest names the plan %s, its plan file is %s: %w", b.Manifest.Plan.Short(), m.digest.Short(), assay.ErrPrecondition)
	}
	infos := plan.Features()
	if len(infos) != len(b.Model.Features) {
		return nil, fmt.Errorf("serving: the model has %d features, the plan %d: they were not trained together: %w", len(b.Model.Features), len(infos), assay.ErrPrecondition)
	}
	for i := range infos {
		if infos[i].Required {
			m.required = append(m.required, i)
		}
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
	if m.policy, err = parse(policyYAML, PolicySchema(plan)); err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	m.why, err = forest.NewReasons(m.forest, forest.GroupReasons(len(infos), func(j int) (code, text string) {
		f := &infos[j]
		return cmp.Or(f.ReasonCode, f.Group, f.Name), f.ReasonText
	}))
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	m.scratch.New = func() any { return &scratch{contributions: make([]float64, len(infos)+1)} }
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

// reasons appends the groups of features that raised the risk of x most: their
// summed exact contributions to the margin, the strongest first.
func (m *live) reasons(dst []assay.Reason, x []float64) []assay.Reason {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	m.forest.Contributions(s.contributions, x)
	return m.why.Of(dst, s.contributions)
}
