// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
)

// windows is the state of one plan's windows. The state is owned by engine.mu.
type windows struct {
	plan  *features.Plan
	state *features.State
	users atomic.Int64 // requests under way that will read them
}

// routes says which model decides. It is immutable; a swap stores another.
type routes struct {
	active *live
	byName map[string]*live // the active one too
}

// pick returns the model that was asked for.
func (r *routes) pick(name string) (*live, error) {
	if name == "" {
		return r.active, nil
	}
	if m := r.byName[name]; m != nil {
		return m, nil
	}
	return nil, &assay.FieldError{Field: "model", Problem: "no model of that name is loaded" + r.nearest(name)}
}

// nearest is a hint at the loaded model whose name is nearest to one that is not.
func (r *routes) nearest(name string) string {
	return nearest.Hint(name, slices.Sorted(maps.Keys(r.byName)))
}

// all returns the models, ordered by name.
func (r *routes) all() []*live {
	out := make([]*live, 0, len(r.byName))
	for _, n := range slices.Sorted(maps.Keys(r.byName)) {
		out = append(out, r.byName[n])
	}
	return out
}

// with returns routes that have m under its name, and let it decide by default
// when active is set.
func (r *routes) with(m *live, active bool) (*routes, error) {
	if old := r.byName[m.name]; !active && old == r.active && old != nil {
		return nil, fmt.Errorf("the active model has the name %q: activate the bundle, or give it another name: %w", m.name, assay.ErrPrecondition)
	}
	next := &routes{active: r.active, byName: maps.Clone(r.byName)}
	next.byName[m.name] = m
	if active {
		next.active = m
	}
	if len(next.byName) > maxModels {
		return nil, fmt.Errorf("%d models are loaded, at most %d are allowed (fixed): unload one: %w", len(r.byName), maxModels, assay.ErrExhausted)
	}
	return next, nil
}

// without returns routes that do not have the name.
func (r *routes) without(name string) (*routes, *live, error) {
	m := r.byName[name]
	switch {
	case m == nil:
		return nil, nil, fmt.Errorf("no model of that name is loaded%s: %w", r.nearest(name), assay.ErrNotFound)
	case m == r.active:
		return nil, nil, fmt.Errorf("the active model cannot be unloaded: activate another first: %w", assay.ErrPrecondition)
	}
	next := &routes{active: r.active, byName: maps.Clone(r.byName)}
	delete(next.byName, name)
	return next, m, nil
}

// byDigest returns the loaded model of that digest, or nil.
func (r *routes) byDigest(d assay.Digest) *live {
	for _, m := range r.byName {
		if m.bundle.Digest == d {
			return m
		}
	}
	return nil
}

// acquire picks a model and keeps its windows from being retired until release.
func (e *engine) acquire(name string) (*live, error) {
	for {
		r := e.routes.Load()
		m, err := r.pick(name)
		if err != nil {
			return nil, err
		}
		m.windows.users.Add(1)
		// A swap between the two lines may have retired the windows already.
		if e.routes.Load() == r {
			return m, nil
		}
		m.windows.users.Add(-1)
	}
}

// release gives back what acquire took.
func (m *live) release() { m.windows.users.Add(-1) }
