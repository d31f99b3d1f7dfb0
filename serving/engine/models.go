// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/scoring"
)

// MaxModels bounds the models that are loaded at once.
const MaxModels = 32

// Model is one loaded model. It does not change once requests may pick it: a
// swap makes another one, so that a request is decided by exactly one model, plan
// and policy.
type Model struct {
	*scoring.Model
	Folder string // in the model directory, "" for the first
	Loaded time.Time

	windows *Windows // of the plan; set before requests may pick the model
	unseen  *unseenWatch
}

// NewModel makes a bundle ready. policyYAML nil means the bundle's policy, or
// else the default.
func NewModel(b *models.Bundle, policyYAML []byte, at time.Time) (*Model, error) {
	return newModel(scoring.New, b, policyYAML, at)
}

// NewAcceptedModel is NewModel with a policy that may have been in force before:
// see policy.ParseAccepted.
func NewAcceptedModel(b *models.Bundle, policyYAML []byte, at time.Time) (*Model, error) {
	return newModel(scoring.NewAccepted, b, policyYAML, at)
}

// bundleOpener makes a bundle ready: scoring.New or scoring.NewAccepted.
type bundleOpener func(b *models.Bundle, policyYAML []byte) (*scoring.Model, error)

func newModel(open bundleOpener, b *models.Bundle, policyYAML []byte, at time.Time) (*Model, error) {
	m, err := open(b, policyYAML)
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	return &Model{Model: m, Loaded: at, unseen: newUnseenWatch(m.Plan)}, nil
}

// WithPolicy returns a copy of m that decides by another policy.
func (m *Model) WithPolicy(yaml []byte, at time.Time) (*Model, error) {
	n, err := NewModel(m.Bundle, yaml, at)
	if err == nil {
		n.Folder = m.Folder
	}
	return n, err
}

// Models are the loaded models. The value does not change; a swap stores another.
type Models struct {
	Active *Model
	byName map[string]*Model // with the active one
}

// Pick returns the model that was asked for, the active one for "".
func (l *Models) Pick(name string) (*Model, error) {
	if name == "" {
		return l.Active, nil
	}
	if m := l.byName[name]; m != nil {
		return m, nil
	}
	return nil, &assay.FieldError{Field: "model", Problem: "no model of that name is loaded" + l.NearestHint(name)}
}

// NearestHint suggests the loaded model whose name is nearest to an unknown one.
func (l *Models) NearestHint(name string) string {
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

// With returns these models and m under its name; with active, m decides where no
// model is named.
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

// Without returns these models without the one of that name.
func (l *Models) Without(name string) (*Models, *Model, error) {
	m := l.byName[name]
	switch {
	case m == nil:
		return nil, nil, fmt.Errorf("no model of that name is loaded%s: %w", l.NearestHint(name), assay.ErrNotFound)
	case m == l.Active:
		return nil, nil, fmt.Errorf("the active model cannot be unloaded: activate another first: %w",
			assay.ErrPrecondition)
	}
	next := &Models{Active: l.Active, byName: maps.Clone(l.byName)}
	delete(next.byName, name)
	return next, m, nil
}

// reads reports whether a model reads these windows.
func (l *Models) reads(w *Windows) bool {
	for _, m := range l.byName {
		if m.PlanDigest == w.plan.Digest() {
			return true
		}
	}
	return false
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

// Release ends what Acquire began.
func (m *Model) Release() { m.windows.users.Add(-1) }

// Dictionaries are the fields with a dictionary: their unseen values are counted.
func (m *Model) Dictionaries() []features.Dictionary { return m.unseen.dictionaries }
