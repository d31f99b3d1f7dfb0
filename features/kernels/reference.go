// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"fmt"
	"strings"
)

// Reference writes the table of kernels as Markdown. docs/plan.md holds
// it between two markers; TestPlanReference compares them.
func Reference() string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		want  func(k *Kernel) bool
	}{
		{"Kernels over numbers", func(k *Kernel) bool { return !k.Texts && !k.Times && !k.Window && !k.Lookup }},
		{"Kernels over times", func(k *Kernel) bool { return k.Times }},
		{"Kernels over texts", func(k *Kernel) bool { return k.Texts }},
		{"Kernels over tables", func(k *Kernel) bool { return k.Lookup }},
		{"Kernels over windows", func(k *Kernel) bool { return k.Window }},
	} {
		fmt.Fprintf(&b, "### %s\n\n| kernel | inputs | value | when an input is missing | parameters | example "+
			"|\n|---|---|---|---|---|---|\n", part.title)
		for _, k := range All() {
			if !part.want(&k) {
				continue
			}
			in := k.Arity()
			switch {
			case k.NeedsMember:
				in = "a window with a member"
			case k.NeedsValue:
				in = "a window with a value"
			case k.Window:
				in = "a window"
			}
			cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | `%s` |\n", k.Name, in, cell(k.Formula), k.Missing,
				k.Params, cell(k.Example))
		}
		b.WriteString("\n")
	}
	return b.String()
}
