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
	"github.com/assayrisk/assay/features/plantext"
)

// timeOnline replays a log through one state up to its last tenth. Then it plays
// that tenth several times from there, and times its applications. The best
// round counts.
func timeOnline(name string, p *features.Plan, events int) error {
	st, tail, err := replayMost(p, min(events, 300_000))
	if err != nil {
		return err
	}
	from, err := st.Snapshot()
	if err != nil {
		return err
	}
	dst := make([]float64, 0, len(p.Features()))
	var best [2]float64 // nanoseconds of all three calls, of Vector alone
	var allocs float64
	const rounds = 12
	for r := range rounds {
		if err := st.Restore(from); err != nil {
			return err
		}
		play := playWhole
		if r%2 == 1 {
			play = playVector
		}
		runtime.GC()
		spent, scored, err := play(p, st, tail, dst)
		if err != nil {
			return err
		}
		if allocs, err = countAllocs(p, st, tail, dst, scored); err != nil {
			return err
		}
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

// replayMost observes the first nine tenths of a log, and returns the rest.
func replayMost(p *features.Plan, events int) (st *features.State, tail []assay.Event, err error) {
	st = p.NewState()
	n := 0
	for e := range scf.New(scf.Config{Seed: 2, Events: events}).Events() {
		if n++; n <= events*9/10 {
			if err := p.Observe(e, st); err != nil {
				return nil, nil, err
			}
			continue
		}
		c := *e
		c.Entities, c.Fields = append([]assay.Entity{}, e.Entities...), append([]assay.Field{}, e.Fields...)
		tail = append(tail, c)
	}
	return st, tail, nil
}

// playWhole plays events and times Validate, Vector and Observe of those that
// are scored.
func playWhole(p *features.Plan, st *features.State, tail []assay.Event, dst []float64) (spent time.Duration,
	scored int,
	err error) {
	for i := range tail {
		ev := &tail[i]
		if ev.Kind != p.Event() {
			if err := p.Observe(ev, st); err != nil {
				return 0, 0, err
			}
			continue
		}
		scored++
		start := time.Now()
		if err = p.Validate(ev); err == nil {
			if _, err = p.Vector(dst, ev, st); err == nil {
				err = p.Observe(ev, st)
			}
		}
		spent += time.Since(start)
		if err != nil {
			return 0, 0, err
		}
	}
	return spent, scored, nil
}

// playVector plays events and times Vector alone.
func playVector(p *features.Plan, st *features.State, tail []assay.Event, dst []float64) (spent time.Duration,
	scored int,
	err error) {
	for i := range tail {
		ev := &tail[i]
		if ev.Kind == p.Event() {
			scored++
			start := time.Now()
			_, err := p.Vector(dst, ev, st)
			spent += time.Since(start)
			if err != nil {
				return 0, 0, err
			}
		}
		if err := p.Observe(ev, st); err != nil {
			return 0, 0, err
		}
	}
	return spent, scored, nil
}

// countAllocs counts the allocations of Vector and Observe for each scored event,
// on events whose keys the state knows.
func countAllocs(p *features.Plan, st *features.State, tail []assay.Event, dst []float64, scored int) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range tail {
		if ev := &tail[i]; ev.Kind == p.Event() {
			if _, err := p.Vector(dst, ev, st); err != nil {
				return 0, err
			}
			if err := p.Observe(ev, st); err != nil {
				return 0, err
			}
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(scored), nil
}

// planOfSize is the scf plan reduced to a number of windows, those that most
// features read, and filled up to a number of features with logarithms of others.
func planOfSize(rec arrow.Record, want, windows int) (*features.Plan, error) {
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return nil, err
	}
	readers := map[string]int{}
	for _, f := range s.Features {
		readers[f.Window]++
	}
	slices.SortStableFunc(s.Windows, func(a, b plantext.WindowSpec) int { return readers[b.Name] - readers[a.Name] })
	s.Windows = s.Windows[:windows]
	gone := map[string]bool{}
	var kept []plantext.FeatureSpec
	visible := 0
	for _, f := range s.Features {
		hasWindow := f.Window == "" ||
			slices.ContainsFunc(s.Windows, func(w plantext.WindowSpec) bool { return w.Name == f.Window })
		if !hasWindow || slices.ContainsFunc(f.Of, func(n string) bool { return gone[n] }) {
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
				plantext.FeatureSpec{Name: "log1p_" + f.Name, Kernel: "log1p", Of: plantext.Names{f.Name}})
			visible++
		}
	}
	if s.Features = kept; visible != want {
		return nil, fmt.Errorf("the plan has %d features, want %d", visible, want)
	}
	rows, _, _, err := features.ReadLabels(s, rec)
	if err != nil {
		return nil, err
	}
	p, _, err := features.Fit(context.Background(), s, rec, rows[:len(rows)/2])
	return p, err
}
