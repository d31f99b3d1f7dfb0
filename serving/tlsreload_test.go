// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/auth"
)

// heard is a log that can be read while it is written.
type heard struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buf.Write(p)
}

func (h *heard) has(words ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range strings.Split(h.buf.String(), "\n") {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

// TestClientCAReload: the file of the clients' authorities changes while the
// server runs. New connections are held to the new authorities, also those that
// would resume a session of before; a connection that is there goes on. A file
// that cannot be used is logged as an error, and changes nothing.
func TestClientCAReload(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	server, first, second, dir := newAuthority(t), newAuthority(t), newAuthority(t), t.TempDir()
	cert, key := server.files(dir, "server")
	file := filepath.Join(dir, "clients.pem")
	first.trusted(file)
	log := &heard{}
	cfg, err := ReloadingTLS(cert, key, file, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, t.TempDir(),
		Config{TLS: cfg,
			Auth: auth.Config{
				Certificates: []auth.Certificate{{Name: "platform", Subject: "client", Roles: []string{"score"}}}}})
	// connect makes a client; each has a connection of its own, and those of one
	// configuration share their sessions.
	connect := func(c *tls.Config) *assayclient.Client {
		return n.dial(assayclient.Config{Attempts: 1, LogKey: n.journal.Key(), TLS: c})
	}
	score := func(c *assayclient.Client) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Score(ctx, "one", application("one", 10, 600)) // one id: what counts is who may ask
		return err
	}
	of := func(a *authority) *tls.Config {
		return &tls.Config{RootCAs: server.pool, ServerName: "server", Certificates: a.pair("client"),
			ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	}
	one, two := of(first), of(second)
	// check asks over new connections whether each authority's client is let in.
	check := func(when string, wantOne, wantTwo bool) {
		t.Helper()
		for _, c := range []struct {
			who  string
			tls  *tls.Config
			want bool
		}{{"first", one, wantOne}, {"second", two, wantTwo}} {
			// What is not let in fails in the handshake: nobody answers.
			if err := score(connect(c.tls)); c.want && err != nil || !c.want && status.Code(err) != codes.Unavailable {
				t.Errorf("%s: a client of the %s authority: %v, want it let in: %v", when, c.who, err, c.want)
			}
		}
	}
	// replace writes the file at a time of its own and has a handshake find it.
	changes := 0
	replace := func(text []byte, words ...string) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		changes++
		later := time.Now().Add(time.Duration(changes) * time.Minute)
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); !log.has(words...); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the log says nothing of %q: %s", words, log.buf.String())
			}
			_ = score(connect(&tls.Config{RootCAs: server.pool, ServerName: "server"}))
		}
	}

	check("at the start", true, false)
	open := connect(one)
	if err := score(open); err != nil {
		t.Fatal(err)
	}
	replace([]byte("broken"), "level=ERROR", "clients.pem", "0 can be read")
	check("with a file of no certificate", true, false)
	both := append(second.text(), first.text()...)
	replace(both[:len(both)-60], "level=ERROR", "clients.pem", "1 can be read")
	check("with a file that is cut short", true, false)
	replace(second.text(), "level=INFO", "loaded again")
	check("with the new file", false, true)
	if err := score(open); err != nil {
		t.Errorf("a connection of before the change: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	time.Sleep(tlsCheckEvery + 100*time.Millisecond)
	check("without the file", false, true)
	if !log.has("level=ERROR", "no such file") {
		t.Error("the log says nothing of a file that is gone")
	}
}
