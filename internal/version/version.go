// SPDX-License-Identifier: Apache-2.0

// Package version says which build of the project a program is.
package version

import (
	"runtime/debug"
	"strings"
)

// String returns the module's version, or (devel), and if the build recorded it,
// the commit, with + if files differed from it.
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	var commit, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if commit == "" || strings.Contains(v, commit) {
		return v
	}
	return v + " " + commit + changed
}
