// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/scoring"
)

// Models are the loaded models.
func (e *Engine) Models() *Models { return e.models.Load() }

// Acquire returns the model of that name, the active one for "". Its windows are
// kept until Release.
func (e *Engine) Acquire(name string) (*Model, error) {
	for {
		l := e.models.Load()
		m, err := l.Pick(name)
		if err != nil {
			return nil, err
		}
		m.windows.users.Add(1)
		// A swap between the two loads may have dropped the windows already.
		if e.models.Load() == l {
			return m, nil
		}
		m.windows.users.Add(-1)
	}
}

// Peek makes the vector of an event without recording it: no window changes. The
// model must have been acquired.
func (e *Engine) Peek(m *Model, ev *assay.Event) (assay.Vector, error) {
	if err := ev.Validate(); err != nil {
		return assay.Vector{}, err
	}
	if err := m.Plan.Admit(ev); err != nil {
		return assay.Vector{}, err
	}
	for {
		changes := e.journal.KeyChanges()
		parties, err := e.knownParties(ev)
		if err != nil {
			return assay.Vector{}, err
		}
		e.mu.Lock()
		if changes == e.journal.KeyChanges() {
			defer e.mu.Unlock()
			return m.windows.Vector(ev, parties)
		}
		e.mu.Unlock() // a party was erased
	}
}

// unknownParty is the number of a party that has no key: it stands for one that no
// window has seen.
var unknownParty = vault.ID(bytes.Repeat([]byte{0xff}, len(vault.ID{})))

// knownParties finds the parties of an event, and makes no keys.
func (e *Engine) knownParties(ev *assay.Event) ([]features.Party, error) {
	parties := make([]features.Party, len(ev.Entities))
	for i, x := range ev.Entities {
		number := unknownParty
		p, ok, err := e.journal.FindParty(Subject(x.Role, x.ID))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
		}
		if ok {
			number = p.ID()
		}
		parties[i] = partyOf(number, x.ID)
	}
	return parties, nil
}

// WindowFeeds says how many events the windows of the active plan counted and
// how many they did not, and how many events came late.
func (e *Engine) WindowFeeds() (feeds []features.Feed, late uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.mu.state.WindowsOf(e.models.Load().Active.PlanDigest)
	if w == nil {
		return nil, 0
	}
	return w.state.Feeds(), w.state.Late()
}

// Load reads a bundle of the model directory and makes it ready. want is the
// digest that it must have; nil: any. policyYAML nil means the bundle's policy.
func (e *Engine) Load(ctx context.Context, name string, want, policyYAML []byte) (*Model, error) {
	return e.load(ctx, scoring.New, name, want, policyYAML)
}

func (e *Engine) load(ctx context.Context, open bundleOpener, name string, want, policyYAML []byte) (*Model, error) {
	if err := CheckText("bundle", name); err != nil {
		return nil, err
	}
	if e.cfg.Load == nil {
		return nil, fmt.Errorf("the server has no model directory: %w", assay.ErrPrecondition)
	}
	b, err := e.cfg.Load(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("bundle %q was refused: %w: %w", name, err, assay.ErrPrecondition)
	}
	if len(want) > 0 && string(want) != string(b.Digest[:]) {
		return nil, fmt.Errorf("bundle %q has the digest %s, another was expected: %w", name,
			b.Digest.Short(), assay.ErrPrecondition)
	}
	m, err := newModel(open, b, policyYAML, e.now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrPrecondition)
	}
	m.Folder = name
	return m, nil
}

// LoadShadows loads challengers that score the vectors of a plan.
func (e *Engine) LoadShadows(ctx context.Context, names []string, plan assay.Digest) ([]*Model, error) {
	ms := make([]*Model, 0, len(names))
	for _, n := range names {
		m, err := e.Load(ctx, n, nil, nil)
		if err != nil {
			return nil, err
		}
		if m.PlanDigest != plan {
			return nil, fmt.Errorf("bundle %q was trained on the plan %s, a shadow scores vectors of the active plan "+
				"%s: %w",
				n, m.PlanDigest.Short(), plan.Short(), assay.ErrPrecondition)
		}
		ms = append(ms, m)
	}
	return ms, nil
}
