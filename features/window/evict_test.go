// SPDX-License-Identifier: Apache-2.0

package window

import "testing"

// TestForgottenWithoutKeys forgets a party in a table all of whose keys are in storage: nothing waits to be cleaned.
func TestForgottenWithoutKeys(t *testing.T) {
	t.Parallel()
	table := New(0, []Config{{Length: 10, Hop: 1, Needs: Count}})
	table.StoredUpTo(table.Erasures())
	table.Forget("buyer", Party{Key: [16]byte{1}})
	if table.Forgotten() {
		t.Fatal("the table did not note the erasure: keys in storage may need it")
	}
	table.Evict(1)
	if !table.Forgotten() {
		t.Error("the table waits for a key that it does not have")
	}
}
