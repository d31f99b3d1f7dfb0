// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
)

// memoryHeld is the server's memory in MB and its goroutines, from its metrics.
// heap is the size at which it is collected next, by default twice what is alive.
type memoryHeld struct{ resident, heap, stacks, goroutines float64 }

func (h memoryHeld) String() string {
	if h == (memoryHeld{}) {
		return "memory unknown"
	}
	return fmt.Sprintf("%.0f MB resident, heap up to %.0f MB, stacks %.0f MB, %.0f goroutines", h.resident, h.heap,
		h.stacks, h.goroutines)
}

// memory asks the server for its memory; the zero value where it is not known.
func (p *serverProcess) memory(ctx context.Context) memoryHeld {
	m, err := p.metrics(ctx, "process_resident_memory_bytes", "go_memstats_next_gc_bytes",
		"go_memstats_stack_inuse_bytes", "go_goroutines")
	if err != nil {
		return memoryHeld{}
	}
	return memoryHeld{m[0] / 1e6, m[1] / 1e6, m[2] / 1e6, m[3]}
}

// metrics reads the values of unlabelled metrics, all of which must be there.
func (p *serverProcess) metrics(ctx context.Context, names ...string) ([]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ops+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	found := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if slices.Contains(names, name) {
			if found[name], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, fmt.Errorf("%s/metrics: %s: %w", p.ops, name, err)
			}
		}
	}
	out := make([]float64, len(names))
	for i, name := range names {
		value, ok := found[name]
		if !ok {
			return nil, errors.Join(lines.Err(), fmt.Errorf("%s/metrics has no %s", p.ops, name))
		}
		out[i] = value
	}
	return out, lines.Err()
}

// writeHeapProfile writes a heap profile of the server to a file.
func (p *serverProcess) writeHeapProfile(path string) error {
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
