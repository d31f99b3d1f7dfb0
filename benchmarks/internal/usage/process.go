// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is what Linux says of a process in /proc/PID/stat.
type Process struct {
	PID, Parent, Group int
	CPU                time.Duration // user and system, counted in hundredths of a second
	Resident           float64       // bytes; shared pages count in each process
}

// Processes lists all processes; none where the system has no /proc.
func Processes() []Process {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	var out []Process
	for _, file := range files {
		if p, err := readStat(file); err == nil { // otherwise it has ended
			out = append(out, p)
		}
	}
	return out
}

// CPU is the processor time that a process has used; 0 where it is not known.
func CPU(pid int) time.Duration {
	p, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return p.CPU
}

// readStat reads "pid (name) state parent group ...". The name may hold any
// character, but the last parenthesis of the line ends it.
func readStat(file string) (p Process, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return p, err
	}
	text := string(b)
	pid, _, _ := strings.Cut(text, " ")
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 22 {
		return p, fmt.Errorf("%s has %d fields", file, len(f))
	}
	numbers := make([]int, 0, 6)
	for _, s := range []string{pid, f[1], f[2], f[11], f[12], f[21]} {
		n, err := strconv.Atoi(s)
		if err != nil {
			return p, fmt.Errorf("%s: %w", file, err)
		}
		numbers = append(numbers, n)
	}
	return Process{PID: numbers[0], Parent: numbers[1], Group: numbers[2],
		CPU:      time.Duration(numbers[3]+numbers[4]) * 10 * time.Millisecond,
		Resident: float64(numbers[5] * os.Getpagesize())}, nil
}
