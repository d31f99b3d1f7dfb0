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

// The sustained run appends at a fixed rate and watches how far the log and the
// anchors lag. It prints
//
//	RATE sustain_rate                        appends a second
//	MS sustain_append_p99                    an append, from when it was due
//	MS sustain_lag_p50, _p99, _max           from an append until the log has published it
//	MS sustain_anchor_lag_p99                from an append until an anchor covers it
//	MS sustain_published_after, sustain_anchored_after  the same for the last append, after the run

// journalCheckpoints gives a journal's checkpoints to the anchor.
type journalCheckpoints struct{ *journal.Journal }

func (s journalCheckpoints) Checkpoint(context.Context) ([]byte, error) {
	note, _ := s.Journal.Checkpoint()
	return note, nil
}

// sustain appends at a fixed rate, while the log and the anchors of the embedded
// chain follow, and prints how far each lagged.
func sustain(ctx context.Context, dir string, length time.Duration, rate, writers int, every time.Duration) error {
	return withJournal(ctx, filepath.Join(dir, "sustained"), func(j *journal.Journal) error {
		e, err := devchain.Start(ctx, filepath.Join(dir, "chain"), j.Origin(), journalCheckpoints{j},
			devchain.Config{Logger: discardLogger()},
			anchor.Config{Every: every, Poll: 100 * time.Millisecond, Anchored: j.RecordAnchor,
				Logger: discardLogger()})
		if err != nil {
			return err
		}
		defer e.Close()
		run, stop := context.WithCancel(ctx)
		defer stop()
		var g errgroup.Group
		g.Go(func() error { return e.Anchor.Run(run) })
		// Every 50 ms the newest number is watched until it is published and anchored.
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
		res, err := appendAtRate(ctx, j, length, rate, writers)
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
		fmt.Printf("appended for %v, %d a second asked for: %s\n", length, rate, res)
		fmt.Printf("lag of the log: %s; the last append was published after %v\n", published,
			logLate.Round(time.Millisecond))
		fmt.Printf("lag of the anchors, one every %v: %s; the last append was anchored after %v\n", every, anchored,
			anchorLate.Round(time.Millisecond))
		fmt.Println(figure.One("RATE", "sustain_rate", res.rate))
		for _, f := range []struct {
			name string
			of   time.Duration
		}{
			{"append_p99", res.p99}, {"lag_p50", published.quantile(0.5)}, {"lag_p99", published.quantile(0.99)},
			{"lag_max", published.quantile(1)}, {"anchor_lag_p99", anchored.quantile(0.99)},
			{"published_after", logLate}, {"anchored_after", anchorLate},
		} {
			fmt.Println(figure.One("MS", "sustain_"+f.name, figure.Milliseconds(f.of)))
		}
		return nil
	})
}

// lags measures how long it takes until watched sizes are reached.
type lags struct {
	size []uint64    // watched sizes that are not reached yet, rising
	at   []time.Time // when each was first seen
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

// quantile may be called when nothing is added any more; 0 if nothing was
// reached.
func (l *lags) quantile(q float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(l.took))
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

// String may be called when nothing is added any more.
func (l *lags) String() string {
	if len(l.took) == 0 {
		return "nothing was published"
	}
	return fmt.Sprintf("p50 %v p99 %v max %v", l.quantile(0.5).Round(time.Millisecond),
		l.quantile(0.99).Round(time.Millisecond), l.quantile(1).Round(time.Millisecond))
}

// appendAtRate runs writers that together append at a rate. Each has its own
// schedule, and latency counts from when an append was due, so that a stall is
// not hidden.
func appendAtRate(ctx context.Context, j *journal.Journal, length time.Duration, rate, writers int) (result, error) {
	recs := readyRecords()
	key, err := ledger.ParseKey(j.Key())
	if err != nil {
		return result{}, err
	}
	gap := time.Duration(float64(time.Second) * float64(writers) / float64(rate))
	lat := make([][]time.Duration, writers)
	errs := make([]error, writers)
	begin, used := time.Now(), cpu()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			due := begin.Add(gap * time.Duration(w) / time.Duration(writers))
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
	return summarize(lat, errs, time.Since(begin), cpu()-used)
}
