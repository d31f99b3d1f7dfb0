// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"fmt"

	"github.com/assayrisk/assay/models"
)

// LoadModel reads b.ModelText into b.Model and returns it. The text holds the
// whole model when this project wrote it; for text that LightGBM wrote, what its
// format cannot say is taken from the manifest. A manifest that contradicts the
// text is an error that matches models.ErrBundle.
func LoadModel(b *models.Bundle) (*models.Model, error) {
	m, err := ReadLightGBM(bytes.NewReader(b.ModelText))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", models.ErrBundle, models.ModelFile, err)
	}
	facts := b.Manifest.Model
	differs := func(fact string, text, manifest any) error {
		return fmt.Errorf("%w: %s of %s: %v, the manifest says %v", models.ErrBundle, fact,
			models.ModelFile, text, manifest)
	}
	switch {
	case facts.Trees != len(m.Trees):
		return nil, differs("number of trees", len(m.Trees), facts.Trees)
	case facts.Features != len(m.Features):
		return nil, differs("number of features", len(m.Features), facts.Features)
	case facts.Init != 0 && m.Init != 0 && facts.Init != m.Init:
		return nil, differs("initial score", m.Init, facts.Init)
	case facts.Monotone != nil && len(facts.Monotone) != len(m.Features):
		return nil, differs("number of monotone directions", len(m.Features), len(facts.Monotone))
	}
	if facts.Init != 0 {
		m.Init = facts.Init
	}
	m.Float32Sums = m.Float32Sums || facts.Float32Sums
	m.Average = m.Average || facts.Average
	for i, d := range facts.Monotone {
		m.Features[i].Monotone = d
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", models.ErrBundle, err)
	}
	b.Model = m
	return m, nil
}
