// SPDX-License-Identifier: Apache-2.0

package yamltext

import (
	"strings"
	"testing"
)

// TestNearestKey: the error for an unknown key suggests the nearest one that is
// allowed at its place, at any depth, and none from elsewhere.
func TestNearestKey(t *testing.T) {
	t.Parallel()
	type leaf struct {
		When    string `yaml:"when"`
		Outcome string `yaml:"outcome,omitempty"`
		Hidden  string `yaml:"-"`
	}
	type root struct {
		Name  string          `yaml:"name"`
		Rules []leaf          `yaml:"rules"`
		One   *leaf           `yaml:"one"`
		Named map[string]leaf `yaml:"named"`
		Plain string
	}
	for text, want := range map[string]string{
		"nmae: x\n":                            `[1:1] unknown field "nmae"; did you mean "name"?`,
		"name: x\nRules: []\n":                 `; did you mean "rules"?`,
		"rules:\n- when: a\n  outcom: b\n":     `; did you mean "outcome"?`,
		"rules: [{when: a}, {whne: b}]\n":      `; did you mean "when"?`,
		"one: {otcome: b}\n":                   `; did you mean "outcome"?`,
		"one: &a {otcome: b}\n":                `; did you mean "outcome"?`,
		"named: {a: {when: x}, b: {wen: x}}":   `; did you mean "when"?`,
		"plian: x\n":                           `; did you mean "plain"?`,
		"one:\n  name: x\n":                    `unknown field "name"`,
		"one: {hiden: x}\n":                    `unknown field "hiden"`,
		"zaphod: x\n":                          `unknown field "zaphod"`,
		"one: {when: 1}\nrules: [{nmae: a}]\n": `unknown field "nmae"`,
	} {
		var r root
		err := Decode([]byte(text), &r, Policy)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want ... %s", text, err, want)
		}
	}
}
