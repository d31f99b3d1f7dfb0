// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

const latePlan = `
version: 1
name: late
time: at
entities: [buyer]
LATENESS
fields:
  - {name: amount, on: [application, payment]}
  - {name: income}
windows:
  - {name: paid, key: [buyer], on: [payment], length: 90d}
  - {name: big, key: [buyer], on: [payment], value: amount, where: {field: amount, above: 50}, length: all}
  - {name: asked, key: [buyer], on: [application], length: 90d}
features:
  - {name: payments, kernel: count, window: paid}
  - {name: big_sum, kernel: window_sum, window: big}
  - {name: asked, kernel: count, window: asked}
`

// lateClients are the numbers of callers of TestLateIsTold; the full run is
// ASSAY_LATE_CLIENTS=8,64,512.
func lateClients(t *testing.T) (out []int) {
	for s := range strings.SplitSeq(cmp.Or(os.Getenv("ASSAY_LATE_CLIENTS"), "8,64"), ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("ASSAY_LATE_CLIENTS: %q is no number of clients", s)
		}
		out = append(out, n)
	}
	return out
}

// told is an event and the answer that its caller got.
type told struct {
	id      string
	event   *assay.Event
	seq     uint64
	behind  time.Duration
	windows []string
}

// TestLateIsTold lets callers whose clocks are off by up to a minute, either way,
// send facts and applications at once. In the order in which the server sequenced
// them, an event is late when it lies behind the greatest time before it by more than
// the plan's lateness. Every answer must say exactly that, and so must the answers to
// repeated requests, now and after a restart.
func TestLateIsTold(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	for _, clients := range lateClients(t) {
		for _, declared := range []string{"", "lateness: 20s"} {
			t.Run(fmt.Sprintf("%d clients, %s", clients, cmp.Or(declared, "default")), func(t *testing.T) {
				allowed := 20 * time.Second
				if declared == "" {
					allowed = 10 * time.Minute
				}
				testLate(t, clients, declared, allowed)
			})
		}
	}
}

func testLate(t *testing.T, clients int, declared string, allowed time.Duration) {
	dir, cfg := t.TempDir(), Config{Bundle: bundle(t, strings.Replace(latePlan, "LATENESS", declared, 1), "late", 0)}
	n := start(t, dir, cfg)
	all := n.sendOff(clients, max(10, 800/clients))
	slices.SortFunc(all, func(a, b told) int { return cmp.Compare(a.seq, b.seq) })
	var mark time.Time
	late, counts := 0, map[string]float64{}
	for i := range all {
		x := &all[i]
		if x.event.Time.After(mark) {
			mark = x.event.Time
		}
		var feeds []string
		amount := x.event.Fields[0].Value.Number()
		switch {
		case x.event.Kind == "application":
			feeds = []string{"asked"}
		case amount > 50:
			feeds = []string{"paid", "big"}
		default:
			feeds = []string{"paid"}
		}
		behind := mark.Sub(x.event.Time)
		if behind <= allowed {
			for _, w := range feeds {
				counts[w]++
			}
			counts["sum"] += map[bool]float64{true: amount}[len(feeds) == 2]
			feeds, behind = nil, 0
		} else {
			late++
		}
		if x.behind != behind || !slices.Equal(x.windows, feeds) {
			t.Errorf("record %d (%s) is late by %s for %q, want %s for %q", x.seq, x.event.Kind, x.behind,
				x.windows, behind, feeds)
		}
	}
	if (late == 0) != (declared == "") {
		t.Errorf("%d of %d events are late with %q", late, len(all), declared)
	}
	look := application("look", 1, 1)
	look.Time, look.Fields = mark, look.Fields[:1]
	for range 2 {
		n.wantLate(all, late, counts, look)
		n.stop()
		n = start(t, dir, cfg)
	}
}

// sendOff lets each of several callers, whose clocks are off by up to a minute,
// send events in every way that there is.
func (n *node) sendOff(clients, each int) []told {
	n.t.Helper()
	var mu sync.Mutex
	var all []told
	var callers sync.WaitGroup
	for c := range clients {
		callers.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(c)))
			off := time.Duration(rng.Int64N(int64(2*time.Minute))) - time.Minute
			for i := range each {
				id := fmt.Sprintf("%d-%d", c, i)
				ev := application(id, float64(rng.IntN(100)), 1)
				ev.Fields = ev.Fields[:1]
				ev.Time = start2026.Add(time.Duration(i)*time.Second + off).Truncate(time.Microsecond)
				if rng.IntN(4) > 0 {
					ev.Kind = "payment"
				}
				x, err := n.tell(id, ev, rng.IntN(2) == 0)
				if err != nil {
					n.t.Errorf("event %s: %v", id, err)
					return
				}
				mu.Lock()
				all = append(all, x)
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	return all
}

// tell sends one event by its own call or as a batch, and returns what was
// said of it.
func (n *node) tell(id string, ev *assay.Event, batch bool) (told, error) {
	row := []assayclient.Request{{ID: id, Event: ev}}
	if ev.Kind == "application" {
		var d *assayclient.Decision
		var err error
		if batch {
			var rows []assayclient.Row
			if rows, err = n.client.ScoreBatch(n.t.Context(), row); err == nil {
				d, err = rows[0].Decision, rows[0].Err
			}
		} else {
			d, err = n.client.Score(n.t.Context(), id, ev)
		}
		if err != nil {
			return told{}, err
		}
		return told{id, ev, d.Sequence, d.Response.LateBy.AsDuration(), d.Response.LateWindows}, nil
	}
	var r *assayclient.Recorded
	var err error
	if batch {
		var rows []assayclient.RecordedRow
		if rows, err = n.client.RecordBatch(n.t.Context(), row); err == nil {
			r, err = rows[0].Recorded, rows[0].Err
		}
	} else {
		r, err = n.client.Record(n.t.Context(), id, ev)
	}
	if err != nil {
		return told{}, err
	}
	return told{id, ev, r.Sequence, r.LateBy, r.LateWindows}, nil
}

// wantLate sends the events again and expects the same answers, and compares the
// windows and GetStatus with the test's own counts.
func (n *node) wantLate(all []told, late int, counts map[string]float64, look *assay.Event) {
	n.t.Helper()
	for i := 0; i < len(all); i += 7 {
		x, err := n.tell(all[i].id, all[i].event, i%2 == 0)
		if err != nil || x.seq != all[i].seq || x.behind != all[i].behind || !slices.Equal(x.windows, all[i].windows) {
			n.t.Errorf("asked again: %+v, %v, want %+v", x, err, all[i])
		}
	}
	e, err := pb.NewScoringClient(n.client.Conn()).Explain(n.t.Context(),
		&pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: wire.Event(look)}})
	if err != nil {
		n.t.Fatal(err)
	}
	for i, want := range []float64{counts["paid"], counts["sum"], counts["asked"]} {
		if got := e.Contributions[i].GetValue(); got != want {
			n.t.Errorf("%s is %v, want %v", e.Contributions[i].Feature, got, want)
		}
	}
	st, err := pb.NewAdminClient(n.client.Conn()).GetStatus(n.t.Context(), &pb.GetStatusRequest{})
	if err != nil || st.LateEvents != uint64(late) || len(st.Windows) != 3 {
		n.t.Fatalf("GetStatus says %d late events in %d windows, %v, want %d", st.GetLateEvents(),
			len(st.GetWindows()), err, late)
	}
	for _, w := range st.Windows {
		missed := uint64(0)
		for i := range all {
			if slices.Contains(all[i].windows, w.Window) {
				missed++
			}
		}
		if w.Late != missed || w.Fed != uint64(counts[w.Window]) {
			n.t.Errorf("GetStatus: window %s counts %d and misses %d, want %v and %d", w.Window, w.Fed, w.Late,
				counts[w.Window], missed)
		}
	}
}

// TestLateIsLogged: the metrics count late events by kind and window, and the
// log says them once.
func TestLateIsLogged(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	n := start(t, t.TempDir(),
		Config{Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Bundle: bundle(t, strings.Replace(latePlan, "LATENESS", "lateness: 1m", 1), "late", 0)})
	at := func(id, kind string, amount float64, at time.Duration) {
		ev := application(id, amount, 1)
		ev.Kind, ev.Time, ev.Fields = kind, start2026.Add(at), ev.Fields[:1]
		if _, err := n.tell(id, ev, false); err != nil {
			t.Fatal(err)
		}
	}
	at("newest", "payment", 60, time.Hour)
	at("edge", "payment", 60, 59*time.Minute)
	at("late", "payment", 60, 59*time.Minute-time.Microsecond)
	at("late and small", "payment", 5, 0)
	at("late application", "application", 5, 0)
	w := httptest.NewRecorder()
	n.server.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`assay_late_events_total{kind="payment"} 2`, `assay_late_events_total{kind="application"} 1`,
		`assay_window_late_events_total{kind="payment",window="paid"} 2`,
		`assay_window_late_events_total{kind="payment",window="big"} 1`,
		`assay_window_late_events_total{kind="application",window="asked"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	n.stop() // what is left unsaid is said
	if got := strings.Count(log.String(), "later than the plan's lateness"); got != 3 {
		t.Errorf("%d lines, want 3:\n%s", got, log.String())
	}
}
