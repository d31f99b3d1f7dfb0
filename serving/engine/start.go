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

// byConfiguration is whom the record of a configured start names. It is no
// caller's name by itself: the record's What tells a start from an admin's act.
const byConfiguration = "configuration"

// recordStart makes the configuration's part in what decides a record of the
// log, before the first decision: m's model, plan and policy, the policy's
// text, whether acts need two admins, and the version of the kernels over
// windows. A start by what the newest act left, with four eyes and kernels as
// before, appends nothing.
//
// With four eyes a configuration must not do alone what takes two admins: once
// something has decided, a start by anything else is refused. Only a log in
// which nothing has decided yet begins with what it is configured with.
func (e *Engine) recordStart(ctx context.Context, m *Model, st *standing) error {
	now := decider{m.Bundle.Digest, m.PlanDigest, m.Policy.Digest()}
	before := st.decides
	if before == (decider{}) { // a journal from before starts were recorded
		before = st.decided
	}
	kernels := WindowKernels(e.models.Load().All()...)
	if st.configured != nil && now == before && st.configured.FourEyes == e.cfg.FourEyes &&
		(kernels == 0 || kernels == st.windows) {
		return nil
	}
	if e.cfg.FourEyes && before != (decider{}) && now != before {
		return fmt.Errorf("serving: the configuration says model %s with policy %s, the log's last act left model %s "+
			"with policy %s, and with four eyes it takes two admins to change that: configure what stands, and have "+
			"two admins activate the other: %w",
			now.model.Short(), now.policy.Short(), before.model.Short(), before.policy.Short(), assay.ErrPrecondition)
	}
	act := Act{What: ActConfigure, Policy: m.Policy.YAML(), FourEyes: e.cfg.FourEyes, Windows: kernels}
	seq, err := e.appendOfStart(ctx, m, act)
	if err != nil {
		return err
	}
	e.log.Info("the log has what the server is configured with", "model", now.model.Short(), "policy",
		now.policy.Short(), "four_eyes", act.FourEyes, "sequence", seq)
	if st.configured != nil && st.configured.FourEyes && !act.FourEyes {
		e.log.Warn("four eyes were on at the last start and are off now; the log says so", "sequence", seq)
	}
	return nil
}

// WindowKernels is the version of window kernels by which the models decide, 0
// if none of them has windows.
func WindowKernels(models ...*Model) int {
	for _, m := range models {
		if m.Plan.HasWindows() {
			return features.WindowKernels
		}
	}
	return 0
}

// recordAcceptedHead makes a person's word for the log's head a record of it.
func (e *Engine) recordAcceptedHead(ctx context.Context, m *Model) error {
	if e.cfg.AcceptedHead == "" {
		return nil
	}
	seq, err := e.appendOfStart(ctx, m, Act{What: ActAccept, Text: e.cfg.AcceptedHead})
	if err != nil {
		return err
	}
	e.log.Warn("the log has that its head was accepted by a person", "sequence", seq, "what", e.cfg.AcceptedHead)
	return nil
}

// appendOfStart makes what a start brings a record of the log, by m and in the
// name of whoever started the server.
func (e *Engine) appendOfStart(ctx context.Context, m *Model, act Act) (seq uint64, err error) {
	act.Version, act.By, act.Digest = 1, byConfiguration, m.Bundle.Digest
	if e.cfg.StartedBy != "" {
		act.By += ", started by " + e.cfg.StartedBy
	}
	raw, err := assay.MarshalCBOR(&act)
	if err != nil {
		return 0, err
	}
	seq = e.journal.Take()
	if _, err := e.journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: ledger.Activation, Micros: e.now().UnixMicro(), Caller: byConfiguration,
		Model: m.Bundle.Digest, Plan: m.PlanDigest, Policy: m.Policy.Digest(), Decision: raw,
	}); err != nil {
		return 0, fmt.Errorf("serving: the record of the start: %w: %w", assay.ErrUnavailable, err)
	}
	return seq, nil
}
