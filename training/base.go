// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

// Base is a trained model that another one begins from: with more trees, or
// with its own trees and new leaf values. Its plan is taken as it is frozen.
type Base struct {
	Plan   *features.Plan
	Model  *models.Model
	Digest string
	Refit  bool
}

// Note says in the manifest where the model comes from.
func (b *Base) Note() string {
	if b.Refit {
		return "The trees are those of model " + b.Digest + "; their leaf values were fitted again on this data."
	}
	return fmt.Sprintf("The first %d trees are those of model %s; training went on from them on this data.",
		len(b.Model.Trees), b.Digest)
}
