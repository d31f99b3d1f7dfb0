// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/serving/policy"
)

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
