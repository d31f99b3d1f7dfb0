// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/ledger/vault/vaulttest"
)

func newStub(t *testing.T) vaulttest.Program {
	return vaulttest.Program(filepath.Join(t.TempDir(), "masters.json"))
}

// startStub starts a program that keeps master keys.
func startStub(t *testing.T, stub vaulttest.Program) *vault.Program {
	t.Helper()
	p, err := vault.StartProgram(vault.ProgramConfig{Command: stub.Command(), Timeout: 5 * time.Second,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func fail(t *testing.T, stub vaulttest.Program, f vaulttest.Fault) {
	t.Helper()
	if err := stub.Fail(f); err != nil {
		t.Fatal(err)
	}
}

// appendUntil appends records of new subjects until done, and returns how many were refused because the master keys
// were out of reach.
func appendUntil(t *testing.T, j *Journal, done *atomic.Bool) (refused int) {
	for i := 0; !done.Load(); i++ {
		seq := j.Take()
		_, err := j.Append(t.Context(), seq, decision(seq, fmt.Sprintf("late-%d", i)))
		switch {
		case errors.Is(err, assay.ErrUnavailable):
			refused++
		case err != nil:
			t.Errorf("append: %v", err)
			return refused
		}
	}
	return refused
}

// TestErasureWithAFailingProgram erases subjects while others append, and the program that keeps the master keys fails
// in the middle. Each erasure becomes final, and nothing else is lost.
func TestErasureWithAFailingProgram(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, fault := range []vaulttest.Fault{vaulttest.Dies, vaulttest.DiesAfter, vaulttest.NoJSON, vaulttest.Refuses} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			stub := newStub(t)
			keys := startStub(t, stub)
			dir := t.TempDir()
			j, stop := start(t, dir, Config{Keys: keys})
			add(t, j, 40, 8)
			if err := j.waitApplied(t.Context(), 40); err != nil {
				t.Fatal(err)
			}
			var appender sync.WaitGroup
			var done atomic.Bool
			refused := 0
			appender.Go(func() { refused = appendUntil(t, j, &done) })
			for i := range 4 {
				name := fmt.Sprintf("subject-%d", i)
				s, err := j.store.Subject(name)
				if err != nil {
					t.Fatal(err)
				}
				wrapped, err := j.store.Row(store.Keys, s.Key().ID())
				if err != nil {
					t.Fatal(err)
				}
				after := time.Duration(i*3) * time.Millisecond
				once := time.AfterFunc(after, func() { _ = stub.Fail(vaulttest.Once + fault) })
				eraseUntilDone(t, j, name)
				once.Stop()
				fail(t, stub, "")
				_, err = keys.Unwrap(vault.WrappedKey{ID: s.Key().ID(), Bytes: wrapped})
				if !errors.Is(err, assay.ErrCorrupt) {
					t.Errorf("the erased key's copy opens: %v", err)
				}
			}
			done.Store(true)
			appender.Wait()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			rep, err := Fsck(t.Context(), dir, Config{Keys: keys, Logger: slog.New(slog.DiscardHandler)})
			if err != nil || rep.Erased < 4 || keys.Rotating() {
				t.Errorf("fsck: %+v, %v, rotating %v", rep, err, keys.Rotating())
			}
			t.Logf("%d records, %d appends refused", rep.Records, refused)
		})
	}
}

// eraseUntilDone erases a subject, again if the program refuses the key that takes the erased one's place.
func eraseUntilDone(t *testing.T, j *Journal, subject string) {
	t.Helper()
	for range 100 {
		_, _, err := j.Erase(t.Context(), subject, "asked")
		if err == nil {
			return
		}
		if !errors.Is(err, assay.ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the erasure never succeeds")
}

// TestMasterKeysOutOfReach: while the program refuses, subjects that are known are served, new ones are refused, and an
// erasure changes nothing.
func TestMasterKeysOutOfReach(t *testing.T) {
	t.Parallel()
	stub := newStub(t)
	dir := t.TempDir()
	j, stop := start(t, dir, Config{Keys: startStub(t, stub)})
	add(t, j, 40, 2)
	appendOf := func(subject string) (uint64, error) {
		seq := j.Take()
		_, err := j.Append(t.Context(), seq, decision(seq, subject))
		return seq, err
	}
	fail(t, stub, vaulttest.Refuses)
	if _, err := appendOf("subject-3"); err != nil {
		t.Errorf("a subject whose key is known: %v", err)
	}
	if _, err := appendOf("somebody new"); !errors.Is(err, assay.ErrUnavailable) ||
		!strings.Contains(err.Error(), "second card") {
		t.Errorf("a new subject: %v", err)
	}
	if _, _, err := j.Erase(t.Context(), "subject-3", "asked"); !errors.Is(err, assay.ErrUnavailable) {
		t.Errorf("an erasure: %v", err)
	}
	seq, err := appendOf("subject-3")
	if err != nil {
		t.Errorf("after the erasure that failed: %v", err)
	}
	fail(t, stub, "")
	for _, s := range []uint64{3, seq} {
		if r, err := j.Get(s); err != nil || r.Subject != "subject-3" {
			t.Errorf("record %d after the erasure that failed: %+v, %v", s, r, err)
		}
	}
	if _, _, err := j.Erase(t.Context(), "subject-3", "asked"); err != nil {
		t.Error(err)
	}
	if _, err := j.Get(seq); !errors.Is(err, vault.ErrErased) {
		t.Errorf("after the erasure: %v", err)
	}
	if _, err := appendOf("somebody new"); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestHandOverToAProgram moves a journal whose master key is in a file to a program. Afterwards it opens with the
// program alone.
func TestHandOverToAProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	add(t, j, 40, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	keys := startStub(t, newStub(t))
	quiet := slog.New(slog.DiscardHandler)
	if rep, err := Fsck(t.Context(), dir, Config{Keys: keys, Logger: quiet}); err != nil || rep.Opened != 40 {
		t.Errorf("read with both: %+v, %v", rep, err)
	}
	j, stop = start(t, dir, Config{Keys: keys})
	for i := 0; j.master.Rotating(); i++ {
		if i == 500 {
			t.Fatal("nothing hands over")
		}
		time.Sleep(20 * time.Millisecond)
	}
	add(t, j, 40, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	master := filepath.Join(dir, "keys", "master.json")
	for _, cfg := range []Config{{Logger: quiet}, {Logger: quiet, ReadOnly: true}} {
		if _, err := Open(t.Context(), dir, cfg); !errors.Is(err, assay.ErrCorrupt) ||
			!strings.Contains(err.Error(), "--keys FILE") {
			t.Errorf("without the program: %v", err)
		}
		if _, err := os.Stat(master); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", master, err)
		}
	}
	if rep, err := Fsck(t.Context(), dir, Config{Keys: keys, Logger: quiet}); err != nil || rep.Keys != 18 {
		t.Errorf("with the program: %+v, %v", rep, err)
	}
	other := startStub(t, newStub(t))
	if _, err := Open(t.Context(), dir, Config{Keys: other, Logger: quiet}); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("with another program: %v", err)
	}
}
