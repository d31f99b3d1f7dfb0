// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/assayrisk/assay/internal/version"
)

func TestVersion(t *testing.T) {
	for _, arg := range []string{"--version", "-version"} {
		var out, errs bytes.Buffer
		if code := run([]string{arg}, &out, &errs); code != 0 || out.String() != "assay-verify version "+
			version.String()+"\n" || errs.Len() > 0 {
			t.Errorf("%s: %q, %q, %d", arg, out.String(), errs.String(), code)
		}
	}
}
