// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A machine is quiet when other processes use no more than quietOthers of it,
// and a spin loop on every core at once reaches quietSpin of the fastest that
// this session saw: the second catches what the first cannot see, a neighbour
// on the same processor or a clock that was turned down.
const (
	quietOthers = 0.04
	quietSpin   = 0.92
)

// quietness is what was seen before an area began.
type quietness struct {
	Others float64 `json:"others"` // share of the machine that other processes used
	Spin   float64 `json:"spin"`   // speed of the spin loop over the fastest of the session
	Load   float64 `json:"load"`   // load average of the last minute, our own work included
	Waited float64 `json:"waited_s,omitempty"`
}

func (q quietness) quiet() bool { return q.Others <= quietOthers && q.Spin >= quietSpin }

// watch looks at the machine.
type watch struct {
	best float64       // the fastest spin so far
	rest time.Duration // how long it does nothing to see what others do
}

// newWatch calibrates the spin loop: the fastest of ten.
func newWatch() *watch {
	w := &watch{rest: 2 * time.Second}
	for range 10 {
		w.best = max(w.best, spin())
	}
	return w
}

// look watches while this program does nothing, then spins.
func (w *watch) look(ctx context.Context) quietness {
	busy := w.mark()
	select {
	case <-ctx.Done():
	case <-time.After(w.rest):
	}
	q := quietness{Others: w.since(busy), Load: load()}
	s := spin()
	w.best = max(w.best, s)
	q.Spin = s / w.best
	return q
}

// settle looks until the machine is quiet or the time is up.
func (w *watch) settle(ctx context.Context, atMost time.Duration) quietness {
	start := time.Now()
	for {
		q := w.look(ctx)
		q.Waited = time.Since(start).Seconds()
		if q.quiet() || ctx.Err() != nil || time.Since(start) > atMost {
			return q
		}
		fmt.Printf("waiting for a quiet machine: others use %.1f %% of it, spin loop at %.1f %% of its best\n",
			100*q.Others, 100*q.Spin)
	}
}

// spin is how many rounds of an integer loop all cores do together in a tenth
// of a second, a second's worth.
func spin() float64 {
	const length = 100 * time.Millisecond
	counts := make([]float64, runtime.NumCPU())
	var wg sync.WaitGroup
	for i := range counts {
		wg.Go(func() {
			x, start := uint64(i)|1, time.Now()
			for time.Since(start) < length {
				for range 10_000 {
					x ^= x << 13
					x ^= x >> 7
					x ^= x << 17
				}
				counts[i]++
			}
			if x == 0 { // never: a xorshift of a number other than 0 is not 0
				counts[i] = 0
			}
		})
	}
	wg.Wait()
	sum := 0.0
	for _, c := range counts {
		sum += c
	}
	return sum / length.Seconds()
}

// ticks are the processor's time in hundredths of a second: all of it, what
// processes used, and what of this is not other people's work: this program's,
// its finished children's, and the kernel's own threads', which write what we
// synced.
type ticks struct{ all, busy, ours float64 }

// mark reads the counters; zero where the system has none.
func (w *watch) mark() (t ticks) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t
	}
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line)
	for i, s := range f[min(1, len(f)):min(9, len(f))] { // user nice system idle iowait irq softirq steal
		v, _ := strconv.ParseFloat(s, 64)
		t.all += v
		if i < 3 || i == 7 {
			t.busy += v
		}
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			t.ours += 100 * (float64(u.Utime.Nano()) + float64(u.Stime.Nano())) / 1e9
		}
	}
	t.ours += kernel()
	return t
}

// kernel is the time of the kernel's threads: the children of process 2.
func kernel() float64 {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// The name of the process stands in brackets and may hold anything.
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) < 13 || f[1] != "2" {
			continue
		}
		for _, s := range f[11:13] { // in user mode, in the kernel
			v, _ := strconv.ParseFloat(s, 64)
			sum += v
		}
	}
	return sum
}

// since is the share of the machine that others used after t.
func (w *watch) since(t ticks) float64 { return t.others(w.mark()) }

// others is the share of the machine that others used between t and now.
func (t ticks) others(now ticks) float64 {
	if now.all <= t.all {
		return 0
	}
	return max(0, ((now.busy-t.busy)-(now.ours-t.ours))/(now.all-t.all))
}

// load is the load average of the last minute, 0 where it is not known.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	s, _, _ := strings.Cut(string(b), " ")
	v, _ := strconv.ParseFloat(s, 64)
	return v
}
