// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/usage"
)

// Usage is what a process and all that it started use, by Linux's count; zero
// on other systems.
type Usage struct {
	CPU    time.Duration // user and system, in hundredths of a second
	Memory float64       // resident now, MB; pages that they share count in each
}

// Usage sums over the process, its process group and their descendants.
func (p *Process) Usage() Usage {
	var u Usage
	for _, m := range p.members() {
		u.CPU += m.CPU
		u.Memory += m.Resident / 1e6
	}
	return u
}

// members lists the process group and its descendants: a server may give its
// workers groups of their own.
func (p *Process) members() []usage.Process {
	all := usage.Processes()
	var members []usage.Process
	found := map[int]bool{}
	for grown := true; grown; {
		grown = false
		for _, q := range all {
			if !found[q.PID] && (q.Group == p.cmd.Process.Pid || found[q.Parent]) {
				found[q.PID], grown = true, true
				members = append(members, q)
			}
		}
	}
	return members
}
