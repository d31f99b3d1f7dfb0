// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// writeBundle writes a bundle that a server can open: what is written is opened
// again, as a server does, before it takes the place of what was there.
func writeBundle(dir string, b *models.Bundle) error {
	return models.WriteBundle(dir, b, func(written string) error {
		again, err := models.ReadBundle(written)
		if err == nil {
			again.Model, err = interchange.LoadModel(again)
		}
		if err == nil {
			err = scoring.CheckBundle(again)
		}
		if err != nil {
			return fmt.Errorf("%s is not written, for no server could open it: %w", dir, err)
		}
		return nil
	})
}

// readPolicy reads a policy file; without one it is the default policy.
func readPolicy(path string) ([]byte, error) {
	if path == "" {
		return policy.Default(), nil
	}
	b, err := yamltext.ReadFile(path, yamltext.Policy)
	if err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	return b, nil
}

// chosenPolicy is readPolicy, but nil where none was chosen: the base rate of the
// training rows then gives the cut-offs.
func chosenPolicy(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return readPolicy(path)
}
