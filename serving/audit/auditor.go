// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/engine"
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
	// Party numbers the parties that records of format 1 name. Run sets it to the
	// journal's.
	Party engine.PartyNumber

	bundles       map[assay.Digest]*models.Bundle
	models        map[[2]assay.Digest]*scoring.Model // by model and policy
	policies      map[assay.Digest][]byte            // YAML, from the journal
	state         *engine.State
	incomplete    string // why windows may lack what they had when decisions were made; "" if they do not
	formerFormat  bool   // a record of format 1 fed windows
	allowed       allowedDeciders
	policyInForce assay.Digest // the policy that the newest act left
	// the version of window kernels that the newest act with one names; 0 after an act that cannot be read
	kernels int
	// digests are those of the windows at the numbers of snapshots, nil until the audit has reached them
	digests map[uint64]map[assay.Digest]assay.Digest
}

// New makes an auditor that makes the decisions of these bundles again. It takes
// policies from the bundles and from the journal.
func New(bundles []*models.Bundle) (*Auditor, error) {
	a := &Auditor{kernels: 1, Party: numberOfName, bundles: map[assay.Digest]*models.Bundle{},
		models: map[[2]assay.Digest]*scoring.Model{}, policies: map[assay.Digest][]byte{}}
	var plans []*features.Plan
	for _, b := range bundles {
		m, err := a.open(b, nil)
		if err != nil {
			return nil, err
		}
		a.bundles[b.Digest] = b
		plans = append(plans, m.Plan)
	}
	a.state = engine.NewState(plans...)
	return a, nil
}

// numberOfName numbers the parties of records of format 1 where no journal does.
func numberOfName(name string) (vault.ID, error) {
	d := assay.Sum("audit: a party by its name\n", []byte(name))
	return vault.ID(d[:len(vault.ID{})]), nil
}

func (a *Auditor) open(b *models.Bundle, yaml []byte) (*scoring.Model, error) {
	m, err := scoring.NewAccepted(b, yaml)
	if err != nil {
		return nil, err
	}
	a.models[[2]assay.Digest{b.Digest, m.Policy.Digest()}] = m
	return m, nil
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
