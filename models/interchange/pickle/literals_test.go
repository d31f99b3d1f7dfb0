// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"errors"
	"testing"
)

// TestUnicodeEscape: \u takes four digits; one that the line's end cuts short is
// refused, as Python refuses it, and not read as another character.
func TestUnicodeEscape(t *testing.T) {
	t.Parallel()
	if v, err := parseUnicode(`a\u00e9`); err != nil || v != "aé" {
		t.Errorf("%q, %v", v, err)
	}
	for _, text := range []string{`a\u`, `a\u0`, `a\u00e`, `a\u00gg`} {
		if v, err := parseUnicode(text); !errors.Is(err, ErrFormat) {
			t.Errorf("%q gives %q, %v; want ErrFormat", text, v, err)
		}
	}
}
