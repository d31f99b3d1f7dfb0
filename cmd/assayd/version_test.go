// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/assayrisk/assay/internal/version"
)

func TestVersion(t *testing.T) {
	for _, arg := range []string{"--version", "-v"} {
		var out bytes.Buffer
		c := command()
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs([]string{arg})
		if err := c.Execute(); err != nil || out.String() != "assayd version "+version.String()+"\n" {
			t.Errorf("%s: %q, %v", arg, out.String(), err)
		}
	}
}
