// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"os"
	"strconv"
)

// ConfiguredMutations returns the mutations on which all verifiers must agree:
// 2,000, or as many as ASSAY_MUTATIONS says, from the seed in ASSAY_SEED.
func ConfiguredMutations() []Case {
	return Mutations(envNumber("ASSAY_SEED", 19), int(envNumber("ASSAY_MUTATIONS", 2000)))
}

func envNumber(name string, otherwise uint64) uint64 {
	if s := os.Getenv(name); s != "" {
		return must(strconv.ParseUint(s, 10, 31))
	}
	return otherwise
}
