// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/policy"
)

// restore brings back what the server decided by when it stopped: the acts in
// the journal stand until other acts undo them, so a restart changes nothing.
// first is the configured bundle; it decides unless another was activated. Then
// the windows are made again.
//
// An activated bundle that cannot be loaded is an error: going on with another
// model than the records say would be worse than not going on.
func (s *Server) restore(ctx context.Context, first *live) error {
	st, w, events, err := replayAll(ctx, s.cfg.Journal, first.plan, s.engine.lates)
	if err != nil {
		return err
	}
	s.restored = st.pending
	active, err := s.standingModel(ctx, first, &st)
	if err != nil {
		return err
	}
	if err := s.checkStanding(active, &st); err != nil {
		return err
	}
	r := &routes{active: active, byName: map[string]*live{active.name: active}}
	for _, name := range slices.Sorted(maps.Keys(st.loaded)) {
		if !st.loaded[name] {
			continue
		}
		m, err := s.loadLive(ctx, name, nil, nil)
		if err == nil && r.byName[m.name] == nil {
			r, err = r.with(m, false)
		}
		if err != nil {
			s.log.Warn("a model that was loaded is not any more", "bundle", name, "error", err)
		}
	}
	for _, m := range r.all() {
		if m.windows = s.engine.windowsFor(m.digest); m.windows != nil {
			continue
		}
		if m.windows = w; m.digest != first.digest {
			m.windows = &windows{plan: m.plan, state: m.plan.NewState()}
			if events, err = replay(ctx, s.cfg.Journal, m.plan, 0, math.MaxUint64, m.windows.state, s.engine.lates); err != nil {
				return err
			}
		}
		s.engine.mu.windows = append(s.engine.mu.windows, m.windows)
		s.log.Info("windows made from the journal", "plan", m.digest.Short(), "events", events)
	}
	s.engine.routes.Store(r)
	s.drift.watch(active)
	ms, err := s.loadShadows(ctx, st.shadows, active.digest)
	if err != nil && !errors.Is(err, assay.ErrPrecondition) {
		return err
	}
	if err != nil {
		s.log.Warn("the shadows are not loaded any more", "error", err)
	}
	s.shadows.models.Store(&ms)
	if err := s.recordStart(ctx, active, &st); err != nil {
		return err
	}
	if err := s.recordAcceptedHead(ctx, active); err != nil {
		return err
	}
	s.log.Info("model", "name", active.name, "version", active.version, "digest", active.bundle.Digest.Short(),
		"plan", active.digest.Short(), "policy", active.policy.Digest().Short(), "loaded", len(r.byName))
	return nil
}

// standingModel returns what decides: the model that an admin activated last,
// or else the configured one, by the policy that the log's acts left in force,
// or else the configured one.
func (s *Server) standingModel(ctx context.Context, first *live, st *standing) (active *live, err error) {
	if !st.acted {
		return first, nil
	}
	yaml := st.policy
	if policy.DigestOf(yaml) != st.decides.policy {
		yaml = nil // an older server's activation brought the bundle's own
	}
	active = first
	if a := st.activate; a != nil {
		if len(a.Bundles) != 1 {
			return nil, fmt.Errorf("serving: the record of the last activation names no bundle: %w", assay.ErrCorrupt)
		}
		if a.Digest == first.bundle.Digest {
			if active, err = newLiveBy(policy.ParseAccepted, first.bundle, yaml, s.cfg.Now()); err == nil {
				active.folder = a.Bundles[0]
			}
		} else {
			active, err = s.loadLiveBy(ctx, policy.ParseAccepted, a.Bundles[0], a.Digest[:], yaml)
		}
		if err != nil {
			return nil, fmt.Errorf("serving: the model that was activated last: %w (put the bundle back, or configure it as the first)", err)
		}
	} else if yaml != nil {
		if active, err = newLiveBy(policy.ParseAccepted, first.bundle, yaml, s.cfg.Now()); err != nil {
			return nil, fmt.Errorf("serving: the policy that was set last: %w", err)
		}
	}
	if now := active.policy.Digest(); now != st.decides.policy {
		return nil, fmt.Errorf("serving: the log's last act left the policy %s in force, and its text is in no record and not in the bundle: %w",
			st.decides.policy.Short(), assay.ErrPrecondition)
	} else if len(s.cfg.Policy) > 0 && now != first.policy.Digest() {
		s.log.Warn("the configured policy is not in force: an admin's act left another, which stays until an act replaces it",
			"configured", first.policy.Digest().Short(), "in_force", now.Short())
	}
	return active, nil
}

// checkStanding holds a policy that this version would not take to what the log
// says. One that the log left in force was taken by an older version and goes on
// deciding, so that an upgrade does not stop a server: what exceeds a bound now
// has the outcome of its on_error. One that the configuration brings is refused.
func (s *Server) checkStanding(active *live, st *standing) error {
	refused := active.policy.Refused()
	if refused == nil {
		return nil
	}
	if active.policy.Digest() != cmp.Or(st.decides, st.decided).policy {
		return fmt.Errorf("serving: %w", refused)
	}
	s.log.Warn("expressions of the policy in force exceed the bounds of this version and are not evaluated: their rules have the outcome of their on_error "+
		"(review, unless it says decline) until an admin sets another policy, or without an admin's act the configuration brings one",
		"policy", active.policy.Digest().Short(), "error", refused)
	return nil
}
