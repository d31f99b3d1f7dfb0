// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"testing"

	"github.com/assayrisk/assay/features/featurestest"
)

// TestTwin computes the windows of two real logs and of 20 random plans again by
// SQL. ASSAY_TWIN_PLANS sets another number of plans; the checks take 200.
func TestTwin(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds: SQL computes the windows of 22 logs again")
	}
	featurestest.Compare(t, featurestest.Worlds(t, 20))
}
