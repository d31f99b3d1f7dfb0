// SPDX-License-Identifier: Apache-2.0

// Package testbound limits the time and memory of code under test that might never
// return, or allocate without end. Such code cannot be stopped from outside, so
// the test's process ends, with a message that says what exceeded which limit.
package testbound

import (
	"fmt"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

// Limits are the limits of Watch.
type Limits struct {
	Time time.Duration
	// Bytes limits what the process allocates, including what it frees at once, and
	// by how much its stacks grow; 0 is no limit. Nothing else may run meanwhile.
	Bytes uint64
}

// Watch watches until the returned function is called, or else until the test and
// the clean-up functions that it registers later have ended. The function returns
// the bytes that were allocated, and fails the test if they are too many. At twice
// as many, or when the time is over, the process ends.
func Watch(t testing.TB, what string, l Limits) (stop func() uint64) {
	t.Helper()
	begin, before := time.Now(), measure()
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			if n := measure().since(before); l.Bytes > 0 && n > 2*l.Bytes {
				panic(fmt.Sprintf("%s: %s: %d MB are taken, at most %d are allowed", t.Name(),
					what, n>>20, l.Bytes>>20))
			}
			if time.Since(begin) > l.Time {
				panic(fmt.Sprintf("%s: %s: not done after %v", t.Name(), what, l.Time))
			}
		}
	}()
	stop = sync.OnceValue(func() uint64 {
		n := measure().since(before)
		close(ended)
		<-watched
		if l.Bytes > 0 && n > l.Bytes {
			t.Errorf("%s: %d MB are taken, at most %d are allowed", what, n>>20, l.Bytes>>20)
		}
		return n
	})
	t.Cleanup(func() { stop() })
	return stop
}

// memory is what the process has allocated so far, and its stacks as they are.
type memory struct{ allocated, stacks uint64 }

func measure() memory {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return memory{s[0].Value.Uint64(), s[1].Value.Uint64()}
}

// since returns what was allocated after before; stacks may have shrunk meanwhile.
func (m memory) since(before memory) uint64 {
	return m.allocated - before.allocated + max(m.stacks, before.stacks) - before.stacks
}
