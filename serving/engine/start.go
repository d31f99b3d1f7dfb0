// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// configurationCaller is the caller that the record of a start names. A caller
// may have the same name: Act.Kind tells a start from an admin's act.
const configurationCaller = "configuration"

// recordStart records, before the first decision, what the configuration puts in
// force: the model, plan and policy of m, the policy's text, whether acts need two
// admins, and the version of the window kernels. It records nothing when the
// newest act left the same in force.
//
// With four eyes, the configuration must not change alone what takes two admins:
// once the log has a decider, a start with another one is refused.
func (e *Engine) recordStart(ctx context.Context, m *Model, st *inForce) error {
	now := decider{m.Bundle.Digest, m.PlanDigest, m.Policy.Digest()}
	before := st.current
	if before == (decider{}) { // a journal from before starts were recorded
		before = st.lastDecision
	}
	kernels := WindowKernels(e.models.Load().All()...)
	if st.lastStart != nil && now == before && st.lastStart.FourEyes == e.cfg.FourEyes &&
		(kernels == 0 || kernels == st.windowKernels) {
		return nil
	}
	if e.cfg.FourEyes && before != (decider{}) && now != before {
		return fmt.Errorf("serving: the configuration says model %s with policy %s, the log's last act left model %s "+
			"with policy %s, and with four eyes it takes two admins to change that: configure what is in force, and "+
			"have two admins activate the other: %w",
			now.model.Short(), now.policy.Short(), before.model.Short(), before.policy.Short(), assay.ErrPrecondition)
	}
	act := Act{Kind: ActConfigure, Policy: m.Policy.YAML(), FourEyes: e.cfg.FourEyes, Windows: kernels}
	seq, err := e.appendStartAct(ctx, m, act)
	if err != nil {
		return err
	}
	e.log.Info("the configuration is recorded in the log", "model", now.model.Short(), "policy",
		now.policy.Short(), "four_eyes", act.FourEyes, "sequence", seq)
	if st.lastStart != nil && st.lastStart.FourEyes && !act.FourEyes {
		e.log.Warn("four eyes were on at the last start and are off now; the log records it", "sequence", seq)
	}
	return nil
}

// WindowKernels is the version of window kernels that the models use; 0 if none
// of them has windows.
func WindowKernels(models ...*Model) int {
	for _, m := range models {
		if m.Plan.HasWindows() {
			return features.WindowKernels
		}
	}
	return 0
}

// recordAccepted records that a person vouched for the log's head, and that the
// clock was taken without anything that confirms it.
func (e *Engine) recordAccepted(ctx context.Context, m *Model) error {
	for _, a := range [...]Act{
		{Kind: ActAccept, Text: e.cfg.AcceptedHead},
		{Kind: ActClock, Text: e.cfg.AcceptedClock},
	} {
		if a.Text == "" {
			continue
		}
		seq, err := e.appendStartAct(ctx, m, a)
		if err != nil {
			return err
		}
		e.log.Warn("the start is recorded in the log", "act", a.Kind, "sequence", seq, "what", a.Text)
	}
	return nil
}

// appendStartAct records an act of a start, in the name of whoever started the
// server; m decides.
func (e *Engine) appendStartAct(ctx context.Context, m *Model, act Act) (seq uint64, err error) {
	act.Version, act.By, act.Digest = 1, configurationCaller, m.Bundle.Digest
	if e.cfg.StartedBy != "" {
		act.By += ", started by " + e.cfg.StartedBy
	}
	raw, err := assay.MarshalCBOR(&act)
	if err != nil {
		return 0, err
	}
	e.mu.Lock()
	seq, micros := e.takeActLocked(ledger.Activation, m, &act)
	e.mu.Unlock()
	if _, err := e.journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: ledger.Activation, Micros: micros, Caller: configurationCaller,
		Model: m.Bundle.Digest, Plan: m.PlanDigest, Policy: m.Policy.Digest(), Decision: raw,
	}); err != nil {
		return 0, fmt.Errorf("serving: the record of the start: %w: %w", assay.ErrUnavailable, err)
	}
	return seq, nil
}
