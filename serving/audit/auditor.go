// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/scoring"
)

// Auditor makes past decisions again. It replays a journal from its beginning
// with the plans, models and policies that the records name and the code that
// serves, and compares the canonical bytes of each decision. It checks records of
// other kinds as Kind says.
type Auditor struct {
	// Lookup reads a record by its number, for records about another record. Run
	// sets it to the journal's.
	Lookup func(seq uint64) (*journal.Record, error)

	bundles           map[assay.Digest]*models.Bundle
	models            map[[2]assay.Digest]*scoring.Model // by model and policy
	policies          map[assay.Digest][]byte            // YAML, from the journal
	windows           []*planWindows
	windowsIncomplete bool // a record that fed windows cannot be read
	allowed           allowedDeciders
	policyInForce     assay.Digest // the policy that the newest act left
	// the version of window kernels that the newest act with one names; 0 after an act that cannot be read
	kernels int
}

// New makes an auditor that makes the decisions of these bundles again. It takes
// policies from the bundles and from the journal.
func New(bundles []*models.Bundle) (*Auditor, error) {
	a := &Auditor{kernels: 1, bundles: map[assay.Digest]*models.Bundle{}, models: map[[2]assay.Digest]*scoring.Model{},
		policies: map[assay.Digest][]byte{}}
	for _, b := range bundles {
		m, err := a.open(b, nil)
		if err != nil {
			return nil, err
		}
		a.bundles[b.Digest] = b
		if a.windowsOf(m.Plan) == nil {
			a.windows = append(a.windows, &planWindows{plan: m.Plan, state: m.Plan.NewState()})
		}
	}
	return a, nil
}

func (a *Auditor) open(b *models.Bundle, yaml []byte) (*scoring.Model, error) {
	m, err := scoring.NewAccepted(b, yaml)
	if err != nil {
		return nil, err
	}
	a.models[[2]assay.Digest{b.Digest, m.Policy.Digest()}] = m
	return m, nil
}

// planWindows are the windows of one plan as of the newest record.
type planWindows struct {
	plan  *features.Plan
	state *features.State
}

func (a *Auditor) windowsOf(p *features.Plan) *planWindows {
	for _, w := range a.windows {
		if w.plan.Digest() == p.Digest() {
			return w
		}
	}
	return nil
}

// model returns the model and policy that made a decision, nil if the auditor does
// not have them.
func (a *Auditor) model(model, policy assay.Digest) *scoring.Model {
	if m := a.models[[2]assay.Digest{model, policy}]; m != nil {
		return m
	}
	b, yaml := a.bundles[model], a.policies[policy]
	if b == nil || yaml == nil {
		return nil
	}
	m, err := a.open(b, yaml)
	if err != nil || m.Policy.Digest() != policy {
		return nil
	}
	return m
}

// anyPolicy returns a model with whatever policy, nil if the auditor does not have
// it.
func (a *Auditor) anyPolicy(model assay.Digest) *scoring.Model {
	for key, m := range a.models {
		if key[0] == model {
			return m
		}
	}
	return nil
}
