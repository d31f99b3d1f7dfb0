// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// waitingContext tells when somebody waits for it or for something else.
type waitingContext struct {
	context.Context
	once  sync.Once
	waits chan struct{}
}

func (c *waitingContext) Done() <-chan struct{} {
	c.once.Do(func() { close(c.waits) })
	return c.Context.Done()
}

// TestBackupHoldsWhatWasSigned takes a backup while the store is behind the log:
// a checkpoint of records that the backup would not hold must not be in it.
func TestBackupHoldsWhatWasSigned(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	j, err := Open(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler), Interval: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	// All of Run but what brings the store up: it learns nothing.
	ctx, stop := context.WithCancel(t.Context())
	finished, added, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { _ = j.runWriter(ctx); close(finished) })
	running.Go(func() { _ = j.runDrainer(t.Context(), finished) })
	go func() {
		add(t, j, 1, 1)
		close(added)
	}()
	if err := j.WaitPublished(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	waits := &waitingContext{Context: t.Context(), waits: make(chan struct{})}
	go func() { done <- j.Backup(waits, to) }()
	select {
	case err := <-done:
		t.Fatalf("a backup was taken of what the store does not know yet: %v", err)
	case <-waits.waits:
	}
	running.Go(func() { _ = j.runStore(finished) })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	<-added
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(to, "keys"))
	k, err := Open(t.Context(), to, Config{Logger: slog.New(slog.DiscardHandler), RebuildLog: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := k.Stats().Durable; n != 1 {
		t.Errorf("the backup holds %d records", n)
	}
	stop()
	running.Wait()
	if err := errors.Join(k.Close(), j.Close()); err != nil {
		t.Error(err)
	}
}
