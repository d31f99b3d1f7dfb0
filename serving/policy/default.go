// SPDX-License-Identifier: Apache-2.0

package policy

import _ "embed"

//go:embed default.yaml
var defaultYAML string

// Default returns the YAML of the policy that a bundle carries when none was
// chosen: cut-offs on the PD, and nothing that needs a certain plan.
func Default() []byte { return []byte(defaultYAML) }
