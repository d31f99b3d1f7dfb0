// SPDX-License-Identifier: Apache-2.0

package version

import (
	"runtime/debug"
	"testing"
)

func TestString(t *testing.T) {
	t.Parallel()
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	changed := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, c := range []struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		{"", nil, "(devel)"},
		{"v1.2.3", nil, "v1.2.3"},
		{"v1.2.3", []debug.BuildSetting{commit}, "v1.2.3 0123456789ab"},
		{"(devel)", []debug.BuildSetting{commit, changed}, "(devel) 0123456789ab+"},
		{"v0.0.0-20261130-0123456789ab", []debug.BuildSetting{commit}, "v0.0.0-20261130-0123456789ab"},
	} {
		info := &debug.BuildInfo{Settings: c.settings}
		info.Main.Version = c.version
		if got := describe(info); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if String() == "" {
		t.Error("no version")
	}
}
