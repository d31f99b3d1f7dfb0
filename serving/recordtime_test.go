// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// jumpyClock is a clock that goes ahead by a millisecond a reading, and that is
// wrong by up to ten minutes either way at each.
type jumpyClock struct {
	from     time.Time
	readings atomic.Int64
}

func (c *jumpyClock) now() time.Time {
	n := c.readings.Add(1)
	jump := rand.New(rand.NewPCG(1, uint64(n))).Int64N(int64(20 * time.Minute))
	return c.from.Add(time.Duration(n)*time.Millisecond + time.Duration(jump) - 10*time.Minute)
}

// TestRecordTimesNeverGoBack: by a clock that jumps back and forth, records of
// every kind that many callers make at once have times in the order of their
// numbers, and so have those after a restart with a clock that is a day behind.
func TestRecordTimesNeverGoBack(t *testing.T) {
	t.Parallel()
	dir, clock := t.TempDir(), &jumpyClock{from: start2026.Add(48 * time.Hour)}
	cfg := challenged(t)
	cfg.Now = clock.now
	n := start(t, dir, cfg)
	if _, err := pb.NewAdminClient(n.client.Conn()).SetShadow(t.Context(),
		&pb.SetShadowRequest{RequestId: "shadow", Bundles: []string{"challenger"}}); err != nil {
		t.Fatal(err)
	}
	n.recordEverything(8, 12)
	newest := n.checkTimes(ledger.Decision, ledger.Event, ledger.Activation, ledger.Policy, ledger.Erasure,
		ledger.KeyRotation, ledger.Report, ledger.Shadow)
	n.stop()

	behind := newest.Add(-24 * time.Hour)
	cfg.Now = func() time.Time { return behind }
	n = start(t, dir, cfg)
	d, err := n.client.Score(t.Context(), "behind", application("behind", 10, 600))
	if err != nil || d.Micros != newest.UnixMicro() {
		t.Errorf("a decision by a clock that is a day behind: %+v, %v, want the time %v", d, err, newest)
	}
	n.checkTimes()
}

// recordEverything has callers make records by all calls that do, so many times each.
func (n *node) recordEverything(callers, times int) {
	adm := pb.NewAdminClient(n.client.Conn())
	report := assay.Sum("report")
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range times {
				id := fmt.Sprintf("%d-%d-", c, i)
				_, err := n.client.Score(n.t.Context(), id+"a", application(id+"a", 10, 600))
				if err == nil {
					_, err = n.client.Record(n.t.Context(), id+"b", application(id+"b", 10, 600))
				}
				var rows []assayclient.Request
				for r := range 40 {
					ev := application(fmt.Sprint(id, r), 10, 600)
					rows = append(rows, assayclient.Request{ID: ev.ID, Event: ev})
				}
				if err == nil {
					_, err = n.client.ScoreBatch(n.t.Context(), rows)
				}
				who := rows[0].Event.Entities[0]
				if err == nil && c == 0 {
					_, err = adm.EraseSubject(n.t.Context(),
						&pb.EraseSubjectRequest{RequestId: id + "c", Role: who.Role, Id: who.ID})
				}
				if err == nil && c == 1 {
					_, err = adm.RecordReport(n.t.Context(),
						&pb.RecordReportRequest{RequestId: id + "d", ReportDigest: report[:], Name: "r"})
				}
				if err == nil && c == 2 {
					_, err = adm.SetPolicy(n.t.Context(), &pb.SetPolicyRequest{RequestId: id + "e",
						Yaml: []byte(strings.Replace(strict, "strict", fmt.Sprint("strict", i), 1))})
				}
				if err != nil {
					n.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// checkTimes checks that the times of all records are in the order of their
// numbers, and that kinds are among them. It returns the newest.
func (n *node) checkTimes(kinds ...ledger.Kind) (newest time.Time) {
	n.t.Helper()
	seen, last := map[ledger.Kind]bool{}, int64(0)
	err := n.journal.Scan(0, n.journal.Stats().Taken, func(seq uint64, r *journal.Record, _ error) error {
		if r.Micros < last {
			n.t.Errorf("record %d, of kind %s, is from %v, and the one before it from %v", seq, r.Kind,
				time.UnixMicro(r.Micros), time.UnixMicro(last))
		}
		seen[r.Kind], last = true, r.Micros
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, k := range kinds {
		if !seen[k] {
			n.t.Errorf("no record is of kind %s", k)
		}
	}
	return time.UnixMicro(last)
}
