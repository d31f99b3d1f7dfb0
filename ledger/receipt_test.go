// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"testing"
)

// TestAnchorWhiteSpace: an anchor is read without white space, which its bound must
// not count.
func TestAnchorWhiteSpace(t *testing.T) {
	t.Parallel()
	r := newTestLog(t, 3).receipt(t, 1)
	r.Anchor = []byte(`{"version":1,"seal":"a b"}`)
	b, err := MarshalReceipt(r)
	if err != nil {
		t.Fatal(err)
	}
	wide := bytes.Replace(b, []byte(`"seal"`), []byte("\n\t  \"seal\""), 1)
	got, err := ParseReceipt(wide)
	if err != nil || !bytes.Equal(got.Anchor, r.Anchor) {
		t.Errorf("anchor %s, %v", got.Anchor, err)
	}
}
