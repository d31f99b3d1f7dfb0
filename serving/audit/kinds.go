// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// Kind counts the records of one kind in an audit's range. What Checked
// means differs:
//
//	decision       the application was read, and is fed to the windows; Report has what became of the rest
//	event          the event was read, and is fed to the windows
//	failed         the same, where there was an event before the work failed
//	activation     the bundle that it names is at hand, so that decisions by it can be made again; it leaves the
//	               policy in force, or has the text of the one that it brings; a policy text
//	               in it has the digest that it names
//	policy         the text has the digest that the record, and decisions by it, name
//	shadow         challengers at hand gave the vector of the decision the same scores, bit for bit
//	erasure        it names the key that was destroyed (that no file still has it: assay ledger fsck)
//	key rotation   it says how many keys were wrapped anew
//	report         it names the digest of a report
type Kind struct {
	Kind       string `json:"kind"`
	Records    int    `json:"records"`
	Checked    int    `json:"checked"`
	Unreadable int    `json:"unreadable"` // the subject was erased, or the retention has passed
}

// kind finds the count of a kind; what is not wanted is counted nowhere.
func (r *Report) kind(k ledger.Kind, wanted bool) *Kind {
	if !wanted {
		return new(Kind)
	}
	for i := range r.Kinds {
		if r.Kinds[i].Kind == k.String() {
			return &r.Kinds[i]
		}
	}
	r.Kinds = append(r.Kinds, Kind{Kind: k.String()})
	return &r.Kinds[len(r.Kinds)-1]
}

// differ notes that a record is not what it must be.
func (r *Report) differ(seq uint64, what string) {
	r.Different++
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, Difference{seq, what})
	}
}

// other checks a record that holds no event. checked is false where the auditor
// was not given what it takes.
func (a *Auditor) other(r *journal.Record) (checked bool, what string, err error) {
	switch r.Kind {
	case ledger.Policy, ledger.Activation:
		return a.act(r)
	case ledger.Shadow:
		return a.shadow(r)
	case ledger.Report:
		var n journal.ReportNote
		if err := assay.UnmarshalCBOR(r.Decision, &n); err != nil || n.Report == (assay.Digest{}) {
			return true, "report without the digest of one", nil
		}
	case ledger.Erasure:
		var n journal.ErasureNote
		if err := assay.UnmarshalCBOR(r.Decision, &n); err != nil || n.Key == (journal.ErasureNote{}).Key {
			return true, "erasure without the key that was destroyed", nil
		}
	case ledger.KeyRotation:
		var n journal.RotationNote
		if err := assay.UnmarshalCBOR(r.Decision, &n); err != nil {
			return true, "key rotation that does not say how many keys it wrapped anew", nil
		}
	default:
		return false, "", nil
	}
	return true, "", nil
}

// act checks what an admin did, and keeps the policies.
func (a *Auditor) act(r *journal.Record) (checked bool, what string, err error) {
	var act engine.Act
	if err := assay.UnmarshalCBOR(r.Decision, &act); err != nil {
		return false, "", err
	}
	if act.Windows > 0 {
		a.kernels = act.Windows
	}
	if len(act.Policy) > 0 {
		if act.What == engine.ActPolicy && act.Digest != r.Policy || policy.DigestOf(act.Policy) != r.Policy {
			return true, "policy: its text has another digest than the record names", nil
		}
		a.yaml[r.Policy] = act.Policy
	}
	before := a.inForce
	a.inForce = r.Policy
	if act.What == engine.ActActivate && act.Version >= engine.ActKeepsPolicy && len(act.Policy) == 0 &&
		before != (assay.Digest{}) && r.Policy != before {
		return true, "activation: another policy is in force after it, and it does not say so", nil
	}
	if act.What == engine.ActConfigure && act.Digest != r.Model {
		return true, "activation: it names two models", nil
	}
	if act.What == engine.ActActivate || act.What == engine.ActLoad || act.What == engine.ActConfigure {
		return a.bundles[act.Digest] != nil, "", nil
	}
	return true, "", nil
}

// shadow makes the scores of challengers again.
func (a *Auditor) shadow(r *journal.Record) (checked bool, what string, err error) {
	var n engine.ShadowNote
	if err := assay.UnmarshalCBOR(r.Decision, &n); err != nil {
		return false, "", err
	}
	rec, err := a.Lookup(n.Sequence)
	switch {
	case errors.Is(err, vault.ErrErased), errors.Is(err, journal.ErrRetired):
		return false, "", nil
	case err != nil:
		return false, "", fmt.Errorf("shadow scores of decision %d: %w", n.Sequence, err)
	case rec.Kind != ledger.Decision:
		return true, fmt.Sprintf("shadow scores of record %d, which is no decision", n.Sequence), nil
	}
	v, err := assay.ParseVector(rec.Vector)
	if err != nil {
		return false, "", fmt.Errorf("shadow scores of decision %d: %w", n.Sequence, err)
	}
	checked = true
	for _, s := range n.Scores {
		m := a.byModel(s.Digest)
		if m == nil || m.PlanDigest != v.Plan {
			checked = false
			continue
		}
		x := m.Bundle.Score(m.Forest.Margin(v.Values))
		if math.Float64bits(x.Margin) != math.Float64bits(s.Margin) ||
			math.Float64bits(x.PD) != math.Float64bits(s.PD) {
			return true, fmt.Sprintf("shadow score of decision %d by model %s", n.Sequence, s.Digest.Short()), nil
		}
	}
	return checked, "", nil
}

// byModel finds a model at hand, whatever its policy.
func (a *Auditor) byModel(model assay.Digest) *scoring.Model {
	for key, m := range a.models {
		if key[0] == model {
			return m
		}
	}
	return nil
}
