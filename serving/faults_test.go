// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
)

// failing is a disk on which nothing can be written while broken, in files whose
// path holds where. What is full can still be removed from.
func failing(disk vfs.FS, broken *atomic.Bool, where string, why error) vfs.FS {
	return errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpRemove:
			if errors.Is(why, syscall.ENOSPC) {
				return nil
			}
		case errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData,
			errorfs.OpCreate, errorfs.OpRename:
		default:
			return nil
		}
		if broken.Load() && strings.Contains(op.Path, where) {
			return why
		}
		return nil
	}))
}

// TestBrokenDisk: when the disk is full or read-only, callers read UNAVAILABLE
// (ask again, same id), the server is not ready, and after a restart on a disk
// that works every acknowledged decision is there, and the id that got no answer
// is scored once.
func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]error{"full": syscall.ENOSPC, "read-only": syscall.EROFS} {
		t.Run(name, func(t *testing.T) {
			var broken atomic.Bool
			mem, dir := vfs.NewCrashableMem(), t.TempDir()
			n := startOn(t, dir, failing(mem, &broken, "", why), Config{}, true)
			acked, err := n.client.Score(t.Context(), "before", application("before", 10, 600))
			if err != nil {
				t.Fatal(err)
			}
			broken.Store(true)
			once := n.dial(assayclient.Config{LogKey: n.journal.Key(), Attempts: 1})
			for i := range 3 { // the first finds out, the others are not taken any more
				if _, err := once.Score(t.Context(), "during", application("during", 10, 600)); status.Code(err) !=
					codes.Unavailable || has(err, "disk") || has(err, why.Error()) {
					t.Errorf("call %d on a %s disk: %v, want UNAVAILABLE and nothing of why", i, name, err)
				}
			}
			if err := n.server.ready(); !errors.Is(err, assay.ErrUnavailable) {
				t.Errorf("ready says %v", err)
			}
			n.stop()
			broken.Store(false)
			n = startOn(t, dir, mem.CrashClone(vfs.CrashCloneCfg{}), Config{}, false)
			for id, want := range map[string]bool{"before": true, "during": false} {
				d, err := n.client.Score(t.Context(), id, application(id, 10, 600))
				if err != nil {
					t.Fatal(err)
				}
				if want && (!d.Repeated || d.Sequence != acked.Sequence) {
					t.Errorf("%q: %+v, want the decision %d again", id, d, acked.Sequence)
				}
				again, err := n.client.Score(t.Context(), id, application(id, 10, 600))
				if err != nil || again.Sequence != d.Sequence {
					t.Errorf("%q is scored twice: %v, %v", id, again, err)
				}
			}
		})
	}
}

// TestClockJumps: the clock of the machine goes back by a day and ahead by a
// year. Sequence numbers go on, ids stay known, decisions carry the later of the
// clock and the time of the record before, and only events that lie ahead of that
// are refused.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	var at atomic.Int64
	set := func(t time.Time) { at.Store(t.UnixMicro()) }
	noon := start2026.Add(36 * time.Hour)
	set(noon)
	n := start(t, t.TempDir(), Config{Now: func() time.Time { return time.UnixMicro(at.Load()) }, RatePerSecond: 1000})
	score := func(id string, when time.Time) (*assayclient.Decision, error) {
		e := application(id, 10, 600)
		e.Time = when
		return n.client.Score(t.Context(), id, e)
	}
	first, err := score("first", noon)
	if err != nil {
		t.Fatal(err)
	}
	last := first.Sequence
	day, year := 24*time.Hour, 365*24*time.Hour
	for i, c := range []struct{ jump, recorded time.Duration }{{-day, 0}, {year, year - day}, {-year, year - day}} {
		now, recorded := time.UnixMicro(at.Load()).Add(c.jump), noon.Add(c.recorded)
		set(now)
		d, err := score(fmt.Sprint("jump-", i), now)
		if err != nil {
			t.Fatalf("after a jump of %v: %v", c.jump, err)
		}
		if d.Sequence <= last || d.Micros != recorded.UnixMicro() {
			t.Errorf("after a jump of %v: decision %d at %v, want a number over %d at %v", c.jump, d.Sequence,
				time.UnixMicro(d.Micros), last, recorded)
		}
		last = d.Sequence
		if _, err := score(fmt.Sprint("ahead-", i), recorded.Add(6*time.Minute)); status.Code(err) !=
			codes.InvalidArgument || !has(err, "time") {
			t.Errorf("an event ahead of the clock: %v, want INVALID_ARGUMENT about time", err)
		}
		if again, err := score("first", noon); err != nil || again.Sequence != first.Sequence || !again.Repeated {
			t.Errorf("the first request after a jump of %v: %+v, %v", c.jump, again, err)
		}
	}
}
