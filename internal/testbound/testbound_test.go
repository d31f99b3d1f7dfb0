// SPDX-License-Identifier: Apache-2.0

package testbound

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestEndless: what would never return ends the process, with its name and the
// bound that it broke. The test runs itself for each.
func TestEndless(t *testing.T) {
	const which = "ASSAY_ENDLESS"
	few := Limits{Time: time.Minute, Bytes: 8 << 20}
	var kept [][]byte
	endless := map[string]struct {
		limits Limits
		turn   func()
		says   string
	}{
		"a loop":  {Limits{Time: 50 * time.Millisecond}, func() {}, "a loop: not done after 50ms"},
		"memory":  {few, func() { kept = append(kept, make([]byte, 1<<16)) }, "at most 8 are allowed"},
		"garbage": {few, func() { kept = [][]byte{make([]byte, 1<<16)} }, "at most 8 are allowed"},
		"a stack": {few, func() { recurse(1 << 20) }, "at most 8 are allowed"},
	}
	if name := os.Getenv(which); name != "" {
		Watch(t, name, endless[name].limits)
		for {
			endless[name].turn()
		}
	}
	for name, c := range endless {
		cmd := exec.Command(os.Args[0], "-test.run=^TestEndless$", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), which+"="+name)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "TestEndless: "+name) ||
			!strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func recurse(n int) int {
	var a [16]int
	if n > 0 {
		a[n%16] = recurse(n - 1)
	}
	return a[0] + a[n%16]
}

// retained is what a test allocates, where no compiler can leave it out.
var retained []byte

// TestBounded: what returns within its bounds says what it took, and what took
// too much fails its test.
func TestBounded(t *testing.T) {
	inner := &recorder{TB: t}
	stop := Watch(inner, "a little", Limits{time.Minute, 64 << 20})
	retained = make([]byte, 1<<20)
	if n := stop(); n < 1<<20 || n > 64<<20 || inner.failed || stop() != n {
		t.Errorf("%d bytes, failed: %t", n, inner.failed)
	}
	stop = Watch(inner, "too much", Limits{time.Minute, 3 << 20})
	retained = make([]byte, 4<<20)
	if n := stop(); !inner.failed {
		t.Errorf("%d bytes of %d pass", n, len(retained))
	}
}

// recorder notes that a test failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

// TestStacksThatShrink: stacks that the collector has given back in the meantime
// are no memory that was taken.
func TestStacksThatShrink(t *testing.T) {
	before := memory{allocated: 100, stacks: 1 << 20}
	if got := (memory{allocated: 150, stacks: 1 << 10}).since(before); got != 50 {
		t.Errorf("%d bytes, want 50", got)
	}
	if got := (memory{allocated: 150, stacks: 2 << 20}).since(before); got != 50+1<<20 {
		t.Errorf("%d bytes, want %d", got, 50+1<<20)
	}
}
