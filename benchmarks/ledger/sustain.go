// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/ledger/journal"
)

// source gives a journal's checkpoints to the anchor.
type source struct{ *journal.Journal }

func (s source) Checkpoint(context.Context) ([]byte, error) {
	note, _ := s.Journal.Checkpoint()
	return note, nil
}

// sustain appends at a fixed rate for a while, with the log and the anchors of
// the embedded chain behind it, and says how far each lagged.
func sustain(ctx context.Context, dir string, length time.Duration, rate, workers int, every time.Duration) error {
	return with(ctx, filepath.Join(dir, "sustained"), func(j *journal.Journal) error {
		e, err := devchain.Start(ctx, filepath.Join(dir, "chain"), j.Origin(), source{j},
			devchain.Config{Logger: quiet()},
			anchor.Config{Every: every, Poll: 100 * time.Millisecond, Anchored: j.RecordAnchor, Logger: quiet()})
		if err != nil {
			return err
		}
		defer e.Close()
		run, stop := context.WithCancel(ctx)
		defer stop()
		var g errgroup.Group
		g.Go(func() error { return e.Anchor.Run(run) })
		// Every 50 ms one number is watched until it is published and anchored.
		published, anchored := new(lags), new(lags)
		g.Go(func() error {
			t := time.NewTicker(50 * time.Millisecond)
			defer t.Stop()
			for {
				select {
				case <-run.Done():
					return nil
				case <-t.C:
				}
				size, now := j.Stats().Durable, time.Now()
				published.watch(size, now)
				anchored.watch(size, now)
				published.reached(j.Stats().Published, now)
				if note := e.Anchor.Status().Size; note > 0 {
					anchored.reached(note, now)
				}
			}
		})
		res, err := paced(ctx, j, length, rate, workers)
		if err != nil {
			return err
		}
		end := time.Now()
		size := j.Stats().Durable
		if err := j.WaitPublished(ctx, size); err != nil {
			return err
		}
		logLate := time.Since(end)
		if _, err := e.Anchor.AnchorNow(ctx); err != nil {
			return err
		}
		anchorLate := time.Since(end)
		stop()
		if err := g.Wait(); err != nil {
			return err
		}
		fmt.Printf("sustained %s of %d asked, for %v\n", res, rate, length)
		fmt.Printf("log behind the appends: %s; all of it published %v after the last\n", published,
			logLate.Round(time.Millisecond))
		fmt.Printf("anchor behind the appends (one every %v): %s; all anchored %v after the last\n", every, anchored,
			anchorLate.Round(time.Millisecond))
		for _, f := range []figure.Figure{
			figure.Of("RATE", "sustain_rate", []float64{res.rate}),
			figure.Of("MS", "sustain_append_p99", []float64{ms(res.p99)}),
			figure.Of("MS", "sustain_lag_p50", []float64{ms(published.quantile(0.5))}),
			figure.Of("MS", "sustain_lag_p99", []float64{ms(published.quantile(0.99))}),
			figure.Of("MS", "sustain_lag_max", []float64{ms(published.quantile(1))}),
			figure.Of("MS", "sustain_anchor_lag_p99", []float64{ms(anchored.quantile(0.99))}),
			figure.Of("MS", "sustain_published_after", []float64{ms(logLate)}),
			figure.Of("MS", "sustain_anchored_after", []float64{ms(anchorLate)}),
		} {
			fmt.Println(f)
		}
		return nil
	})
}

// lags measures how long sizes take to be reached.
type lags struct {
	size []uint64
	at   []time.Time
	took []time.Duration
}

func (l *lags) watch(size uint64, now time.Time) {
	l.size, l.at = append(l.size, size), append(l.at, now)
}

func (l *lags) reached(size uint64, now time.Time) {
	for len(l.size) > 0 && l.size[0] <= size {
		l.took = append(l.took, now.Sub(l.at[0]))
		l.size, l.at = l.size[1:], l.at[1:]
	}
}

// quantile is called when nothing is added any more; 0 if nothing was reached.
func (l *lags) quantile(q float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(l.took))
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

// String is called when nothing is added any more.
func (l *lags) String() string {
	if len(l.took) == 0 {
		return "none was reached"
	}
	return fmt.Sprintf("p50 %v p99 %v max %v", l.quantile(0.5).Round(time.Millisecond),
		l.quantile(0.99).Round(time.Millisecond), l.quantile(1).Round(time.Millisecond))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// paced runs workers that together append at a rate: each has its own times, and
// latency counts from the time that was due, so that a stall is not hidden.
func paced(ctx context.Context, j *journal.Journal, length time.Duration, rate, workers int) (result, error) {
	recs := make([]*journal.Record, 1<<14)
	for i := range recs {
		recs[i] = record(uint64(i))
	}
	key, err := ledger.ParseKey(j.Key())
	if err != nil {
		return result{}, err
	}
	gap := time.Duration(float64(time.Second) * float64(workers) / float64(rate))
	lat := make([][]time.Duration, workers)
	errs := make([]error, workers)
	begin, used := time.Now(), cpu()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			due := begin.Add(gap * time.Duration(w) / time.Duration(workers))
			for ; due.Sub(begin) < length && ctx.Err() == nil; due = due.Add(gap) {
				time.Sleep(time.Until(due))
				seq := j.Take()
				p, err := j.Append(ctx, seq, recs[seq%uint64(len(recs))])
				if err != nil {
					errs[w] = err
					return
				}
				lat[w] = append(lat[w], time.Since(due))
				if seq%10_000 == 0 && p.Verify(key) != nil {
					errs[w] = fmt.Errorf("promise %d does not verify", seq)
					return
				}
			}
		})
	}
	wg.Wait()
	return summary(lat, errs, time.Since(begin), cpu()-used)
}
