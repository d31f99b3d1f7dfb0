// SPDX-License-Identifier: Apache-2.0

package scf

import (
	"bytes"
	_ "embed"
)

//go:embed plan.yaml
var plan []byte

// Plan returns the feature plan of this world, as YAML to be fitted.
func Plan() []byte { return bytes.Clone(plan) }
