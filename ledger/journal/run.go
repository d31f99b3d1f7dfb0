// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	assay "github.com/assayrisk/assay"
)

// Run writes and drains until ctx ends; then it makes what was taken durable,
// publishes it and returns nil. An error is fatal: what is on disk is unknown,
// or the log's directory is not the journal's. Open again, or repair first.
func (j *Journal) Run(ctx context.Context) error {
	if j.cfg.ReadOnly {
		return fmt.Errorf("journal: it was opened read-only: %w", assay.ErrPrecondition)
	}
	drainCtx, stopDrain := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDrain()
	var g errgroup.Group
	writer, stopWriter := context.WithCancel(ctx)
	defer stopWriter()
	finished := make(chan struct{}) // closed when the writer is done: drain what is left
	g.Go(func() error {
		defer close(finished)
		defer close(j.stopped)
		return j.runWriter(writer)
	})
	g.Go(func() error {
		err := j.runDrainer(drainCtx, finished)
		if err != nil {
			j.failed.set(err)
		}
		return err
	})
	g.Go(func() error { return j.runStore(finished) })
	g.Go(func() error { return j.runLists(writer) })
	g.Go(func() error { return j.runPreallocator(finished) })
	g.Go(func() error { return j.runSignatures(finished) })
	g.Go(func() error { j.runDiskWatch(writer); return nil })
	g.Go(func() error { j.runClock(writer); return nil })
	g.Go(func() error { return j.store.FillFilters(writer) })
	g.Go(func() error { return j.finalizeErasures(writer) })
	err := g.Wait()
	if ferr := j.failed.get(); ferr != nil {
		return ferr // the store ended a goroutine that did not return
	}
	return err
}

// With opens the journal in dir, which no server may be using, runs it while do
// works on it, makes durable and publishes what do appended, and closes it.
func With(ctx context.Context, dir string, cfg Config, do func(j *Journal) error) error {
	j, err := Open(ctx, dir, cfg)
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- j.Run(run) }()
	err = do(j)
	stop()
	return errors.Join(err, <-done, j.Close())
}

// runStore keeps the store up to date with the writer.
func (j *Journal) runStore(finished <-chan struct{}) error {
	err := j.store.Run(finished, j.failed.done)
	if err != nil {
		j.failed.set(err)
	}
	return err
}

// runLists brings the index of lists up to the records from before this run. Without it, lists read the records.
func (j *Journal) runLists(ctx context.Context) error {
	err := j.fillLists(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.Is(err, assay.ErrCorrupt):
		j.cfg.Logger.Warn("journal: lists have no index of the records from before the start and read them all",
			"error", err)
		return nil
	}
	j.failed.set(err)
	return err
}

// runPreallocator makes the next record file before it is needed.
func (j *Journal) runPreallocator(finished <-chan struct{}) error {
	for {
		select {
		case <-finished:
			return nil
		case <-j.failed.done:
			return nil
		case <-j.records.WantsPreallocated():
		}
		if err := j.records.Preallocate(finished); err != nil {
			j.cfg.Logger.Warn("journal: the next record file could not be made in advance", "error", err)
		}
	}
}

// runDiskWatch keeps lowDisk current. Its limit leaves enough space for the
// records whose numbers were taken before.
func (j *Journal) runDiskWatch(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		u, err := j.cfg.FS.GetDiskUsage(filepath.Join(j.dir, "journal"))
		if err == nil {
			low := u.AvailBytes < j.cfg.MinFreeBytes
			if j.lowDisk.Swap(low) != low {
				j.cfg.Logger.Warn("journal: free disk",
					"low", low, "free_bytes", u.AvailBytes, "limit", j.cfg.MinFreeBytes)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-j.failed.done:
			return
		case <-t.C:
		}
	}
}

// failure is the first error after which nothing more can be made durable.
type failure struct {
	mu   sync.Mutex
	err  error
	done chan struct{}
}

func newFailure() *failure { return &failure{done: make(chan struct{})} }

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.done)
	}
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
