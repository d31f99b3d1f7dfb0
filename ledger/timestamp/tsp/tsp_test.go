// SPDX-License-Identifier: Apache-2.0

package tsp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
)

// answering answers every request the same.
func answering(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// TestKeeper stamps checkpoints at an authority that fails in the ways in which
// servers fail: whatever happens, only a token that verifies is kept, and a later
// attempt makes up for a failed one.
func TestKeeper(t *testing.T) {
	t.Parallel()
	a, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, tt := range []struct {
		name  string
		fault http.Handler
		says  string // "" if a token must be kept
	}{
		{"none", a, ""},
		{"503 twice", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls++; calls%3 != 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			a.ServeHTTP(w, r)
		}), ""},
		{"503 for all", answering(503, "", ""), "503"},
		{"400", answering(400, "", ""), "400"},
		{"a page of HTML", answering(200, "text/html", "<html>"), "text/html"},
		{"not DER", answering(200, "application/timestamp-reply", "no"), "TimeStampResp"},
		{"too long",
			answering(200, "application/timestamp-reply", strings.Repeat("x", timestamp.MaxResponseBytes+1)),
			"larger than"},
		{"status 2", answering(200, "application/timestamp-reply", "\x30\x05\x30\x03\x02\x01\x02"), "status 2"},
		{"another authority", stranger, "not trusted"},
		{"connection cut", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		}), "attempts"},
	} {
		t.Run(tt.name, func(t *testing.T) { stampThrough(t, a, tt.fault, tt.says) })
	}
}

// stampThrough has a keeper stamp during a fault of its authority a, and after it.
func stampThrough(t *testing.T, a *timestamptest.Authority, fault http.Handler, says string) {
	t.Helper()
	var handler atomic.Value // an http.HandlerFunc
	answerWith := func(h http.Handler) { handler.Store(http.HandlerFunc(h.ServeHTTP)) }
	answerWith(fault)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.Load().(http.HandlerFunc)(w, r)
	}))
	defer s.Close()
	trust := timestamp.Trust{Certificates: [][]byte{a.CA}}
	note := []byte("log.example\n7\nroot\n\n— sig\n")
	kept := 0
	k, err := New(s.URL+"/secret-key", func() []byte { return note }, func(n, token []byte) error {
		kept++
		if r := timestamp.Verify(token, n, time.Time{}, trust); r.Level != timestamp.Stamped {
			t.Error(r.Summary())
		}
		return nil
	}, Config{Trust: trust, HTTP: HTTP{WaitMin: time.Millisecond, WaitMax: 2 * time.Millisecond, Retries: 3}})
	if err != nil {
		t.Fatal(err)
	}
	err = k.StampOnce(t.Context())
	if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want it to say %q", err, says)
	}
	if err != nil && strings.Contains(err.Error(), "secret-key") {
		t.Errorf("the URL is in the error: %v", err)
	}
	if (kept == 1) != (says == "") || !errors.Is(k.Status().Err, err) {
		t.Errorf("%d kept, status %+v", kept, k.Status())
	}
	_, err = k.Ask(t.Context())
	if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
		t.Errorf("asked for the time: %v, want it to say %q", err, says)
	}
	answerWith(a)
	if at, err := k.Ask(t.Context()); err != nil || time.Since(at).Abs() > time.Minute || kept > 1 {
		t.Errorf("asked for the time: %v, %v; %d kept", at, err, kept)
	}
	for range 2 { // the second has nothing to do
		if err := k.StampOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if kept != 1 || k.Status().Stamped != 1 {
		t.Errorf("%d kept, status %+v", kept, k.Status())
	}
	answerWith(answering(503, "", ""))
	note = append(note, "more"...)
	if k.StampOnce(t.Context()) == nil || k.Status().Stamped != 1 {
		t.Error("a new checkpoint was not asked for")
	}
}

// TestNewRefuses: a keeper needs a URL, and trust in an authority.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	none := func() []byte { return nil }
	keep := func(_, _ []byte) error { return nil }
	trust := timestamp.Trust{Certificates: [][]byte{{1}}}
	if _, err := New("ftp://x", none, keep, Config{Trust: trust}); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a URL that is none: %v", err)
	}
	if _, err := New("http://x", none, keep, Config{}); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("no trust: %v", err)
	}
}

// TestReceipt runs a journal with a keeper: receipts under a stamped checkpoint
// carry the token, and verify against the pinned authority.
func TestReceipt(t *testing.T) {
	t.Parallel()
	a, err := timestamptest.New(timestamptest.Options{Kind: timestamptest.RSAPSS})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a)
	defer s.Close()
	trust := timestamp.Trust{Certificates: [][]byte{a.Leaf}}
	err = journal.With(t.Context(), t.TempDir(),
		journal.Config{Logger: slog.New(slog.DiscardHandler), Interval: 20 * time.Millisecond},
		func(j *journal.Journal) error {
			k, err := New(s.URL, func() []byte {
				note, _ := j.Checkpoint()
				return note
			}, j.RecordTimestamp, Config{Trust: trust})
			if err != nil {
				return err
			}
			for i := range uint64(3) {
				d := &journal.Record{Kind: ledger.Failed, Micros: time.Now().UnixMicro()}
				if _, err := j.Append(t.Context(), j.Take(), d); err != nil {
					return err
				}
				if err := j.WaitPublished(t.Context(), i+1); err != nil {
					return err
				}
				if i == 1 {
					continue // published, and not stamped
				}
				if err := k.StampOnce(t.Context()); err != nil {
					return err
				}
			}
			for i := range uint64(3) {
				r, err := j.Receipt(context.Background(), i)
				if err != nil {
					return err
				}
				fs := append(ledger.Verify(r, ledger.Trust{LogKey: j.Key()}), timestamp.VerifyReceipt(r, trust)...)
				if last := fs[len(fs)-1]; !ledger.OK(fs) || last.Step != "timestamp/authority" ||
					last.State != ledger.Proven {
					t.Errorf("record %d: %v", i, fs)
				}
			}
			// A receipt of what was published after the last token does not wait for one.
			if _, err := j.Append(t.Context(), j.Take(),
				&journal.Record{Kind: ledger.Failed, Micros: time.Now().UnixMicro()}); err != nil {
				return err
			}
			if err := j.WaitPublished(t.Context(), 4); err != nil {
				return err
			}
			if r, err := j.Receipt(t.Context(), 3); err != nil || r.Timestamp != nil || len(r.Inclusion) == 0 {
				t.Errorf("record 3: %+v, %v", r, err)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if a.Requests != 2 {
		t.Errorf("%d requests for 2 checkpoints", a.Requests)
	}
}
