// SPDX-License-Identifier: Apache-2.0

package workers_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// TestTeam: every piece of every job is done once and before Run returns,
// whether members are awake, asleep or more than there are processors.
func TestTeam(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, size := range []int{1, 2, 3, 17} {
		team := workers.New(size)
		places := make([]atomic.Int32, size)
		for n := range 300 {
			if n%100 == 50 {
				time.Sleep(5 * time.Millisecond) // long enough to fall asleep
			}
			done := make([]atomic.Int32, n%40)
			team.Run(len(done), func(i int) { done[i].Add(1) })
			for i := range done {
				if k := done[i].Load(); k != 1 {
					t.Fatalf("%d members: piece %d of %d was done %d times", size, i, len(done), k)
				}
			}
			var sum atomic.Int64
			team.RunInPlaces(n, func(place, i int) {
				if places[place].Add(1) != 1 {
					t.Errorf("%d members: two calls in place %d at once", size, place)
				}
				sum.Add(int64(i))
				places[place].Add(-1)
			})
			if sum.Load() != int64(n*(n-1)/2) {
				t.Fatalf("%d members: the sum of %d pieces is %d", size, n, sum.Load())
			}
		}
		team.Close()
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before: members outlive their team", runtime.NumGoroutine(), before)
}
