// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
)

// waitingContext reports when somebody waits for its end.
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
	// All of Run except what applies groups to the store: it stays behind.
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

// TestBackup copies a running journal, loses the directory, and restores it:
// the log is built again from the records and is the same log. A backup that
// is older than what was signed since is refused.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	promises := add(t, j, 700, 8)
	if err := j.WaitPublished(t.Context(), 700); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved")
	if err := j.Backup(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if err := j.Backup(t.Context(), saved); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a second backup to the same place: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, f := range filesBelow(t, saved, ".") {
		if strings.Contains(f, "log.key") || strings.Contains(f, "master") {
			t.Errorf("the backup holds a key: %s", f)
		}
	}
	restored := t.TempDir()
	copyTree(t, saved, restored)
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(restored, "keys"))
	if err := serveOnce(t, restored); !errors.Is(err, ErrFork) {
		t.Fatalf("restored records with an empty log: %v", err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "log", "tile", "0", "001"))
	if err != nil {
		t.Fatal(err)
	}
	j, stop = start(t, restored, Config{RebuildLog: true})
	checkAcked(t, j, promises)
	if err := j.WaitPublished(t.Context(), 700); err != nil {
		t.Fatal(err)
	}
	add(t, j, 10, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(restored, "log", "tile", "0", "001"))
	if err != nil || string(after) != string(before) {
		t.Fatalf("the log that was built again is another: %v", err)
	}
	if err := fsckOnce(t, restored); err != nil {
		t.Fatal(err)
	}

	appendMore(t, dir, 50) // and the backup falls behind
	late := t.TempDir()
	copyTree(t, saved, late)
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(late, "keys"))
	copyTree(t, filepath.Join(dir, "guard"), filepath.Join(late, "guard"))
	if err := serveOnce(t, late); !errors.Is(err, ErrFork) {
		t.Fatalf("a backup that is behind what was signed: %v", err)
	}
}
