// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/window"
)

// online replays a world through one state up to its last tenth, which it then
// plays several times from there on, and times its applications. The best round
// counts.
func online(name string, p *features.Plan, events int) error {
	st := p.NewState()
	var tail []assay.Event
	events = min(events, 300_000)
	n := 0
	for e := range scf.New(scf.Config{Seed: 2, Events: events}).Events() {
		if n++; n <= events*9/10 {
			if err := p.Observe(e, st); err != nil {
				return err
			}
			continue
		}
		c := *e
		c.Entities, c.Fields = append([]assay.Entity{}, e.Entities...), append([]assay.Field{}, e.Fields...)
		tail = append(tail, c)
	}
	from, err := st.Snapshot()
	if err != nil {
		return err
	}
	dst := make([]float64, 0, len(p.Features()))
	var best [2]float64 // of all three calls, of Vector alone
	var allocs float64
	const rounds = 12
	for r := range rounds {
		if err := st.Restore(from); err != nil {
			return err
		}
		var spent time.Duration
		var before, after runtime.MemStats
		scored := 0
		runtime.GC()
		for i := range tail {
			ev := &tail[i]
			if ev.Kind != p.Event() {
				if err := p.Observe(ev, st); err != nil {
					return err
				}
				continue
			}
			scored++
			var err error
			if r%2 == 0 {
				start := time.Now()
				if err = p.Validate(ev); err == nil {
					if _, err = p.Vector(dst, ev, st); err == nil {
						err = p.Observe(ev, st)
					}
				}
				spent += time.Since(start)
			} else {
				start := time.Now()
				_, err = p.Vector(dst, ev, st)
				spent += time.Since(start)
				if err == nil {
					err = p.Observe(ev, st)
				}
			}
			if err != nil {
				return err
			}
		}
		// Allocations are counted apart, on events that meet keys they know.
		runtime.ReadMemStats(&before)
		for i := range tail {
			if ev := &tail[i]; ev.Kind == p.Event() {
				if _, err := p.Vector(dst, ev, st); err != nil {
					return err
				}
				if err := p.Observe(ev, st); err != nil {
					return err
				}
			}
		}
		runtime.ReadMemStats(&after)
		allocs = float64(after.Mallocs-before.Mallocs) / float64(scored)
		if x := float64(spent.Nanoseconds()) / float64(scored); best[r%2] == 0 || x < best[r%2] {
			best[r%2] = x
		}
	}
	fmt.Printf("# %s: %d features in the vector, %d in all, %d windows, %d keys\n", name, len(p.Features()),
		len(p.Spec().Features), len(p.Spec().Windows), st.Keys())
	fmt.Printf("NS features_%s_vector %.0f\n", name, best[1])
	fmt.Printf("NS features_%s %.0f\n", name, best[0])
	fmt.Printf("COUNT features_%s_allocs %.3f\n", name, allocs)
	return nil
}

// sized is the scf plan cut to a number of windows, those that most features
// read, and filled up to a number of features.
func sized(rec arrow.Record, want, windows int) (*features.Plan, error) {
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return nil, err
	}
	readers := map[string]int{}
	for _, f := range s.Features {
		readers[f.Window]++
	}
	slices.SortStableFunc(s.Windows, func(a, b features.WindowSpec) int { return readers[b.Name] - readers[a.Name] })
	s.Windows = s.Windows[:windows]
	gone := map[string]bool{}
	var kept []features.FeatureSpec
	visible := 0
	for _, f := range s.Features {
		if f.Window != "" && !slices.ContainsFunc(s.Windows, func(w features.WindowSpec) bool {
			return w.Name == f.Window
		}) ||
			slices.ContainsFunc(f.Of, func(n string) bool { return gone[n] }) {
			gone[f.Name] = true
			continue
		}
		kept = append(kept, f)
		if !f.Hidden {
			visible++
		}
	}
	for _, f := range kept {
		if visible < want && f.Window != "" && !f.Hidden {
			kept = append(kept,
				features.FeatureSpec{Name: "log1p_" + f.Name, Kernel: "log1p", Of: features.Names{f.Name}})
			visible++
		}
	}
	if s.Features = kept; visible != want {
		return nil, fmt.Errorf("the plan has %d features, want %d", visible, want)
	}
	rows, _, _, err := s.Labels(rec)
	if err != nil {
		return nil, err
	}
	p, _, err := s.Fit(context.Background(), rec, rows[:len(rows)/2])
	return p, err
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
	heap := float64(after.HeapAlloc - before.HeapAlloc)
	fmt.Printf("# %d keys in %d windows: %.0f MiB of heap, three events a key and window\n", t.Len(),
		len(cfg), heap/(1<<20))
	fmt.Printf("BYTES features_key %.0f\n", heap/float64(t.Len()))
	fmt.Printf("BYTES features_key_and_window %.0f\n", heap/float64(t.Len()*len(cfg)))
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
	busy := per(func(i int) []byte { return fmt.Appendf(key[:0], "%d", i%1000) }, 1_000_000)
	fmt.Printf("RATIO features_hot_key %.2f\n", hot/busy)
	fmt.Printf("RATIO features_hot_key_vs_fresh %.2f\n", hot/cold)
	return nil
}
