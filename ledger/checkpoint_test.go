// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"strings"
	"testing"
)

// TestCheckpointSpelling: the log itself may sign a checkpoint only in its one
// spelling, and every signature line must be in the one spelling of base64.
func TestCheckpointSpelling(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, 11)
	body := Checkpoint{Origin: testOrigin, Size: 11, Root: l.group.Root()}.String()
	lines := strings.SplitAfter(body, "\n")
	signed := l.sign(t, body)
	sig := string(signed[len(body)+1:])
	loose := setUnusedBit(sig)
	for _, c := range []struct {
		name, note string
		ok         bool
	}{
		{"as it is", string(signed), true},
		{"with more lines", string(l.sign(t, body+"more\n")), true},
		{"signed twice over", string(signed) + sig, true},
		{"size with a zero before it", string(l.sign(t, lines[0]+"0"+lines[1]+lines[2])), false},
		{"root with unused bits set", string(l.sign(t, lines[0]+lines[1]+setUnusedBit(lines[2]))), false},
		{"signature with unused bits set", body + "\n" + loose, false},
		{"signature again, with unused bits set", string(signed) + loose, false},
	} {
		if _, err := ParseCheckpoint([]byte(c.note), l.vkey); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// setUnusedBit sets an unused bit of a base64 line that ends in one "=".
func setUnusedBit(s string) string {
	at := strings.Index(s, "=") - 1
	return s[:at] + string(s[at]+1) + s[at+1:]
}
