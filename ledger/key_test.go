// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"testing"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, 1)
	if k, err := ParseKey(l.vkey + "\n"); err != nil || k.String() != l.vkey {
		t.Fatalf("%v, %v", k, err)
	}
	for _, s := range []string{"", "a", "a+b", "a+b+c", testOrigin + "+00000000+" + l.vkey[len(l.vkey)-44:],
		"x" + l.vkey, l.vkey + "A", "assay/promise/v1" + l.vkey[len(testOrigin):], "a b" + l.vkey[len(testOrigin):]} {
		if _, err := ParseKey(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}
