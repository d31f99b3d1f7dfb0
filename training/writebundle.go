// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/scoring"
)

// WriteBundle writes a bundle that a server can open: what is written is opened
// again, as a server does, before it takes the place of what was there.
func WriteBundle(dir string, b *models.Bundle) error {
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
