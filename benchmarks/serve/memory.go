// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// held is what the server holds, as its metrics have it.
type held struct {
	// MB; heap is the size at which it is collected next (twice what is alive, by default)
	resident, heap, stacks float64
	goroutines             float64
}

func (h held) String() string {
	if h == (held{}) {
		return "memory unknown"
	}
	return fmt.Sprintf("%.0f MB resident, heap up to %.0f MB, stacks %.0f MB, %.0f goroutines", h.resident, h.heap,
		h.stacks, h.goroutines)
}

// memory asks the server; the zero value when it cannot.
func (p *process) memory() (h held) {
	m := p.metrics("process_resident_memory_bytes", "go_memstats_next_gc_bytes", "go_memstats_stack_inuse_bytes",
		"go_goroutines")
	if m != nil {
		h = held{m[0] / 1e6, m[1] / 1e6, m[2] / 1e6, m[3]}
	}
	return h
}

// metrics reads the values of unlabelled metrics, nil when it cannot.
func (p *process) metrics(names ...string) []float64 {
	resp, err := http.Get(p.ops + "/metrics")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	out := make([]float64, len(names))
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		name, value, _ := strings.Cut(sc.Text(), " ")
		for i, n := range names {
			if n == name {
				out[i], _ = strconv.ParseFloat(value, 64)
			}
		}
	}
	return out
}

// heap writes a heap profile of the server.
func (p *process) heap(path string) error {
	resp, err := http.Get(p.ops + "/heap")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, resp.Body)
	return err
}
