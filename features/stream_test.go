// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
)

// scfPlan generates a world, and fits its plan on the first 60 % of the events.
func scfPlan(t testing.TB, cfg scf.Config) (*features.Plan, arrow.Record) {
	t.Helper()
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := features.EventTable(s, scf.New(cfg).Events())
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int, 6*rec.NumRows()/10)
	for i := range rows {
		rows[i] = i
	}
	p, r, err := features.Fit(context.Background(), s, rec, rows)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows == 0 || r.Rejected > 0 {
		t.Fatalf("fitted on %d rows, %d rejected", r.Rows, r.Rejected)
	}
	return p, rec
}

// streamEvents is how many events TestStreamOnlineEqualsOffline replays, fewer
// with -short. The full run is ASSAY_STREAM_EVENTS=1000000.
func streamEvents() int {
	if n, err := strconv.Atoi(os.Getenv("ASSAY_STREAM_EVENTS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 12_000
	}
	return 40_000
}

// TestStreamOnlineEqualsOffline replays a generated event stream both ways:
// offline as one table, online event by event, with restarts from a snapshot
// in between and a delivery that is out of order within the plan's lateness
// (and now and then beyond it). Every vector's digest must be the same.
func TestStreamOnlineEqualsOffline(t *testing.T) {
	t.Parallel()
	cfg := scf.Config{Seed: 11, Events: streamEvents()}
	p, _ := scfPlan(t, cfg)
	log := shuffledStream(cfg)
	rec, err := features.EventTable(p.Spec(), func(yield func(*assay.Event) bool) {
		for i := range log {
			if !yield(&log[i]) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	checkRowsAreEvents(t, p, rec, log)
	st, scored, restarts := p.NewState(), 0, 0
	dst := make([]float64, 0, len(m.Columns))
	for i := range log {
		ev := &log[i]
		if err := p.Validate(ev); err != nil {
			t.Fatalf("event %s: %v", ev.ID, err)
		}
		if ev.Kind == p.Event() {
			online, err := p.Vector(dst, ev, st)
			if err != nil {
				t.Fatal(err)
			}
			if !sameVector(t, p, online, m, scored) || m.Row[scored] != i {
				t.Fatalf("application %d (row %d)", scored, i)
			}
			scored++
		}
		if err := p.Observe(ev, st); err != nil {
			t.Fatal(err)
		}
		if (i+1)%(len(log)/7) == 0 {
			st = restarted(t, p, st)
			restarts++
		}
	}
	if scored != m.Rows || st.Late() == 0 {
		t.Errorf("%d vectors of %d, %d events late (want some)", scored, m.Rows, st.Late())
	}
	t.Logf("%d events, %d vectors equal, %d restarts, %d late, %d keys", len(log), scored,
		restarts, st.Late(), st.Keys())
}

// shuffledStream is a generated stream in which every 50th event is delivered
// late: by hours, and some by days.
func shuffledStream(cfg scf.Config) []assay.Event {
	var log []assay.Event
	for ev := range scf.New(cfg).Events() {
		c := *ev
		c.Entities, c.Fields = append([]assay.Entity{}, ev.Entities...), append([]assay.Field{}, ev.Fields...)
		log = append(log, c)
	}
	for i := 0; i+50 < len(log); i += 50 {
		j := i + 1 + (i/50)%49
		log[i], log[j] = log[j], log[i]
		if i%5000 == 0 && i >= 2000 {
			log[i].Time = log[i-2000].Time
		}
	}
	return log
}

// checkRowsAreEvents reads rows of the table as events again, which must be those
// of the log. It sorts the fields of these events in the plan's order.
func checkRowsAreEvents(t *testing.T, p *features.Plan, rec arrow.Record, log []assay.Event) {
	t.Helper()
	for i := 0; i < len(log); i += 101 {
		got, err := p.EventOf(rec, i, "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := got.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(log[i].Fields, func(x, y assay.Field) int { return place(p, x.Name) - place(p, y.Name) })
		b, err := log[i].MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("row %d is read as %+v, want %+v", i, got, log[i])
		}
	}
}

// sameVector reports whether a vector has the digest of a row of the matrix, and
// names the features that differ.
func sameVector(t *testing.T, p *features.Plan, online assay.Vector, m *features.Matrix, row int) bool {
	t.Helper()
	offline := assay.Vector{Plan: m.Plan}
	for _, c := range m.Columns {
		offline.Values = append(offline.Values, c[row])
	}
	if online.Digest() == offline.Digest() {
		return true
	}
	for j, f := range p.Features() {
		if math.Float64bits(online.Values[j]) != math.Float64bits(offline.Values[j]) {
			t.Errorf("%s: online %v, offline %v", f.Name, online.Values[j], offline.Values[j])
		}
	}
	return false
}

// restarted is the state as a restart from its snapshot gives it.
func restarted(t *testing.T, p *features.Plan, st *features.State) *features.State {
	t.Helper()
	b, err := st.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	st = p.NewState()
	if err := st.Restore(b); err != nil {
		t.Fatal(err)
	}
	return st
}

// place is a field's place in the plan.
func place(p *features.Plan, name string) int {
	return slices.IndexFunc(p.Fields(), func(f features.FieldInfo) bool { return f.Name == name })
}

// TestVectorWithWindowsDoesNotAllocate: in the steady state, the online path does not
// allocate, windows included.
func TestVectorWithWindowsDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector a pool gives things up at random, so allocations say nothing")
	}
	p, _ := scfPlan(t, scf.Config{Seed: 3, Events: 5000})
	st := p.NewState()
	var ev assay.Event
	for e := range scf.New(scf.Config{Seed: 3, Events: 5000}).Events() {
		if err := p.Observe(e, st); err != nil {
			t.Fatal(err)
		}
		if e.Kind == p.Event() {
			ev = *e
			ev.Entities, ev.Fields = append([]assay.Entity{}, e.Entities...), append([]assay.Field{}, e.Fields...)
		}
	}
	dst := make([]float64, 0, 64)
	if n := testing.AllocsPerRun(200, func() {
		ev.Time = ev.Time.Add(time.Minute)
		if _, err := p.Vector(dst, &ev, st); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a vector, want 0", n)
	}
}

// TestLabels computes labels from default events, and compares them with what
// the generator drew.
func TestLabels(t *testing.T) {
	t.Parallel()
	cfg := scf.Config{Seed: 5, Events: 30_000}
	p, rec := scfPlan(t, cfg)
	rows, labels, open, err := features.ReadLabels(p.Spec(), rec)
	if err != nil {
		t.Fatal(err)
	}
	times, err := features.ScoredTimes(p.Spec(), rec)
	if err != nil || len(times) != len(labels) || len(rows) != len(labels) {
		t.Fatalf("%d labels, %d rows, %d times, %v", len(labels), len(rows), len(times), err)
	}
	w := scf.New(cfg)
	for range w.Events() {
	}
	truths, closed, wrong := w.Truths(), 0, 0
	if len(truths) != len(labels) {
		t.Fatalf("%d labels, %d applications", len(labels), len(truths))
	}
	for i, y := range labels {
		if times[i] != truths[i].Micros {
			t.Fatalf("label %d: time %d, want %d", i, times[i], truths[i].Micros)
		}
		if y != y {
			continue
		}
		closed++
		if (y == 1) != truths[i].Default {
			wrong++
		}
	}
	if closed+open != len(labels) || open == 0 || closed == 0 || wrong > 0 {
		t.Errorf("%d labels known, %d open, %d wrong of %d", closed, open, wrong, len(labels))
	}
}

// TestStateRefusesForeignSnapshots gives a state damaged bytes and those of
// another plan.
func TestStateRefusesForeignSnapshots(t *testing.T) {
	t.Parallel()
	p, rec := scfPlan(t, scf.Config{Seed: 3, Events: 3000})
	other, _, err := features.Fit(context.Background(), p.Spec(), rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.NewState().Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.NewState().Restore(b); err == nil {
		t.Error("the snapshot of another plan was restored")
	}
	for i := range b {
		bad := append([]byte{}, b...)
		bad[i] ^= 1
		if err := p.NewState().Restore(bad); err == nil {
			t.Fatalf("a snapshot with bit 0 of byte %d flipped was restored", i)
		}
	}
	old := bytes.Replace(b, []byte("assay/windows/v2\n"), []byte("assay/windows/v1\n"), 1)
	if err := p.NewState().Restore(old); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("a snapshot of version 1: %v, want assay.ErrPrecondition: its owner replays", err)
	}
	if _, err := p.Vector(nil, &assay.Event{Kind: p.Event()}, nil); err == nil {
		t.Error("a plan with windows made a vector without a state")
	}
}
