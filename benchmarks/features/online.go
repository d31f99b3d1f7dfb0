// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/window"
)

// online replays the world through one state, and times its last applications.
func online(p *features.Plan, events int) error {
	st := p.NewState()
	var apps []assay.Event
	for e := range scf.New(scf.Config{Seed: 2, Events: min(events, 300_000)}).Events() {
		if err := p.Observe(e, st); err != nil {
			return err
		}
		if e.Kind == p.Event() {
			c := *e
			c.Entities, c.Fields = append([]assay.Entity{}, e.Entities...), append([]assay.Field{}, e.Fields...)
			apps = append(apps, c)
		}
	}
	apps = apps[max(0, len(apps)-5000):]
	dst := make([]float64, 0, len(p.Features()))
	const rounds = 20
	timed := func(each func(ev *assay.Event) error) (ns, allocs float64, err error) {
		var before, after runtime.MemStats
		best := 0.0
		for r := range rounds {
			runtime.ReadMemStats(&before)
			start := time.Now()
			for i := range apps {
				if err := each(&apps[i]); err != nil {
					return 0, 0, err
				}
			}
			d := float64(time.Since(start).Nanoseconds()) / float64(len(apps))
			runtime.ReadMemStats(&after)
			allocs = float64(after.Mallocs-before.Mallocs) / float64(len(apps))
			if r == 0 || d < best {
				best = d
			}
		}
		return best, allocs, nil
	}
	vector, _, err := timed(func(ev *assay.Event) error { _, err := p.Vector(dst, ev, st); return err })
	if err != nil {
		return err
	}
	all, allocs, err := timed(func(ev *assay.Event) error {
		if err := p.Validate(ev); err != nil {
			return err
		}
		if _, err := p.Vector(dst, ev, st); err != nil {
			return err
		}
		return p.Observe(ev, st)
	})
	if err != nil {
		return err
	}
	fmt.Printf("RATIO features_online_vector_ns %.0f\n", vector)
	fmt.Printf("RATIO features_online_ns %.0f\n", all)
	fmt.Printf("RATIO features_online_allocs %.3f\n", allocs)
	return nil
}

const day = int64(86_400e6)

// memory fills tables with keys, and compares a key of very many events with
// fresh ones.
func memory(keys int) error {
	cfg := []window.Config{
		{Length: 90 * day, Hop: 3 * day, Needs: window.Count | window.Sum},
		{Length: 30 * day, Hop: day, Needs: window.Count | window.Sum | window.Max},
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	t := window.New(0, cfg)
	key := make([]byte, 0, 16)
	for i := range 3 * keys { // three events a key, some weeks apart
		at := int64(i) * (60 * day) / int64(3*keys)
		t.Advance(at)
		key = fmt.Appendf(key[:0], "B-%08d", i%keys)
		for w := range cfg {
			t.Add(key, w, at, float64(i), 0)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Printf("RATIO features_bytes_per_key %.0f\n", float64(after.HeapAlloc-before.HeapAlloc)/float64(t.Len()))
	runtime.KeepAlive(t)

	per := func(name func(i int) []byte, n int) float64 {
		t := window.New(0, cfg)
		var r window.Reading
		start := time.Now()
		for i := range n {
			at := int64(i) * (365 * day) / int64(n)
			k := name(i)
			t.Advance(at)
			for w := range cfg {
				t.Read(t.Find(k), w, at, &r)
				t.Add(k, w, at, 1, 0)
			}
		}
		return float64(time.Since(start).Nanoseconds()) / float64(n)
	}
	hot := per(func(int) []byte { return append(key[:0], "hot"...) }, 1_000_000)
	cold := per(func(i int) []byte { return fmt.Appendf(key[:0], "%d", i%100_000) }, 1_000_000)
	fmt.Printf("RATIO features_hot_key %.2f\n", hot/cold)
	return nil
}
