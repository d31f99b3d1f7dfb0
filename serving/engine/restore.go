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
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// Restore loads the models and policies that were in force when the engine
// stopped, and makes the windows again from the journal: acts stay in force until
// other acts replace them, so a restart changes nothing. first is the configured
// bundle; it decides unless another was activated. Restore returns the acts that
// wait for a second admin.
//
// An activated bundle that cannot be loaded is an error: deciding by another
// model than the records say would be worse than not starting.
func (e *Engine) Restore(ctx context.Context, first *Model) (pending map[assay.Digest]Proposal, err error) {
	stored := e.newestSnapshot()
	s, err := e.restoreState(ctx, stored, first.Plan)
	if err != nil {
		return nil, err
	}
	st := s.acts // what follows adds an act of its own
	pending = map[assay.Digest]Proposal{}
	maps.Copy(pending, st.pending)
	active, err := e.modelInForce(ctx, first, &st)
	if err != nil {
		return nil, err
	}
	if err := e.checkPolicyInForce(active, &st); err != nil {
		return nil, err
	}
	loaded := e.reload(ctx, active, &st)
	if err := e.restoreWindows(ctx, stored, loaded, s); err != nil {
		return nil, err
	}
	e.models.Store(loaded)
	e.drift.Watch(active)
	e.useDictionary(active)
	challengers, err := e.LoadShadows(ctx, st.shadows, active.PlanDigest)
	if err != nil && !errors.Is(err, assay.ErrPrecondition) {
		return nil, err
	}
	if err != nil {
		e.log.Warn("the challengers of before the start are not loaded", "error", err)
	}
	e.shadows.Set(challengers)
	if err := e.recordStart(ctx, active, &st); err != nil {
		return nil, err
	}
	if err := e.recordAccepted(ctx, active); err != nil {
		return nil, err
	}
	e.log.Info("model", "name", active.Name, "version", active.Version, "digest", active.Bundle.Digest.Short(),
		"plan", active.PlanDigest.Short(), "policy", active.Policy.Digest().Short(), "loaded", len(loaded.byName))
	return pending, nil
}

// reload loads the models that were loaded next to the active one. One that
// cannot be loaded is logged and left out.
func (e *Engine) reload(ctx context.Context, active *Model, st *inForce) *Models {
	all := &Models{Active: active, byName: map[string]*Model{active.Name: active}}
	for _, name := range slices.Sorted(maps.Keys(st.loaded)) {
		if !st.loaded[name] {
			continue
		}
		m, err := e.Load(ctx, name, nil, nil)
		if err == nil && all.byName[m.Name] == nil {
			var next *Models
			if next, err = all.With(m, false); err == nil {
				all = next
			}
		}
		if err != nil {
			e.log.Warn("a model of before the start is not loaded", "bundle", name, "error", err)
		}
	}
	return all
}

// newestSnapshot reads the newest snapshot of a state that the journal's records have led to, nil if there is none.
func (e *Engine) newestSnapshot() *storedState {
	numbers := e.snapshots.files.Numbers()
	for _, n := range slices.Backward(numbers) {
		s, err := e.readSnapshot(n)
		if err == nil {
			e.late.restore(s.head.Late)
			return s
		}
		e.log.Warn("a snapshot cannot be used: the start replays more records", "number", n, "error", err)
	}
	if len(numbers) > 0 {
		if err := e.snapshots.files.Drop(nil, nil); err != nil {
			e.log.Warn("snapshots that cannot be used are still there", "error", err)
		}
	}
	return nil
}

// readSnapshot reads the snapshot of a number, if it is of the records that are there.
func (e *Engine) readSnapshot(number uint64) (*storedState, error) {
	if number == 0 || number > e.journal.Stats().Durable {
		return nil, fmt.Errorf("it is of %d records, and %d are there: %w", number, e.journal.Stats().Durable,
			assay.ErrPrecondition)
	}
	s, err := readState(e.snapshots.files, number)
	if err != nil {
		return nil, err
	}
	last, err := e.journal.LeafHash(number - 1)
	if err != nil {
		return nil, err
	}
	if last != s.head.Last {
		return nil, fmt.Errorf("it is of other records than those that are there: %w", assay.ErrPrecondition)
	}
	return s, e.snapshots.resume(s)
}

// restoreState makes the state again: what acts add up to, and the windows of the first model's plan unless the
// snapshot has others alone; those are made later, if the first model is loaded at all.
func (e *Engine) restoreState(ctx context.Context, stored *storedState, first *features.Plan) (*State, error) {
	if stored == nil {
		s := NewState(first)
		return s, s.replay(ctx, e.journal, 0, math.MaxUint64, e.late)
	}
	s := &State{acts: stored.acts, retired: stored.head.Retired}
	w, err := stored.windows(first)
	if err != nil {
		return nil, err
	}
	if w != nil {
		s.windows = append(s.windows, w)
	}
	return s, s.replay(ctx, e.journal, stored.number, math.MaxUint64, e.late)
}

// restoreWindows gives each model the windows of its plan, and makes s the state. Those that s lacks are made from the
// snapshot and the records since, or from all records.
func (e *Engine) restoreWindows(ctx context.Context, stored *storedState, loaded *Models, s *State) error {
	kept, fresh := new(State), new(State)
	for _, m := range loaded.All() {
		if s.WindowsOf(m.PlanDigest) != nil || kept.WindowsOf(m.PlanDigest) != nil || !m.Plan.HasWindows() {
			continue
		}
		w, err := stored.windows(m.Plan)
		if err != nil {
			return err
		}
		if w != nil {
			kept.windows = append(kept.windows, w)
			continue
		}
		fresh.windowsFor(m.Plan)
	}
	if len(kept.windows) > 0 {
		if err := kept.replay(ctx, e.journal, stored.number, math.MaxUint64, e.late); err != nil {
			return err
		}
	}
	if len(fresh.windows) > 0 {
		if err := fresh.replay(ctx, e.journal, 0, math.MaxUint64, e.late); err != nil {
			return err
		}
	}
	s.windows = slices.Concat(s.windows, kept.windows, fresh.windows)
	for _, m := range loaded.All() {
		m.windows = s.windowsFor(m.Plan)
	}
	s.drop(func(w *Windows) bool { return !loaded.reads(w) })
	for _, w := range s.windows {
		e.log.Info("windows", "plan", w.plan.Digest().Short(), "events", w.state.Events(),
			"keys_in_storage", w.state.ColdKeys())
	}
	e.mu.state = s
	return nil
}

// modelInForce returns the model that decides: the one that an admin activated
// last, or else the configured one. Its policy is the one that the log's acts
// left in force, or else the configured one.
func (e *Engine) modelInForce(ctx context.Context, first *Model, st *inForce) (active *Model, err error) {
	if !st.adminActed {
		return first, nil
	}
	yaml := st.lastPolicy
	if policy.DigestOf(yaml) != st.current.policy {
		yaml = nil // an older server's activation put the bundle's own in force
	}
	active = first
	if a := st.lastActivation; a != nil {
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
			return nil, fmt.Errorf("serving: the model that was activated last: %w (put its bundle back into the "+
				"model directory, or configure it as the first)", err)
		}
	} else if yaml != nil {
		if active, err = NewAcceptedModel(first.Bundle, yaml, e.now()); err != nil {
			return nil, fmt.Errorf("serving: the policy that was set last: %w", err)
		}
	}
	if now := active.Policy.Digest(); now != st.current.policy {
		return nil, fmt.Errorf("serving: the log's last act left the policy %s in force, and neither a record nor "+
			"the bundle has its text: %w",
			st.current.policy.Short(), assay.ErrPrecondition)
	} else if e.cfg.HasPolicy && now != first.Policy.Digest() {
		e.log.Warn("the configured policy is not in force: an admin put another in force, which stays until an act "+
			"replaces it",
			"configured", first.Policy.Digest().Short(), "in_force", now.Short())
	}
	return active, nil
}

// checkPolicyInForce checks a policy with expressions that this version would
// refuse. If the log says that it is in force, an older version accepted it, and
// it goes on deciding, so that an upgrade does not stop a server: the expressions
// that exceed a bound now have the outcome of their on_error. If the
// configuration brings it, it is refused.
func (e *Engine) checkPolicyInForce(active *Model, st *inForce) error {
	refused := active.Policy.RefusedExpressions()
	if refused == nil {
		return nil
	}
	if active.Policy.Digest() != cmp.Or(st.current, st.lastDecision).policy {
		return fmt.Errorf("serving: %w", refused)
	}
	e.log.Warn("expressions of the policy in force exceed the bounds of this version and are not evaluated: their "+
		"rules have the outcome of their on_error (review, unless it says decline) until an admin sets another "+
		"policy, or the configuration names one if no admin has set any",
		"policy", active.Policy.Digest().Short(), "error", refused)
	return nil
}
