// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/assayrisk/assay/features/window"
)

const day = int64(86_400e6) // microseconds

// keyWindows are the two windows of each key that is measured.
var keyWindows = []window.Config{
	{Length: 90 * day, Hop: 3 * day, Needs: window.Count | window.Sum},
	{Length: 30 * day, Hop: day, Needs: window.Count | window.Sum | window.Max},
}

// measureKeys measures the memory of many keys, and the time of a key of very
// many events against that of others.
func measureKeys(keys int) error {
	printKeyMemory(keys)
	const events = 1_000_000
	key := make([]byte, 0, 16)
	hot := timePerEvent(events, func(int) []byte { return append(key[:0], "hot"...) })
	fresh := timePerEvent(events, func(i int) []byte { return fmt.Appendf(key[:0], "%d", i%100_000) })
	busy := timePerEvent(events, func(i int) []byte { return fmt.Appendf(key[:0], "%d", i%1000) })
	fmt.Printf("RATIO features_hot_key %.2f\n", hot/busy)
	fmt.Printf("RATIO features_hot_key_vs_fresh %.2f\n", hot/fresh)
	return nil
}

// printKeyMemory fills a table with keys of three events each, some weeks apart.
func printKeyMemory(keys int) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	t := window.New(0, keyWindows)
	key := make([]byte, 0, 16)
	for i := range 3 * keys {
		at := int64(i) * (60 * day) / int64(3*keys)
		t.Advance(at)
		key = fmt.Appendf(key[:0], "B-%08d", i%keys)
		for w := range keyWindows {
			t.Add(key, w, at, float64(i), 0)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := float64(after.HeapAlloc - before.HeapAlloc)
	fmt.Printf("# %d keys in %d windows: %.0f MiB of heap, three events a key and window\n", t.Len(),
		len(keyWindows), heap/(1<<20))
	fmt.Printf("BYTES features_key %.0f\n", heap/float64(t.Len()))
	fmt.Printf("BYTES features_key_and_window %.0f\n", heap/float64(t.Len()*len(keyWindows)))
	runtime.KeepAlive(t)
}

// timePerEvent spreads events over a year, reads and feeds the windows of each
// event's key, and returns the nanoseconds of one event.
func timePerEvent(events int, keyOf func(i int) []byte) float64 {
	t := window.New(0, keyWindows)
	var r window.Reading
	start := time.Now()
	for i := range events {
		at := int64(i) * (365 * day) / int64(events)
		k := keyOf(i)
		t.Advance(at)
		for w := range keyWindows {
			t.Read(t.Find(k), w, at, &r)
			t.Add(k, w, at, 1, 0)
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(events)
}
