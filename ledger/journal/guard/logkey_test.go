// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"testing"
)

func FuzzParseLogKey(f *testing.F) {
	f.Add("PRIVATE+KEY+a+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if k, _, err := parseLogKey(s); err == nil && k.Public == nil {
			t.Fatal("a key without a key")
		}
	})
}
