// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault/vaulttest"
)

func TestMain(m *testing.M) {
	vaulttest.Main()
	os.Exit(m.Run())
}

// logged collects what is logged.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

// startStub starts the program of package vaulttest.
func startStub(t *testing.T, stub vaulttest.Program, timeout time.Duration) (*Program, *logged) {
	t.Helper()
	log := new(logged)
	p, err := StartProgram(ProgramConfig{Command: stub.Command(), Timeout: timeout,
		Logger: slog.New(slog.NewTextHandler(log, nil)), restartPause: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, log
}

func newStub(t *testing.T) vaulttest.Program {
	return vaulttest.Program(filepath.Join(t.TempDir(), "masters.json"))
}

func newKeys(t *testing.T, n int) []*Key {
	t.Helper()
	keys := make([]*Key, n)
	for i := range keys {
		var err error
		if keys[i], err = NewKey(); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// wrappedOf pairs keys with what was wrapped.
func wrappedOf(keys []*Key, wrapped [][]byte) []WrappedKey {
	out := make([]WrappedKey, len(keys))
	for i := range keys {
		out[i] = WrappedKey{keys[i].ID(), wrapped[i]}
	}
	return out
}

// checkOpens checks that wrapped opens to keys.
func checkOpens(t *testing.T, m Keys, keys []*Key, wrapped []WrappedKey) {
	t.Helper()
	got, err := m.Unwrap(wrapped...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if got[i].id != keys[i].id || got[i].secret != keys[i].secret {
			t.Fatalf("key %d is another", i)
		}
	}
}

// TestProgramRotation is TestMasterRotation for keys in a program, with more keys than go into a request.
func TestProgramRotation(t *testing.T) {
	t.Parallel()
	stub := newStub(t)
	m, _ := startStub(t, stub, 0)
	keys := newKeys(t, 2*maxItems+5)
	w, err := m.Wrap(keys...)
	if err != nil {
		t.Fatal(err)
	}
	old := wrappedOf(keys, w)
	checkOpens(t, m, keys, old)
	swapped := []WrappedKey{{keys[1].ID(), old[0].Bytes}}
	if _, err := m.Unwrap(swapped...); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("a wrapped key opened under another id: %v", err)
	}
	g := m.Generation()
	if err := m.Rotate(); err != nil {
		t.Fatal(err)
	}
	other, _ := startStub(t, stub, 0)
	if m.Generation() == g || !m.Rotating() || !other.Rotating() {
		t.Error("a rotation that was begun does not show, or not after a restart")
	}
	checkOpens(t, other, keys, old)
	if w, err = m.Wrap(keys...); err != nil {
		t.Fatal(err)
	}
	if err := m.DestroyOldKeys(); err != nil {
		t.Fatal(err)
	}
	last, _ := startStub(t, stub, 0)
	for _, m := range []*Program{m, last} {
		if m.Rotating() {
			t.Error("still rotating after the old keys are destroyed")
		}
		if _, err := m.Unwrap(old[3]); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("what the old master key wrapped still opens: %v", err)
		}
		checkOpens(t, m, keys, wrappedOf(keys, w))
	}
}

// TestProgramFaults has the program fail in every way at every kind of request. The request fails with an error of the
// right kind, or is repeated; afterwards everything works again, and no key is lost.
func TestProgramFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct {
		fault  vaulttest.Fault
		kind   error
		text   string
		unlike string // an operation that is not concerned
	}{
		{vaulttest.Dies, assay.ErrUnavailable, "it ended before it had answered (exit status 3)", ""},
		{vaulttest.DiesAfter, assay.ErrUnavailable, "it ended before it had answered (exit status 4)", ""},
		{vaulttest.Late, assay.ErrUnavailable, "did not answer in time", ""},
		{vaulttest.NoJSON, assay.ErrUnavailable, "not one line of JSON", ""},
		{vaulttest.Endless, assay.ErrUnavailable, "longer than 1048576 bytes", ""},
		{vaulttest.OtherID, assay.ErrUnavailable, "and was asked request", ""},
		{vaulttest.Refuses, assay.ErrUnavailable, "unlock it with its second card", ""},
		{vaulttest.TooFew, assay.ErrUnavailable, "it answers with 2", "rotate destroy"},
		{vaulttest.Unnamed, assay.ErrUnavailable, "names no master key", ""},
		{vaulttest.NoRotation, assay.ErrPrecondition, "asked for a new master key", "wrap unwrap destroy"},
		{vaulttest.KeepsOld, assay.ErrPrecondition, "asked to destroy all master keys but", "wrap unwrap rotate"},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			stub := newStub(t)
			m, _ := startStub(t, stub, 1500*time.Millisecond)
			keys := newKeys(t, 3)
			w, err := m.Wrap(keys...)
			if err != nil {
				t.Fatal(err)
			}
			old := wrappedOf(keys, w)
			ops := map[string]func() error{
				"wrap":    func() error { _, err := m.Wrap(keys...); return err },
				"unwrap":  func() error { _, err := m.Unwrap(old...); return err },
				"rotate":  m.Rotate,
				"destroy": m.DestroyOldKeys,
			}
			for _, op := range []string{"wrap", "unwrap", "rotate", "destroy"} {
				if strings.Contains(c.unlike, op) {
					continue
				}
				if op == "destroy" { // there must be something to destroy
					if err := m.Rotate(); err != nil {
						t.Fatal(err)
					}
					if w, err = m.Wrap(keys...); err != nil {
						t.Fatal(err)
					}
					old = wrappedOf(keys, w)
				}
				if err := stub.Fail(c.fault); err != nil {
					t.Fatal(err)
				}
				if err := ops[op](); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%s: %v", op, err)
				}
				if err := stub.Fail(""); err != nil {
					t.Fatal(err)
				}
				checkOpens(t, m, keys, old)
			}
			if err := m.DestroyOldKeys(); err != nil {
				t.Fatal(err)
			}
			if m.Rotating() {
				t.Error("still rotating")
			}
		})
	}
}

// TestProgramIsAskedAgain has the program fail once: nobody notices but for a rotation, which is not repeated.
func TestProgramIsAskedAgain(t *testing.T) {
	t.Parallel()
	stub := newStub(t)
	m, log := startStub(t, stub, 0)
	keys := newKeys(t, 3)
	for _, f := range []vaulttest.Fault{vaulttest.Dies, vaulttest.DiesAfter, vaulttest.NoJSON, vaulttest.Slow} {
		if err := stub.Fail(vaulttest.Once + f); err != nil {
			t.Fatal(err)
		}
		w, err := m.Wrap(keys...)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		checkOpens(t, m, keys, wrappedOf(keys, w))
	}
	if !strings.Contains(log.text(), "the device is gone") {
		t.Errorf("what it wrote to standard error is not in the log: %s", log.text())
	}
	g := m.Generation()
	if err := stub.Fail(vaulttest.Once + vaulttest.DiesAfter); err != nil {
		t.Fatal(err)
	}
	if err := m.Rotate(); !errors.Is(err, assay.ErrUnavailable) {
		t.Errorf("a rotation whose answer was lost: %v", err)
	}
	// The master key was made. The next answer says so, and a new rotation makes another.
	if _, err := m.Wrap(keys...); err != nil || m.Generation() == g || !m.Rotating() {
		t.Errorf("%v, generation %d after %d, rotating %v", err, m.Generation(), g, m.Rotating())
	}
	if err := m.Rotate(); err != nil {
		t.Fatal(err)
	}
	if name, older := m.master(); name != "master-3" || older != 2 {
		t.Errorf("%s is the newest of %d more, want master-3 of 2", name, older)
	}
}

// TestProgramIsTriedAtTheStart refuses a program that would lose or show keys before it is given one.
func TestProgramIsTriedAtTheStart(t *testing.T) {
	t.Parallel()
	for f, text := range map[vaulttest.Fault]string{
		vaulttest.Clear:     "in clear",
		vaulttest.Malleable: "encrypt with authentication",
		vaulttest.Dies:      "exit status 3",
		vaulttest.Refuses:   "second card",
		vaulttest.Unnamed:   "names no master key",
	} {
		stub := newStub(t)
		if err := stub.Fail(f); err != nil {
			t.Fatal(err)
		}
		_, err := StartProgram(ProgramConfig{Command: stub.Command(), Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", f, err)
		}
	}
	_, err := StartProgram(ProgramConfig{Command: []string{"/nonexistent/keys"}})
	if !errors.Is(err, assay.ErrUnavailable) || !strings.Contains(err.Error(), "cannot be started") {
		t.Errorf("a program that is not there: %v", err)
	}
	if _, err := StartProgram(ProgramConfig{}); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("no command: %v", err)
	}
}

// TestProgramFailsFast asks a program that has just failed to start: nobody waits for another start.
func TestProgramFailsFast(t *testing.T) {
	t.Parallel()
	stub := newStub(t)
	m, _ := startStub(t, stub, 0)
	m.cfg.restartPause = time.Hour
	keys := newKeys(t, 1)
	if err := stub.Fail(vaulttest.Dies); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Wrap(keys...); err == nil {
		t.Fatal("a dead program wraps")
	}
	started := m.started
	if err := stub.Fail(""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Wrap(keys...); !errors.Is(err, assay.ErrUnavailable) || m.started != started {
		t.Errorf("%v, started again %v", err, m.started != started)
	}
	m.cfg.restartPause = 0
	if _, err := m.Wrap(keys...); err != nil {
		t.Error(err)
	}
}

// TestProgramSharesRequests has many callers wrap and unwrap at once, with a program that is slow: they share requests,
// and each gets its own keys.
func TestProgramSharesRequests(t *testing.T) {
	t.Parallel()
	stub := newStub(t)
	m, log := startStub(t, stub, 0)
	if err := stub.Fail(vaulttest.Slow); err != nil {
		t.Fatal(err)
	}
	from := m.number
	var callers sync.WaitGroup
	errs := make(chan error, 600)
	for range 300 {
		callers.Go(func() {
			k, err := NewKey()
			if err != nil {
				errs <- err
				return
			}
			w, err := m.Wrap(k)
			if err == nil {
				var got []*Key
				if got, err = m.Unwrap(WrappedKey{k.ID(), w[0]}); err == nil && got[0].secret != k.secret {
					err = fmt.Errorf("another caller's key")
				}
			}
			errs <- err
		})
	}
	callers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := m.number - from; n > 60 { // 600 items
		t.Errorf("%d requests", n)
	}
	if err := stub.Fail(vaulttest.TalksMuch); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Wrap(newKeys(t, 1)...); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if text := log.text(); !strings.Contains(text, "line=one") || strings.Count(text, "yyyy") == 0 {
		t.Errorf("standard error: %.200s", text)
	}
	for line := range strings.Lines(log.text()) {
		if len(line) > maxLogLine+200 {
			t.Errorf("a line of %d bytes in the log", len(line))
		}
	}
	if _, err := m.Wrap(newKeys(t, 1)...); !errors.Is(err, assay.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// TestProgramEnds: a program that does not end with its standard input is killed; one whose old keys could come back is
// reported.
func TestProgramEnds(t *testing.T) {
	t.Parallel()
	stub := newStub(t)
	m, log := startStub(t, stub, 300*time.Millisecond)
	if err := stub.Fail(vaulttest.Recoverable); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Rotate(), m.DestroyOldKeys()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.text(), "could be brought back") {
		t.Errorf("the log says %s", log.text())
	}
	if err := stub.Fail(vaulttest.StaysAlive); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("Close: %v", err)
	}
}
