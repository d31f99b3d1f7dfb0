// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// eraserDir names, in a child's environment, the directory whose subjects it
// erases until it is killed.
const eraserDir = "ASSAY_JOURNAL_ERASER"

// erasedSubjects is the number of subjects to erase; each has the record with its
// number.
const erasedSubjects = 400

func erasureOf(i int) ErasureRequest {
	return ErasureRequest{Subject: fmt.Sprintf("subject-%d", i), Reason: "asked", Caller: "officer",
		RequestID: fmt.Sprintf("erase-%d", i), Body: assay.Sum("body\n", []byte{byte(i), byte(i >> 8)})}
}

// eraseForever erases one subject after the other, and prints each whose erasure was
// acknowledged.
func eraseForever(dir string) error {
	j, err := Open(context.Background(), dir, Config{Logger: slog.New(slog.DiscardHandler), Interval: time.Hour})
	if err != nil {
		return err
	}
	go func() {
		fmt.Println("started")
		for i := range erasedSubjects {
			r := erasureOf(i)
			if _, _, ok, _ := j.Lookup(r.Caller, r.RequestID); ok {
				continue
			}
			seq, _, err := j.DestroyKey(context.Background(), r)
			if err != nil || j.WaitErased(context.Background(), seq) != nil {
				return
			}
			fmt.Printf("erased %d\n", i)
		}
	}()
	return j.Run(context.Background())
}

// TestKillsWhileErasing kills a process that erases, at a random moment, again
// and again. After each kill every subject is either erased, with the one record
// that its request id leads to, or as it was; what was acknowledged is erased;
// and a start brings what was cut short to its end. ASSAY_KILLS sets how often.
func TestKillsWhileErasing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	for i := range uint64(erasedSubjects) {
		if _, err := j.Append(t.Context(), j.Take(), decision(i, fmt.Sprintf("subject-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, uint64(7+repetitions("ASSAY_SEED", 0))))
	erased := erasedUnderKills{}
	kills := repetitions("ASSAY_KILLS", 4)
	for range kills {
		erased.eraseUntilKilled(t, dir, time.Duration(rng.IntN(60_000))*time.Microsecond)
		erased.check(t, dir)
	}
	if _, err := Fsck(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
	t.Logf("%d kills: %d subjects erased, %d of them cut short and brought to their end by the next start",
		kills, len(erased.acked), erased.cutShort)
	t.Logf("COUNT erasure_kills %d", kills)
	t.Logf("COUNT erasure_kills_erased %d", len(erased.acked))
	t.Logf("COUNT erasure_kills_cut_short %d", erased.cutShort)
}

// erasedUnderKills is what is known of the erasures of killed processes.
type erasedUnderKills struct {
	acked    map[int]bool // subjects whose erasure was acknowledged, or finished by a start
	cutShort int          // erasures that a start finished
}

// eraseUntilKilled has a process erase subjects, and kills it a while after it
// has started.
func (e *erasedUnderKills) eraseUntilKilled(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run=^$")
	c.Env = append(os.Environ(), eraserDir+"="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if e.acked == nil {
		e.acked = map[int]bool{}
	}
	var kill *time.Timer
	for s := bufio.NewScanner(out); s.Scan(); {
		var i int
		if strings.HasPrefix(s.Text(), "started") {
			kill = time.AfterFunc(after, func() { _ = c.Process.Kill() })
		} else if _, err := fmt.Sscanf(s.Text(), "erased %d", &i); err == nil {
			e.acked[i] = true
		}
	}
	_ = c.Wait()
	if kill == nil {
		t.Fatal("the child did not start")
	}
	kill.Stop()
}

// check opens the directory: every subject is erased, with its record, or as it
// was, and what was cut short is brought to its end.
func (e *erasedUnderKills) check(t *testing.T, dir string) {
	t.Helper()
	j, stop := start(t, dir, Config{})
	newest := uint64(0)
	for i := range erasedSubjects {
		r := erasureOf(i)
		seq, body, ok, err := j.Lookup(r.Caller, r.RequestID)
		if err != nil || ok && body != r.Body {
			t.Fatalf("subject %d: lookup %v, body %s", i, err, body)
		}
		_, gerr := j.Get(uint64(i))
		if gone := errors.Is(gerr, vault.ErrErased); gone != ok {
			t.Fatalf("subject %d: erased %v (%v), and a record of it %v", i, gone, gerr, ok)
		}
		if e.acked[i] && !ok {
			t.Fatalf("subject %d was acknowledged as erased and is not", i)
		}
		if ok && !e.acked[i] {
			e.cutShort++
			e.acked[i] = true
		}
		if ok {
			newest = max(newest, seq)
		}
	}
	if len(e.acked) > 0 {
		if err := j.WaitErased(t.Context(), newest); err != nil || j.master.Rotating() {
			t.Fatalf("the erasure is not final after a start: %v, two master keys %v", err, j.master.Rotating())
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestErasureIsFinishedAtStart stops an erasure after each of its steps. The
// next start finishes it: the wrapped key that lies in the record files is
// opened by no master key that is left.
func TestErasureIsFinishedAtStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, step := range map[string]func(t *testing.T, j *Journal) error{
		"record durable": func(*testing.T, *Journal) error { return nil },
		"new master key": func(_ *testing.T, j *Journal) error { return j.master.Rotate() },
		"keys wrapped": func(t *testing.T, j *Journal) error {
			if err := j.master.Rotate(); err != nil {
				return err
			}
			_, err := j.store.Rewrap(t.Context())
			return err
		},
		"not by an older": func(t *testing.T, j *Journal) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j, stop := start(t, dir, Config{})
			add(t, j, 40, 1)
			if name == "not by an older" { // a rotation before the erasure does not make it final
				if err := j.RotateMaster(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s, err := j.store.Subject("subject-3")
			if err != nil {
				t.Fatal(err)
			}
			wrapped, err := j.master.Wrap(s.Key())
			if err != nil {
				t.Fatal(err)
			}
			seq, _, err := j.DestroyKey(t.Context(), erasureOf(3))
			if err == nil {
				err = step(t, j)
			}
			if err == nil {
				err = stop()
			}
			if err != nil {
				t.Fatal(err)
			}
			// An erasure that is not finished does not count as final.
			if m, err := vault.OpenMaster(dir+"/keys/master.json", nil); err != nil {
				t.Fatal(err)
			} else if _, err := m.Unwrap(vault.WrappedKey{ID: s.Key().ID(), Bytes: wrapped[0]}); err != nil {
				t.Fatalf("the copy does not open before the start: this test cannot fail: %v", err)
			}
			j, stop = start(t, dir, Config{})
			awaitFinal(t, j, seq) // nobody asks: the start does it
			if err := j.WaitErased(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
			if _, err := j.master.Unwrap(vault.WrappedKey{ID: s.Key().ID(), Bytes: wrapped[0]}); err == nil {
				t.Error("a master key that is left opens the copy of the erased key")
			}
			if got, _, ok, err := j.Lookup("officer", "erase-3"); !ok || err != nil || got != seq {
				t.Errorf("the request leads to record %d, %v, %v, want %d", got, ok, err, seq)
			}
			after := j.Stats().Durable
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			// Once it is final a start does nothing more.
			j, _ = start(t, dir, Config{})
			if len(j.erasures.kick) != 0 || j.Stats().Durable < after {
				t.Error("a start after the final one replaces the master key again")
			}
			if r, err := j.Get(seq); err != nil || r.Kind != ledger.Erasure || r.RequestID != "erase-3" {
				t.Errorf("the erasure's record: %+v, %v", r, err)
			}
		})
	}
}

// awaitFinal waits until the erasure in record seq is final, and asks for nothing.
func awaitFinal(t *testing.T, j *Journal, seq uint64) {
	t.Helper()
	for {
		j.erasures.mu.Lock()
		ended := j.erasures.passEnded
		j.erasures.mu.Unlock()
		if j.erasures.finalBelow.Load() > seq {
			return
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the start does not finish the erasure")
		}
	}
}

// TestEraseTwice asks for the erasure of a subject that is erased already: there
// is no key, and the journal stays one that fsck finds whole.
func TestEraseTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	add(t, j, 40, 2)
	if _, _, err := j.Erase(t.Context(), "subject-3", "asked"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := j.Erase(t.Context(), "subject-3", "asked again"); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("the second time: %v, want ErrNotFound", err)
	}
	seq := j.Take()
	if _, err := j.Append(t.Context(), seq, decision(seq, "subject-3")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := j.Erase(t.Context(), "subject-3", "came back, asked"); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := Fsck(t.Context(), dir, Config{}); err != nil {
		t.Errorf("fsck: %v", err)
	}
}
