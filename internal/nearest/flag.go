// SPDX-License-Identifier: Apache-2.0

package nearest

import "strings"

// FlagHint is Hint for a flag package's message about an unknown flag, as in
// `unknown flag: --polcy`; known are the names of all flags.
func FlagHint(message string, known []string) string {
	given, ok := strings.CutPrefix(message, "unknown flag: --")
	if !ok {
		return ""
	}
	if w := Find(given, known); w != "" {
		return "; did you mean --" + w + "?"
	}
	return ""
}
