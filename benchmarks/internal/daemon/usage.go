// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process and all that it started use, by Linux's count; zero
// on other systems.
type Usage struct {
	CPU    time.Duration // user and system, in hundredths of a second
	Memory float64       // resident now, MB; pages shared among them count in each
}

// entry is a process in /proc.
type entry struct {
	pid, parent, group int
	use                Usage
}

// Usage sums over the process, its process group and their descendants.
func (p *Process) Usage() Usage {
	var u Usage
	for _, e := range p.members() {
		u.CPU += e.use.CPU
		u.Memory += e.use.Memory
	}
	return u
}

// members lists the process group and all that descends from it: a server may
// give its workers groups of their own.
func (p *Process) members() []entry {
	var all, in []entry
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// pid (comm) state ppid pgrp ...; comm may hold anything but ends at the last parenthesis.
		text := string(b)
		f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(f) < 22 {
			continue
		}
		pid, _, _ := strings.Cut(text, " ")
		all = append(all, entry{atoi(pid), atoi(f[1]), atoi(f[2]), Usage{
			time.Duration(atoi(f[11])+atoi(f[12])) * 10 * time.Millisecond, float64(atoi(f[21])) *
				float64(os.Getpagesize()) / 1e6}})
	}
	inside := map[int]bool{}
	for grown := true; grown; {
		grown = false
		for _, e := range all {
			if !inside[e.pid] && (e.group == p.cmd.Process.Pid || inside[e.parent]) {
				inside[e.pid], grown = true, true
				in = append(in, e)
			}
		}
	}
	return in
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
