// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/scoring"
)

// MaxModels bounds the models that are loaded at once.
const MaxModels = 32

// Model is one loaded model. It is immutable once requests may pick it: a swap
// makes another one, so that a request that holds one is decided by exactly one
// model, plan and policy.
type Model struct {
	*scoring.Model
	Folder string // in the model directory, "" for the first
	Loaded time.Time

	windows *windows // of the plan; set before requests may pick the model
	unseen  *unseenWatch
}

// NewModel makes a bundle ready. policyYAML nil means the bundle's policy, or
// else the default.
func NewModel(b *models.Bundle, policyYAML []byte, at time.Time) (*Model, error) {
	return newModel(scoring.New, b, policyYAML, at)
}

// NewAcceptedModel is NewModel with a policy that may have decided before: see
// policy.ParseAccepted.
func NewAcceptedModel(b *models.Bundle, policyYAML []byte, at time.Time) (*Model, error) {
	return newModel(scoring.NewAccepted, b, policyYAML, at)
}

// opener makes a bundle ready: scoring.New or scoring.NewAccepted.
type opener func(b *models.Bundle, policyYAML []byte) (*scoring.Model, error)

func newModel(open opener, b *models.Bundle, policyYAML []byte, at time.Time) (*Model, error) {
	m, err := open(b, policyYAML)
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	return &Model{Model: m, Loaded: at, unseen: newUnseenWatch(m.Plan)}, nil
}

// WithPolicy returns a copy that decides by another policy.
func (m *Model) WithPolicy(yaml []byte, at time.Time) (*Model, error) {
	n, err := NewModel(m.Bundle, yaml, at)
	if err == nil {
		n.Folder = m.Folder
	}
	return n, err
}

// windows is the state of one plan's windows. The state is owned by Engine.mu.
type windows struct {
	plan  *features.Plan
	state *features.State
	users atomic.Int64 // requests under way that will read them
}

// windowsFor returns the state of a plan; call it with mu held.
func (e *Engine) windowsFor(plan assay.Digest) *windows {
	for _, w := range e.mu.windows {
		if w.plan.Digest() == plan {
			return w
		}
	}
	return nil
}

// Models says which model decides. It is immutable; a swap stores another.
type Models struct {
	Active *Model
	byName map[string]*Model // the active one too
}

// Models are those that are loaded.
func (e *Engine) Models() *Models { return e.models.Load() }

// Pick returns the model that was asked for, the active one for "".
func (l *Models) Pick(name string) (*Model, error) {
	if name == "" {
		return l.Active, nil
	}
	if m := l.byName[name]; m != nil {
		return m, nil
	}
	return nil, &assay.FieldError{Field: "model", Problem: "no model of that name is loaded" + l.Nearest(name)}
}

// Nearest is a hint at the loaded model whose name is nearest to one that is not.
func (l *Models) Nearest(name string) string {
	return nearest.Hint(name, slices.Sorted(maps.Keys(l.byName)))
}

// All returns the models, ordered by name.
func (l *Models) All() []*Model {
	out := make([]*Model, 0, len(l.byName))
	for _, n := range slices.Sorted(maps.Keys(l.byName)) {
		out = append(out, l.byName[n])
	}
	return out
}

// With returns models that have m under its name, and let it decide by default
// when active is set.
func (l *Models) With(m *Model, active bool) (*Models, error) {
	if old := l.byName[m.Name]; !active && old == l.Active && old != nil {
		return nil, fmt.Errorf("the active model has the name %q: activate the bundle, or give it another name: %w",
			m.Name, assay.ErrPrecondition)
	}
	next := &Models{Active: l.Active, byName: maps.Clone(l.byName)}
	next.byName[m.Name] = m
	if active {
		next.Active = m
	}
	if len(next.byName) > MaxModels {
		return nil, fmt.Errorf("%d models are loaded, at most %d are allowed (fixed): unload one: %w", len(l.byName),
			MaxModels, assay.ErrExhausted)
	}
	return next, nil
}

// Without returns models that do not have the name.
func (l *Models) Without(name string) (*Models, *Model, error) {
	m := l.byName[name]
	switch {
	case m == nil:
		return nil, nil, fmt.Errorf("no model of that name is loaded%s: %w", l.Nearest(name), assay.ErrNotFound)
	case m == l.Active:
		return nil, nil, fmt.Errorf("the active model cannot be unloaded: activate another first: %w",
			assay.ErrPrecondition)
	}
	next := &Models{Active: l.Active, byName: maps.Clone(l.byName)}
	delete(next.byName, name)
	return next, m, nil
}

// ByDigest returns the loaded model of that digest, or nil.
func (l *Models) ByDigest(d assay.Digest) *Model {
	for _, m := range l.byName {
		if m.Bundle.Digest == d {
			return m
		}
	}
	return nil
}

// Acquire picks a model and keeps its windows from being retired until Release.
func (e *Engine) Acquire(name string) (*Model, error) {
	for {
		l := e.models.Load()
		m, err := l.Pick(name)
		if err != nil {
			return nil, err
		}
		m.windows.users.Add(1)
		// A swap between the two lines may have retired the windows already.
		if e.models.Load() == l {
			return m, nil
		}
		m.windows.users.Add(-1)
	}
}

// Release gives back what Acquire took.
func (m *Model) Release() { m.windows.users.Add(-1) }

// Peek makes the vector of an event that is only looked at: nothing is counted,
// nothing recorded. The model must have been acquired.
func (e *Engine) Peek(m *Model, ev *assay.Event) (assay.Vector, error) {
	if err := ev.Validate(); err != nil {
		return assay.Vector{}, err
	}
	if err := m.Plan.Admit(ev); err != nil {
		return assay.Vector{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return m.Plan.Vector(nil, ev, m.windows.state)
}

// Load reads a bundle of the model directory and makes it ready; want is the
// digest that it must have, nil: any. policyYAML nil means the bundle's policy.
func (e *Engine) Load(ctx context.Context, name string, want, policyYAML []byte) (*Model, error) {
	return e.load(ctx, scoring.New, name, want, policyYAML)
}

func (e *Engine) load(ctx context.Context, open opener, name string, want, policyYAML []byte) (*Model, error) {
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

// LoadShadows loads challengers; they score the vectors of a plan.
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
