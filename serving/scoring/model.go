// SPDX-License-Identifier: Apache-2.0

// Package scoring makes a bundle ready: its plan, forest, calibration, policy and
// reasons, opened with the same checks by the server and by the command line. It
// knows no protocol.
//
//	bundle ─▶ plan.yaml ─▶ features.Plan ─┐
//	          model.txt ─▶ forest.Forest ─┼─▶ Model: margin, score, decision, reasons
//	          policy.yaml ─▶ policy.Policy ┘
package scoring

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/serving/policy"
)

// Model is a bundle with its plan and policy, ready to score and to decide. It does
// not change, and is safe for concurrent use.
type Model struct {
	Name       string
	Version    string
	Bundle     *models.Bundle
	Plan       *features.Plan
	PlanDigest assay.Digest
	Forest     *forest.Forest
	Policy     *policy.Policy

	// RequiredFeatures are the indices, in a vector, of features that have a value
	// for every event that the plan accepts.
	RequiredFeatures []int

	explainer *forest.Reasons
	scratch   sync.Pool // *[]float64: one contribution for each feature, and the expected margin
}

// New checks that the parts of a bundle, whose Model must be filled, fit
// together. policyYAML nil means the bundle's policy, or else the default one.
func New(b *models.Bundle, policyYAML []byte) (*Model, error) {
	return newModel(policy.Parse, b, policyYAML)
}

// NewAccepted is New with a policy that an earlier version may have accepted and
// this one refuses: see policy.ParseAccepted.
func NewAccepted(b *models.Bundle, policyYAML []byte) (*Model, error) {
	return newModel(policy.ParseAccepted, b, policyYAML)
}

func newModel(parse func([]byte, policy.Schema) (*policy.Policy, error), b *models.Bundle,
	policyYAML []byte) (*Model, error) {
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		return nil, fmt.Errorf("the bundle's plan: %w", err)
	}
	m := &Model{Name: b.Manifest.Name, Version: b.Manifest.Version, Bundle: b, Plan: plan, PlanDigest: plan.Digest()}
	if m.PlanDigest != b.Manifest.Plan {
		return nil, fmt.Errorf("the bundle's manifest names the plan %s, its plan file is %s: %w",
			b.Manifest.Plan.Short(), m.PlanDigest.Short(), assay.ErrPrecondition)
	}
	infos := plan.Features()
	if len(infos) != len(b.Model.Features) {
		return nil, fmt.Errorf("the model has %d features, the plan %d: they were not trained together: %w",
			len(b.Model.Features), len(infos), assay.ErrPrecondition)
	}
	for i := range infos {
		if infos[i].Required {
			m.RequiredFeatures = append(m.RequiredFeatures, i)
		}
	}
	if m.Forest, err = forest.Compile(b.Model); err != nil {
		return nil, err
	}
	if policyYAML == nil {
		policyYAML = b.Policy
	}
	if len(policyYAML) == 0 {
		policyYAML = policy.Default()
	}
	if m.Policy, err = parse(policyYAML, PolicySchema(plan)); err != nil {
		return nil, err
	}
	m.explainer, err = forest.NewReasons(m.Forest, forest.GroupReasons(len(infos), func(j int) (code, text string) {
		f := &infos[j]
		return cmp.Or(f.ReasonCode, f.Group, f.Name), f.ReasonText
	}))
	if err != nil {
		return nil, err
	}
	m.scratch.New = func() any { s := make([]float64, len(infos)+1); return &s }
	return m, nil
}

// PolicySchema is what a policy may read of the plan: policy.Parse checks types
// against it.
func PolicySchema(p *features.Plan) policy.Schema {
	var s policy.Schema
	for _, f := range p.Fields() {
		if f.Kind == assay.Missing {
			continue
		}
		s.Fields = append(s.Fields,
			policy.Variable{Name: f.Name, Kind: f.Kind, Optional: !f.Required || f.AllowMissing})
	}
	for _, f := range p.Features() {
		s.Features = append(s.Features, policy.Variable{Name: f.Name, Optional: true})
	}
	s.Roles = p.Roles()
	return s
}

// Reasons appends the groups of features that raised the risk of x most, by the sum
// of their exact contributions to the margin, the strongest first.
func (m *Model) Reasons(dst []assay.Reason, x []float64) []assay.Reason {
	s := m.scratch.Get().(*[]float64)
	defer m.scratch.Put(s)
	m.Forest.Contributions(*s, x)
	return m.explainer.Append(dst, *s)
}

// ReasonsFromContributions is Reasons from contributions that are computed
// already: one for each feature, and the expected margin.
func (m *Model) ReasonsFromContributions(dst []assay.Reason, contributions []float64) []assay.Reason {
	return m.explainer.Append(dst, contributions)
}
