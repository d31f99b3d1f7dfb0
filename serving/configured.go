// SPDX-License-Identifier: Apache-2.0

package serving

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
func (s *Server) recordStart(ctx context.Context, m *live, st *standing) error {
	now := named{m.bundle.Digest, m.digest, m.policy.Digest()}
	before := st.decides
	if before == (named{}) { // a journal from before starts were recorded
		before = st.decided
	}
	kernels := windowKernels(s.engine.routes.Load().all()...)
	if st.configured != nil && now == before && st.configured.FourEyes == s.cfg.FourEyes && (kernels == 0 || kernels == st.windows) {
		return nil
	}
	if s.cfg.FourEyes && before != (named{}) && now != before {
		return fmt.Errorf("serving: the configuration says model %s with policy %s, the log's last act left model %s with policy %s, and with four eyes it takes two admins to change that: configure what stands, and have two admins activate the other: %w",
			now.model.Short(), now.policy.Short(), before.model.Short(), before.policy.Short(), assay.ErrPrecondition)
	}
	act := Act{What: actConfigure, Policy: m.policy.YAML(), FourEyes: s.cfg.FourEyes, Windows: kernels}
	seq, err := s.appendOfStart(ctx, m, act)
	if err != nil {
		return err
	}
	s.log.Info("the log has what the server is configured with", "model", now.model.Short(), "policy",
		now.policy.Short(), "four_eyes", act.FourEyes, "sequence", seq)
	if st.configured != nil && st.configured.FourEyes && !act.FourEyes {
		s.log.Warn("four eyes were on at the last start and are off now; the log says so", "sequence", seq)
	}
	return nil
}

// windowKernels is the version of window kernels by which the models decide, 0
// if none of them has windows.
func windowKernels(models ...*live) int {
	for _, m := range models {
		if m.plan.HasWindows() {
			return features.WindowKernels
		}
	}
	return 0
}

// recordAcceptedHead makes a person's word for the log's head a record of it.
func (s *Server) recordAcceptedHead(ctx context.Context, m *live) error {
	if s.cfg.AcceptedHead == "" {
		return nil
	}
	seq, err := s.appendOfStart(ctx, m, Act{What: actAccept, Text: s.cfg.AcceptedHead})
	if err != nil {
		return err
	}
	s.log.Warn("the log has that its head was accepted by a person", "sequence", seq, "what", s.cfg.AcceptedHead)
	return nil
}

// appendOfStart makes what a start brings a record of the log, by m and in the
// name of whoever started the server.
func (s *Server) appendOfStart(ctx context.Context, m *live, act Act) (seq uint64, err error) {
	act.Version, act.By, act.Digest = 1, byConfiguration, m.bundle.Digest
	if s.cfg.StartedBy != "" {
		act.By += ", started by " + s.cfg.StartedBy
	}
	raw, err := assay.MarshalCBOR(&act)
	if err != nil {
		return 0, err
	}
	seq = s.cfg.Journal.Take()
	if _, err := s.cfg.Journal.Append(context.WithoutCancel(ctx), seq, &journal.Record{
		Kind: ledger.Activation, Micros: s.cfg.Now().UnixMicro(), Caller: byConfiguration,
		Model: m.bundle.Digest, Plan: m.digest, Policy: m.policy.Digest(), Decision: raw,
	}); err != nil {
		return 0, fmt.Errorf("serving: the record of the start: %w: %w", assay.ErrUnavailable, err)
	}
	return seq, nil
}
