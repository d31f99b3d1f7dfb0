// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/usage"
)

// A machine is quiet when other processes use at most maxOthers of it, and a
// spin loop on all cores at once reaches minSpin of the fastest spin of this
// session. The second condition catches what the first cannot see: a neighbour
// on the same processor, or a lowered clock.
const (
	maxOthers = 0.04
	minSpin   = 0.92
)

// quietness is the state of the machine before an area began.
type quietness struct {
	Others float64 `json:"others"` // share of the machine that other processes used
	Spin   float64 `json:"spin"`   // speed of the spin loop over the fastest of the session
	Load   float64 `json:"load"`   // load average of the last minute, our own work included
	Waited float64 `json:"waited_s,omitempty"`
}

func (q quietness) quiet() bool { return q.Others <= maxOthers && q.Spin >= minSpin }

// machineWatch measures how busy the machine is.
type machineWatch struct {
	fastestSpin float64       // the fastest spin so far
	rest        time.Duration // how long it does nothing to see what others do
}

// newMachineWatch calibrates the spin loop: the fastest of ten counts.
func newMachineWatch() *machineWatch {
	w := &machineWatch{rest: 2 * time.Second}
	for range 10 {
		w.fastestSpin = max(w.fastestSpin, spinSpeed())
	}
	return w
}

// look watches other processes while this program does nothing, then spins.
func (w *machineWatch) look(ctx context.Context) quietness {
	busy := w.ticksNow()
	select {
	case <-ctx.Done():
	case <-time.After(w.rest):
	}
	q := quietness{Others: w.othersSince(busy), Load: loadAverage()}
	s := spinSpeed()
	w.fastestSpin = max(w.fastestSpin, s)
	q.Spin = s / w.fastestSpin
	return q
}

// settle looks again and again until the machine is quiet or the time is up.
func (w *machineWatch) settle(ctx context.Context, atMost time.Duration) quietness {
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

// spinSpeed runs an integer loop on all cores for a tenth of a second, and
// returns the rounds a second of all cores together.
func spinSpeed() float64 {
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

// ticks are processor time in hundredths of a second: all of it, what processes
// used, and what was ours: this program's, its finished children's, and that of
// the kernel's threads, which write what we synced.
type ticks struct{ all, busy, ours float64 }

// ticksNow reads the counters; zero where the system has none.
func (w *machineWatch) ticksNow() (t ticks) {
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
	t.ours += kernelThreadTicks()
	return t
}

// kernelThreadTicks is the processor time of the kernel's threads, which are the
// children of process 2.
func kernelThreadTicks() float64 {
	sum := 0.0
	for _, p := range usage.Processes() {
		if p.Parent == 2 {
			sum += p.CPU.Seconds() * 100
		}
	}
	return sum
}

// othersSince is the share of the machine that others used since t.
func (w *machineWatch) othersSince(t ticks) float64 { return t.others(w.ticksNow()) }

// others is the share of the machine that others used between t and now.
func (t ticks) others(now ticks) float64 {
	if now.all <= t.all {
		return 0
	}
	return max(0, ((now.busy-t.busy)-(now.ours-t.ours))/(now.all-t.all))
}

// loadAverage is the load average of the last minute, 0 where it is not known.
func loadAverage() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	s, _, _ := strings.Cut(string(b), " ")
	v, _ := strconv.ParseFloat(s, 64)
	return v
}
