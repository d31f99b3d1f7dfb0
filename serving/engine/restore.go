// SPDX-License-Identifier: Apache-2.0

package engine

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
	"github.com/assayrisk/assay/serving/scoring"
)

// Restore brings back what decided when the engine stopped: the acts in
// the journal stand until other acts undo them, so a restart changes nothing.
// first is the configured bundle; it decides unless another was activated. Then
// the windows are made again. It returns the acts that wait for a second admin.
//
// An activated bundle that cannot be loaded is an error: going on with another
// model than the records say would be worse than not going on.
func (e *Engine) Restore(ctx context.Context, first *Model) (pending map[assay.Digest]Proposal, err error) {
	st, w, events, err := replayAll(ctx, e.journal, first.Plan, e.late)
	if err != nil {
		return nil, err
	}
	active, err := e.standingModel(ctx, first, &st)
	if err != nil {
		return nil, err
	}
	if err := e.checkStanding(active, &st); err != nil {
		return nil, err
	}
	r := &Models{Active: active, byName: map[string]*Model{active.Name: active}}
	for _, name := range slices.Sorted(maps.Keys(st.loaded)) {
		if !st.loaded[name] {
			continue
		}
		m, err := e.Load(ctx, name, nil, nil)
		if err == nil && r.byName[m.Name] == nil {
			r, err = r.With(m, false)
		}
		if err != nil {
			e.log.Warn("a model that was loaded is not any more", "bundle", name, "error", err)
		}
	}
	for _, m := range r.All() {
		if m.windows = e.windowsFor(m.PlanDigest); m.windows != nil {
			continue
		}
		if m.windows = w; m.PlanDigest != first.PlanDigest {
			m.windows = &windows{plan: m.Plan, state: m.Plan.NewState()}
			if events, err = replay(ctx, e.journal, m.Plan, 0, math.MaxUint64, m.windows.state, e.late); err != nil {
				return nil, err
			}
		}
		e.mu.windows = append(e.mu.windows, m.windows)
		e.log.Info("windows made from the journal", "plan", m.PlanDigest.Short(), "events", events)
	}
	e.models.Store(r)
	e.drift.Watch(active)
	ms, err := e.LoadShadows(ctx, st.shadows, active.PlanDigest)
	if err != nil && !errors.Is(err, assay.ErrPrecondition) {
		return nil, err
	}
	if err != nil {
		e.log.Warn("the shadows are not loaded any more", "error", err)
	}
	e.shadows.Use(ms)
	if err := e.recordStart(ctx, active, &st); err != nil {
		return nil, err
	}
	if err := e.recordAcceptedHead(ctx, active); err != nil {
		return nil, err
	}
	e.log.Info("model", "name", active.Name, "version", active.Version, "digest", active.Bundle.Digest.Short(),
		"plan", active.PlanDigest.Short(), "policy", active.Policy.Digest().Short(), "loaded", len(r.byName))
	return st.pending, nil
}

// standingModel returns what decides: the model that an admin activated last,
// or else the configured one, by the policy that the log's acts left in force,
// or else the configured one.
func (e *Engine) standingModel(ctx context.Context, first *Model, st *standing) (active *Model, err error) {
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
		if a.Digest == first.Bundle.Digest {
			if active, err = NewAcceptedModel(first.Bundle, yaml, e.now()); err == nil {
				active.Folder = a.Bundles[0]
			}
		} else {
			active, err = e.load(ctx, scoring.NewAccepted, a.Bundles[0], a.Digest[:], yaml)
		}
		if err != nil {
			return nil, fmt.Errorf("serving: the model that was activated last: %w (put the bundle back, or "+
				"configure it as the first)", err)
		}
	} else if yaml != nil {
		if active, err = NewAcceptedModel(first.Bundle, yaml, e.now()); err != nil {
			return nil, fmt.Errorf("serving: the policy that was set last: %w", err)
		}
	}
	if now := active.Policy.Digest(); now != st.decides.policy {
		return nil, fmt.Errorf("serving: the log's last act left the policy %s in force, and its text is in no "+
			"record and not in the bundle: %w",
			st.decides.policy.Short(), assay.ErrPrecondition)
	} else if e.cfg.HasPolicy && now != first.Policy.Digest() {
		e.log.Warn("the configured policy is not in force: an admin's act left another, which stays until an act "+
			"replaces it",
			"configured", first.Policy.Digest().Short(), "in_force", now.Short())
	}
	return active, nil
}

// checkStanding holds a policy that this version would not take to what the log
// says. One that the log left in force was taken by an older version and goes on
// deciding, so that an upgrade does not stop a server: what exceeds a bound now
// has the outcome of its on_error. One that the configuration brings is refused.
func (e *Engine) checkStanding(active *Model, st *standing) error {
	refused := active.Policy.RefusedExpressions()
	if refused == nil {
		return nil
	}
	if active.Policy.Digest() != cmp.Or(st.decides, st.decided).policy {
		return fmt.Errorf("serving: %w", refused)
	}
	e.log.Warn("expressions of the policy in force exceed the bounds of this version and are not evaluated: their "+
		"rules have the outcome of their on_error "+
		"(review, unless it says decline) until an admin sets another policy, or without an admin's act the "+
		"configuration brings one",
		"policy", active.Policy.Digest().Short(), "error", refused)
	return nil
}
