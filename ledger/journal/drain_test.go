// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger/journal/tilelog"
)

// TestChangedTreeState: a directory whose tree state is not of the journal's
// records is refused.
func TestChangedTreeState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	add(t, j, 300, 2)
	if err := j.WaitPublished(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	stop()
	b, err := json.Marshal(tilelog.State{Size: 300, Root: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log", ".state", "treeState"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	k, err := Open(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "tree state") {
		t.Errorf("%v", err)
	}
}
