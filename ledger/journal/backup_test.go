// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// TestBackupHoldsWhatWasSigned takes a backup while the store is behind the log:
// a checkpoint of records that the backup would not hold must not be in it.
func TestBackupHoldsWhatWasSigned(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	j, _ := start(t, dir, Config{})
	j.index.mu.Lock() // the store learns nothing more
	added, done := make(chan struct{}), make(chan error, 1)
	go func() {
		add(t, j, 1, 1)
		close(added)
	}()
	if err := j.WaitPublished(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	go func() { done <- j.Backup(t.Context(), to) }()
	select {
	case err := <-done:
		t.Errorf("a backup was taken of what the store does not know yet: %v", err)
		j.index.mu.Unlock()
	case <-time.After(200 * time.Millisecond):
		j.index.mu.Unlock()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
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
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}
