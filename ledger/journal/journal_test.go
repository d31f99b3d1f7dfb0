// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// start opens a journal and runs it until the test's end or until stop.
func start(t testing.TB, dir string, cfg Config) (j *Journal, stop func() error) {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Interval == 0 {
		cfg.Interval = 100 * time.Millisecond
	}
	j, err := Open(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, j.Close())
	})
	t.Cleanup(func() { _ = stop() })
	return j, stop
}

// decision makes a record whose decision and vector agree with its leaf.
func decision(seq uint64, subject string) *Record {
	x := assay.Vector{Plan: assay.Sum("plan\n"), Values: []float64{float64(seq), 0.5, 3}}
	d := assay.Decision{
		Version: 1, Sequence: seq, RequestID: fmt.Sprintf("request-%d", seq), EventID: fmt.Sprintf("event-%d", seq),
		Micros: 1_700_000_000_000_000 + int64(seq), Outcome: assay.Approve,
		Score: assay.Score{Model: assay.Sum("model\n"), Margin: -1.5, PD: 0.18, Points: 612, Grade: "B"},
		Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(),
	}
	db, err := d.MarshalBinary()
	if err != nil {
		panic(err)
	}
	r := &Record{
		Kind: ledger.Decision, Micros: d.Micros, Subject: subject, Caller: "bank", RequestID: d.RequestID,
		Body: assay.Sum("body\n", []byte(d.RequestID)), Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
		Decision: db, Vector: x.AppendBinary(nil), Private: []byte("event of " + subject),
	}
	if seq%2 == 0 {
		r.Business = []byte("what is not personal of the event")
	}
	return r
}

// add appends n decisions over workers goroutines and returns their promises.
func add(t testing.TB, j *Journal, n, workers int) map[uint64]ledger.Promise {
	t.Helper()
	var mu sync.Mutex
	out := make(map[uint64]ledger.Promise)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				seq := j.Take()
				p, err := j.Append(t.Context(), seq, decision(seq, fmt.Sprintf("subject-%d", seq%17)))
				if err != nil {
					t.Errorf("append %d: %v", seq, err)
					return
				}
				mu.Lock()
				out[seq] = p
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out
}

func TestJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	key, err := ledger.ParseKey(j.Key())
	if err != nil {
		t.Fatal(err)
	}
	promises := add(t, j, 700, 16)
	for seq, p := range promises {
		if err := p.Verify(key); err != nil || p.Sequence != seq {
			t.Fatalf("promise %d: sequence %d, %v", seq, p.Sequence, err)
		}
	}
	if err := j.WaitPublished(t.Context(), 700); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{0, 1, 255, 256, 511, 699} {
		r, err := j.Receipt(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		fs := ledger.Verify(r, ledger.Trust{LogKey: j.Key()})
		if !ledger.OK(fs) || len(fs) != 6 {
			t.Fatalf("receipt %d: %v", seq, fs)
		}
		p := promises[seq]
		if b, _ := p.MarshalBinary(); string(b) != string(r.Promise) {
			t.Fatalf("receipt %d carries another promise than the reply", seq)
		}
	}
	seq, body, ok, err := j.Lookup("bank", "request-5")
	if want := decision(5, ""); seq != 5 || body != want.Body || !ok || err != nil {
		t.Fatalf("lookup: %d %v %v %v", seq, body, ok, err)
	}
	if _, _, ok, err := j.Lookup("shop", "request-5"); ok || err != nil {
		t.Fatalf("another caller's request was found: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	// After a restart everything is there, and numbers and the log continue.
	j, stop = start(t, dir, Config{})
	if n := j.Stats().Durable; n != 700 {
		t.Fatalf("%d records after the restart, want 700", n)
	}
	if _, size := j.Checkpoint(); size != 700 {
		t.Fatalf("size %d is published after the restart, want 700", size)
	}
	more := add(t, j, 50, 4)
	if _, ok := more[700]; !ok {
		t.Fatal("number 700 was not the next")
	}
	if err := j.WaitPublished(t.Context(), 750); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := j.Scan(0, 750, func(seq uint64, r *Record, err error) error {
		if err != nil || r.RequestID != fmt.Sprintf("request-%d", seq) {
			return fmt.Errorf("record %d is of %q: %w", seq, r.RequestID, err)
		}
		n++
		return nil
	}); err != nil || n != 750 {
		t.Fatalf("scan: %d records, %v", n, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestAppendedForms: records with tags that were made before, many records at once,
// and reports.
func TestAppendedForms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	key, err := ledger.ParseKey(j.Key())
	if err != nil {
		t.Fatal(err)
	}
	seq := j.Take()
	r := decision(seq, "s")
	r.Tag = j.Tag(r.Caller, r.RequestID)
	p, err := j.Append(t.Context(), seq, r)
	if err != nil || p.Verify(key) != nil || p.Sequence != seq {
		t.Fatalf("the promise: %+v, %v", p, err)
	}
	if h, err := j.LeafHash(seq); err != nil || h != p.LeafHash {
		t.Errorf("leaf hash %v, %v", h, err)
	}
	if got, body, ok, err := j.LookupTag(r.Tag, r.Caller, r.RequestID); got != seq ||
		body != r.Body || !ok || err != nil {
		t.Errorf("looked up by tag: %d %v %v", got, ok, err)
	}
	var seqs []uint64
	var recs []*Record
	for range 100 {
		s := j.Take()
		seqs, recs = append(seqs, s), append(recs, decision(s, "s"))
	}
	recs[50].Private = make([]byte, MaxPartBytes+1)
	ps, err := j.AppendAll(t.Context(), seqs, recs)
	if !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("one of a hundred is too large: %v", err)
	}
	for i, p := range ps {
		if (p.Verify(key) == nil) != (i != 50) {
			t.Errorf("promise %d of a hundred: %+v", i, p)
		}
	}
	if _, err := j.AppendAll(t.Context(), []uint64{3}, recs[:1]); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a number that was appended before: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	note := ReportNote{Report: assay.Sum("report"), Rows: 1000, Name: "report.html"}
	var at uint64
	if err := With(t.Context(), dir, Config{Logger: j.cfg.Logger}, func(j *Journal) error {
		if _, _, err := j.AppendReport(t.Context(), ReportNote{}, assay.Digest{}, assay.Digest{}); !errors.Is(err,
			assay.ErrInvalid) {
			t.Errorf("a report without a digest: %v", err)
		}
		var err error
		at, _, err = j.AppendReport(t.Context(), note, assay.Sum("model"), assay.Sum("plan"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	j, _ = start(t, dir, Config{})
	got, err := j.Get(at)
	if err != nil || got.Kind != ledger.Report || got.Model != assay.Sum("model") {
		t.Fatalf("the report's record: %+v, %v", got, err)
	}
	var back ReportNote
	if err := assay.UnmarshalCBOR(got.Decision, &back); err != nil || back.Report != note.Report || back.Version != 1 {
		t.Fatalf("%+v, %v", back, err)
	}
}

func TestAppendOutOfOrder(t *testing.T) {
	t.Parallel()
	j, _ := start(t, t.TempDir(), Config{})
	const n = 8
	for range n {
		j.Take()
	}
	var wg sync.WaitGroup
	for i := n - 1; i >= 0; i-- {
		wg.Go(func() {
			if _, err := j.Append(t.Context(), uint64(i), decision(uint64(i), "s")); err != nil {
				t.Error(err)
			}
		})
		for j.ring[i].Load() == nil && j.Stats().Durable == 0 { // until the writer could take it
			runtime.Gosched()
		}
		if i > 0 && j.Stats().Durable != 0 {
			t.Fatalf("record %d became durable before record 0", i)
		}
	}
	wg.Wait()
	if got := j.Stats().Durable; got != n {
		t.Fatalf("%d durable, want %d", got, n)
	}
	if _, err := j.Append(t.Context(), 3, decision(3, "s")); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a number was appended twice: %v", err)
	}
	if _, err := j.Append(t.Context(), 99, decision(99, "s")); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a number was appended that nobody took: %v", err)
	}
}

func TestRefusedRecordLeavesAFailedOne(t *testing.T) {
	t.Parallel()
	j, _ := start(t, t.TempDir(), Config{})
	r := decision(0, "s")
	r.Private = make([]byte, MaxPartBytes+1)
	if _, err := j.Append(t.Context(), j.Take(), r); !errors.Is(err, assay.ErrInvalid) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	got, err := j.Get(0)
	if err != nil || got.Kind != ledger.Failed {
		t.Fatalf("record 0 is %+v, %v; want a failed one", got, err)
	}
}

func TestErasedSubjectStaysErased(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		testErasedSubject(t, func() Config { return Config{} })
	})
	t.Run("program", func(t *testing.T) {
		t.Parallel()
		stub := newStub(t)
		testErasedSubject(t, func() Config { return Config{Keys: startStub(t, stub)} })
	})
}

// testErasedSubject has another Config at each start.
func testErasedSubject(t *testing.T, config func() Config) {
	dir := t.TempDir()
	j, stop := start(t, dir, config())
	add(t, j, 100, 4) // subjects 0 to 16
	if err := j.WaitPublished(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	before, err := j.Receipt(t.Context(), 20) // subject-3
	if err != nil {
		t.Fatal(err)
	}
	seq, p, err := j.Erase(t.Context(), "subject-3", "asked by the subject")
	if err != nil {
		t.Fatal(err)
	}
	if p.Sequence != seq || seq != 100 {
		t.Fatalf("the erasure is record %d, promised as %d", seq, p.Sequence)
	}
	check := func(j *Journal) {
		t.Helper()
		r, err := j.Get(20)
		if !errors.Is(err, vault.ErrErased) || r == nil || r.Kind != ledger.Decision || r.Decision != nil {
			t.Fatalf("erased record: %+v, %v", r, err)
		}
		if _, err := j.Get(21); err != nil {
			t.Fatalf("another subject's record: %v", err)
		}
		if _, _, ok, err := j.Lookup("bank", "request-20"); !ok || !errors.Is(err, vault.ErrErased) {
			t.Fatalf("lookup of an erased request: %v %v", ok, err)
		}
		if fs := ledger.Verify(before, ledger.Trust{LogKey: j.Key()}); !ledger.OK(fs) {
			t.Fatalf("the old receipt no longer verifies: %v", fs)
		}
	}
	check(j)
	// The subject comes back: a new key, and the old records stay erased.
	again := j.Take()
	if _, err := j.Append(t.Context(), again, decision(again, "subject-3")); err != nil {
		t.Fatal(err)
	}
	if r, err := j.Get(again); err != nil || r.Subject != "subject-3" {
		t.Fatalf("the new record: %+v, %v", r, err)
	}
	check(j)
	if _, _, err := j.Erase(t.Context(), "nobody", ""); !errors.Is(err, assay.ErrNotFound) {
		t.Fatalf("erasing nobody: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	j, stop = start(t, dir, config())
	check(j)
	if r, err := j.Get(again); err != nil || r.Subject != "subject-3" {
		t.Fatalf("the new record after a restart: %+v, %v", r, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.Logger = slog.New(slog.DiscardHandler)
	// The erased one came back; one more is the system's.
	if rep, err := Fsck(t.Context(), dir, cfg); err != nil || rep.Keys != 17+1 {
		t.Errorf("fsck: %+v, %v", rep, err)
	}
}
