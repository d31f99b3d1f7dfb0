// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/assayrisk/assay/training"

// openBase reads the bundle that --continue or --refit names; nil for neither.
func openBase(continued, refit string) (*training.Base, error) {
	dir := continued + refit
	switch {
	case dir == "":
		return nil, nil
	case continued != "" && refit != "":
		return nil, usagef("--continue and --refit exclude each other: one grows trees, the other keeps them")
	}
	s, err := training.OpenScorer(dir)
	if err != nil {
		return nil, err
	}
	return &training.Base{Plan: s.Plan, Model: s.Bundle.Model, Digest: s.Bundle.Digest.String(), Refit: refit != ""},
		nil
}
