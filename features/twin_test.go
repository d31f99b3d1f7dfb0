// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"testing"

	"github.com/assayrisk/assay/features/featurestest"
)

// TestTwin computes the windows of two real logs and of random plans (20;
// ASSAY_TWIN_PLANS says another number, the checks 200) again by SQL.
func TestTwin(t *testing.T) {
	featurestest.Compare(t, featurestest.Worlds(t, 20))
}
