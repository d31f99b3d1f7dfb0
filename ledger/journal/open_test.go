// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// openInTime opens a damaged journal; it fails the test if that takes too long.
func openInTime(t *testing.T, dir string) error {
	t.Helper()
	opened := make(chan error, 1)
	go func() {
		j, err := Open(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = j.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		return err
	case <-time.After(time.Minute):
		t.Fatal("Open has not returned for a minute")
		return nil
	}
}

// TestOpenOfADamagedStoreReturns overwrites most of the store's files, one by one
// and all at once, with random bytes: Open returns, with an error or a repair.
func TestOpenOfADamagedStoreReturns(t *testing.T) {
	t.Parallel()
	whole := t.TempDir()
	appendMore(t, whole, 300)
	refused := 0
	for seed := range uint64(12) {
		dir := t.TempDir()
		copyTree(t, whole, dir)
		rng := rand.New(rand.NewPCG(seed, 11))
		for _, path := range filesBelow(t, dir, storeDir) {
			if seed%3 != 0 && rng.IntN(2) == 0 {
				continue
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range b {
				if rng.IntN(2) == 0 {
					b[i] = byte(rng.Uint32())
				}
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := openInTime(t, dir); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no damage was found")
	}
}

// TestOpenOfMadeUpGroupsReturns fills the last record file with heads of groups
// that each claim all the bytes after them.
func TestOpenOfMadeUpGroupsReturns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	appendMore(t, dir, 20)
	fs := recordFiles(t, dir)
	path := fs[len(fs)-1]
	const size = 32 << 20
	changeFile(t, path, func(b []byte) []byte {
		offs := groupOffsets(t, b)
		b = b[:offs[len(offs)-1]]
		head := madeUpHead()
		for len(b) < size {
			b = append(b, head...)
		}
		return append(b, bytes.Repeat([]byte{1}, recordfile.MaxSectionBytes)...)
	})
	err := openInTime(t, dir)
	if !errors.Is(err, assay.ErrCorrupt) || !strings.Contains(err.Error(), "heads of groups") {
		t.Errorf("Open of %s: %v", filepath.Base(path), err)
	}
}

// madeUpHead is the head of a group of one record, 1 << 40, that claims megabytes, as docs/formats/journal.md draws it.
func madeUpHead() []byte {
	b := append([]byte("assayg1\n"), make([]byte, 112-8)...)
	binary.BigEndian.PutUint64(b[8:], 1<<40)
	binary.BigEndian.PutUint32(b[16:], 1)
	binary.BigEndian.PutUint32(b[20:], recordfile.MaxSectionBytes/2)
	binary.BigEndian.PutUint32(b[108:], crc32.Checksum(b[:108], crc32.MakeTable(crc32.Castagnoli)))
	return b
}
