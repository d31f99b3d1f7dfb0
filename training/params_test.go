// SPDX-License-Identifier: Apache-2.0

package training

import (
	"errors"
	"testing"

	"github.com/assayrisk/assay"
)

func TestParseParams(t *testing.T) {
	m, err := ParseParams(" num_leaves=7, monotone_constraints=(1,-1,0),seed=1")
	if err != nil || m["num_leaves"] != "7" || m["monotone_constraints"] != "1,-1,0" ||
		m["seed"] != "1" || len(m) != 3 {
		t.Errorf("read %v, %v", m, err)
	}
	again, err := ParseParams(FormatParams(m))
	if err != nil || len(again) != 3 || again["monotone_constraints"] != "1,-1,0" {
		t.Errorf("read back %v, %v", again, err)
	}
	for _, bad := range []string{"x", "=1", "a=1,a=2", "a b=1", "a=1,b"} {
		if _, err := ParseParams(bad); !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("%q was accepted", bad)
		}
	}
}
