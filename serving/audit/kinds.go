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
)

// checkOther checks a record that holds no event. checked is false where the
// auditor does not have the bundle or the record that the check needs; what is the
// difference, "" for none.
func (a *Auditor) checkOther(seq uint64, r *journal.Record) (checked bool, what string, err error) {
	switch r.Kind {
	case ledger.Policy, ledger.Activation:
		return a.checkAct(r)
	case ledger.Shadow:
		return a.checkShadow(r)
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
	case ledger.Tick:
		return a.checkTick(seq, r)
	case ledger.Snapshot:
		return a.checkSnapshot(r)
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

// checkAct checks an act, and keeps its policy for later decisions.
func (a *Auditor) checkAct(r *journal.Record) (checked bool, what string, err error) {
	var act engine.Act
	if err := assay.UnmarshalCBOR(r.Decision, &act); err != nil {
		return false, "", err
	}
	if act.Windows > 0 {
		a.kernels = act.Windows
	}
	if len(act.Policy) > 0 {
		if act.Kind == engine.ActPolicy && act.Digest != r.Policy || policy.DigestOf(act.Policy) != r.Policy {
			return true, "policy: the digest of its text is not the one that the record names", nil
		}
		a.policies[r.Policy] = act.Policy
	}
	before := a.policyInForce
	a.policyInForce = r.Policy
	if act.Kind == engine.ActActivate && act.Version >= engine.ActKeepsPolicy && len(act.Policy) == 0 &&
		before != (assay.Digest{}) && r.Policy != before {
		return true, "activation: another policy is in force after it, and it does not say so", nil
	}
	if act.Kind == engine.ActConfigure && act.Digest != r.Model {
		return true, "activation: it names two models", nil
	}
	if act.Kind == engine.ActActivate || act.Kind == engine.ActLoad || act.Kind == engine.ActConfigure {
		return a.bundles[act.Digest] != nil, "", nil
	}
	return true, "", nil
}

// checkShadow makes the scores of challengers again.
func (a *Auditor) checkShadow(r *journal.Record) (checked bool, what string, err error) {
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
		m := a.anyPolicy(s.Digest)
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

// checkTick checks that what a tick says was due by then was.
func (a *Auditor) checkTick(seq uint64, r *journal.Record) (checked bool, what string, err error) {
	n, err := engine.ReadTick(r)
	if errors.Is(err, assay.ErrPrecondition) {
		return false, "", err
	}
	if err != nil {
		return true, "tick that does not say what was due", nil
	}
	for _, c := range n.Changes {
		switch {
		case c.Until > r.Micros:
			return true, "tick: it says that something was due that lay ahead", nil
		case c.Below == 0 || c.Below > seq:
			return true, fmt.Sprintf("tick: it retires the records below %d", c.Below), nil
		}
		newest, err := a.Lookup(c.Below - 1)
		if newest == nil {
			return false, "", fmt.Errorf("the newest record that was retired: %w", err)
		}
		if newest.Micros > c.Until {
			return true, fmt.Sprintf("tick: it retires record %d, which was not due", c.Below-1), nil
		}
	}
	return true, "", nil
}
