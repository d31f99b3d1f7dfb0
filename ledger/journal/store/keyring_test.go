// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// openTest opens a store without groups, or the one that an earlier run left.
func openTest(t *testing.T, dir string, end uint64) *Store {
	t.Helper()
	master, err := vault.OpenMaster(filepath.Join(dir, "master.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "store"), Options{FS: vfs.Default, Logger: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { t.Error(err) }, CacheBytes: 1 << 20})
	if err == nil {
		err = s.OpenKeys(master)
	}
	if err == nil {
		err = s.CatchUp(end, func(uint64, func(*recordfile.StoredGroup) error) error { return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestKnownSubjectsKeepTheirKeys finds the same keys again when they have left memory: after a start, with the filter
// of subjects not full, and then full.
func TestKnownSubjectsKeepTheirKeys(t *testing.T) {
	t.Parallel()
	const subjects = 300
	dir := t.TempDir()
	name := func(i int) string { return fmt.Sprintf("subject-%d", i) }
	ids := map[string]vault.ID{}
	s := openTest(t, dir, 0)
	for i := range uint64(subjects) {
		sub, err := s.Subject(name(int(i)))
		if err != nil {
			t.Fatal(err)
		}
		g := &Group{First: i, Count: 1, Tags: make([]recordfile.Tag, 1)}
		if err := s.AddKeyUse(g, sub); err != nil || len(g.Ops) != 1 {
			t.Fatalf("subject %d: %d changes of keys, %v", i, len(g.Ops), err)
		}
		s.Add(g)
		ids[name(int(i))] = sub.Key().ID()
	}
	finished := make(chan struct{})
	close(finished)
	if err := s.Run(finished, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir, subjects)
	for _, full := range []bool{false, true} {
		if full {
			if err := s.FillFilters(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for n, id := range ids {
			clear(s.keys.shard(n).hot)
			clear(s.keys.shard(n).cold)
			sub, err := s.Subject(n)
			if err != nil {
				t.Fatal(err)
			}
			if sub.key.ID() != id {
				t.Fatalf("%s has another key than before (filter full: %v)", n, full)
			}
		}
	}
	if s.keys.knownTags.maybe(testTag(0)) {
		t.Fatal("the filter knows a subject that never was")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
