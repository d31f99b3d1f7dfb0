// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// TestLogNeverForks tries each way in which a log's directory, a journal or a
// high-water mark can be replaced by an older one or damaged as a whole: the server
// must refuse, and say why. ASSAY_TAMPERS sets for how many histories; the default
// is 1. ASSAY_SEED chooses others.
func TestLogNeverForks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	first := repetitions("ASSAY_SEED", 0)
	for k := first; k < first+repetitions("ASSAY_TAMPERS", 1); k++ {
		t.Run(fmt.Sprint(k), func(t *testing.T) { neverForks(t, 300+37*k, 400+11*k) })
	}
}

// directoryHarm is a way to replace or damage a directory as a whole.
type directoryHarm struct {
	name string
	harm func(t *testing.T, d string)
	says string // what the refusal must contain
}

// directoryHarms is the table of TestLogNeverForks, for a directory that old is an
// older copy of.
func directoryHarms(old string, more int) []directoryHarm {
	at := func(d string, p ...string) string { return filepath.Join(append([]string{d}, p...)...) }
	return []directoryHarm{
		{"log rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "log"), at(d, "log"))
		}, "rolled back or emptied"},
		{"log emptied", func(t *testing.T, d string) {
			copyTree(t, t.TempDir(), at(d, "log"))
		}, "rolled back or emptied"},
		{"tree state deleted", func(t *testing.T, d string) {
			removeFile(t, at(d, "log", ".state", "treeState"))
		}, "rolled back or emptied"},
		{"records rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "journal"), at(d, "journal"))
		}, "older copy"},
		{"records and log rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "journal"), at(d, "journal"))
			copyTree(t, at(old, "log"), at(d, "log"))
		}, "older copy"},
		{"high-water mark rolled back", func(t *testing.T, d string) {
			copyTree(t, at(old, "guard"), at(d, "guard"))
		}, "older copy"},
		{"high-water mark deleted", func(t *testing.T, d string) {
			removeFile(t, at(d, "guard", "high-water"))
		}, "is missing"},
		{"high-water mark of another log", func(t *testing.T, d string) {
			cp := ledger.Checkpoint{Origin: "other.example/log", Size: 1}
			if err := os.WriteFile(at(d, "guard", "high-water"), []byte(cp.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "other.example/log"},
		{"log of a fork", func(t *testing.T, d string) { // the same key, other records
			fork := t.TempDir()
			copyTree(t, old, fork)
			appendMore(t, fork, more+1)
			copyTree(t, at(fork, "log"), at(d, "log"))
		}, "checkpoint"},
		{"log key replaced", func(t *testing.T, d string) {
			removeFile(t, at(d, "keys", "log.key"))
		}, "guard"},
		{"master key gone", func(t *testing.T, d string) {
			removeFile(t, at(d, "keys", "master.json"))
		}, "master.json is missing"},
		{"master key replaced", func(t *testing.T, d string) {
			removeFile(t, at(d, "keys", "master.json"))
			if _, err := vault.OpenMaster(at(d, "keys", "master.json"), nil); err != nil {
				t.Fatal(err)
			}
		}, "master key does not open"},
		{"last group cut off", func(t *testing.T, d string) {
			path, b, at := lastGroup(t, d)
			if err := os.WriteFile(path, b[:at], 0o644); err != nil {
				t.Fatal(err)
			}
		}, "older copy, or were cut"},
		{"last group torn", func(t *testing.T, d string) {
			path, b, at := lastGroup(t, d)
			clear(b[at+200:])
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "older copy, or were cut"},
		{"first record file deleted", func(t *testing.T, d string) {
			removeFile(t, recordFiles(t, d)[0])
		}, "are missing"},
		{"all record files deleted", func(t *testing.T, d string) {
			for _, f := range recordFiles(t, d) {
				removeFile(t, f)
			}
		}, "are missing"},
	}
}

// neverForks makes a history of some records and of more of a second run, and
// demands that a server refuses it after each harm.
func neverForks(t *testing.T, records, more int) {
	old := publishedDirectory(t, records)
	dir := t.TempDir()
	copyTree(t, old, dir)
	appendMore(t, dir, more)
	if err := fsckOnce(t, dir); err != nil {
		t.Fatalf("the honest directory: %v", err)
	}
	for _, tt := range directoryHarms(old, more) {
		t.Run(tt.name, func(t *testing.T) {
			d := t.TempDir()
			copyTree(t, dir, d)
			tt.harm(t, d)
			err := serveOnce(t, d)
			if err == nil {
				t.Fatal("the server went on")
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("refused with %q, want it to say %q", err, tt.says)
			}
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Errorf("%v is not ErrCorrupt", err)
			}
			t.Logf("| the directory as a whole | %s | 1 | 1 | 0 | %s 1 |", tt.name, servedBy(err))
		})
	}
}

// servedBy names the part of a server that refused a directory.
func servedBy(err error) string {
	if rest, ok := strings.CutPrefix(err.Error(), "open: "); ok {
		return foundBy(errors.New(rest))
	}
	return "start of the drainer"
}
