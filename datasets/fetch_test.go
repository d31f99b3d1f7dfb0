// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assayrisk/assay"
)

func TestFetch(t *testing.T) {
	const body = "x,target\n1,0\n2,1\n"
	var calls atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(body))
	})
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10_000)) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(body))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	dir := t.TempDir()
	opt := FetchOptions{Dir: dir, Pause: time.Millisecond, Client: srv.Client(), MaxBytes: 5000}
	good := sha([]byte(body))

	for _, c := range []struct {
		name string
		info Info
		want error
	}{
		{"down", Info{Name: "down", URL: srv.URL + "/down", SHA256: good}, assay.ErrUnavailable},
		{"missing", Info{Name: "missing", URL: srv.URL + "/missing", SHA256: good}, assay.ErrUnavailable},
		{"too big", Info{Name: "big", URL: srv.URL + "/big", SHA256: good}, assay.ErrInvalid},
		{"cut off", Info{Name: "cut", URL: srv.URL + "/cut", SHA256: good}, assay.ErrUnavailable},
		{"other bytes", Info{Name: "other", URL: srv.URL + "/flaky", SHA256: assay.Digest{1}}, assay.ErrCorrupt},
		{"no digest", Info{Name: "none", URL: srv.URL + "/flaky"}, assay.ErrInvalid},
		{"path", Info{Name: "../x", URL: srv.URL + "/flaky", SHA256: good}, assay.ErrInvalid},
		{"file", Info{Name: "f", URL: "file:///etc/hosts", SHA256: good}, assay.ErrInvalid},
	} {
		if _, err := Fetch(context.Background(), c.info, opt); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		} else if strings.Contains(err.Error(), srv.URL) {
			t.Errorf("%s: the error shows the URL: %v", c.name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("failed downloads left %v behind", left)
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".*-*")); len(hidden) != 0 {
		t.Errorf("failed downloads left %v behind", hidden)
	}

	calls.Store(0)
	var got int64
	opt.Progress = func(n, _ int64) { got = n }
	info := Info{Name: "flaky", URL: srv.URL + "/flaky", SHA256: good}
	path, err := Fetch(context.Background(), info, opt)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != body || got != int64(len(body)) || calls.Load() != 3 {
		t.Errorf("%v: %q after %d calls, progress %d", err, b, calls.Load(), got)
	}
	if _, err := Fetch(context.Background(), info, opt); err != nil || calls.Load() != 3 {
		t.Errorf("the second time: %v, %d calls", err, calls.Load())
	}
}

func TestFetchEmbedded(t *testing.T) {
	path, err := Fetch(context.Background(), List()[0], FetchOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || sha(b) != List()[0].SHA256 {
		t.Errorf("the written file has another digest (%v)", err)
	}
}
