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

// clientCAs is a server whose clients have certificates of two authorities, of
// which a file names those that the server accepts.
type clientCAs struct {
	*node
	server   *authority
	one, two *tls.Config // of clients of the first and the second authority
	file     string
	changes  int // of the file
	log      *heard
}

// newClientCAs starts a server that accepts the first authority.
func newClientCAs(t *testing.T, first, second *authority) *clientCAs {
	t.Helper()
	c := &clientCAs{server: newAuthority(t), log: &heard{}}
	dir := t.TempDir()
	cert, key := c.server.files(dir, "server")
	c.file = filepath.Join(dir, "clients.pem")
	first.trusted(c.file)
	cfg, err := ReloadingTLS(cert, key, c.file, slog.New(slog.NewTextHandler(c.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.node = start(t, t.TempDir(),
		Config{TLS: cfg,
			Auth: auth.Config{
				Certificates: []auth.Certificate{{Name: "platform", Subject: "client", Roles: []string{"score"}}}}})
	of := func(a *authority) *tls.Config {
		return &tls.Config{RootCAs: c.server.pool, ServerName: "server", Certificates: a.pair("client"),
			ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	}
	c.one, c.two = of(first), of(second)
	return c
}

// connect makes a client with a connection of its own. Clients of one configuration
// share their TLS sessions.
func (c *clientCAs) connect(conf *tls.Config) *assayclient.Client {
	return c.dial(assayclient.Config{Attempts: 1, LogKey: c.journal.Key(), TLS: conf})
}

// score asks for a decision, always the same one.
func (c *clientCAs) score(client *assayclient.Client) error {
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	_, err := client.Score(ctx, "one", application("one", 10, 600))
	return err
}

// check tries over new connections whether each authority's client is accepted.
func (c *clientCAs) check(when string, wantOne, wantTwo bool) {
	c.t.Helper()
	for _, x := range []struct {
		who  string
		tls  *tls.Config
		want bool
	}{{"first", c.one, wantOne}, {"second", c.two, wantTwo}} {
		// A client that is not accepted fails in the handshake: there is no answer.
		if err := c.score(c.connect(x.tls)); x.want && err != nil || !x.want && status.Code(err) != codes.Unavailable {
			c.t.Errorf("%s: a client of the %s authority: %v, want it accepted: %v", when, x.who, err, x.want)
		}
	}
}

// replace writes the file, with a modification time of its own, and makes
// handshakes until the server's log has a line with the words.
func (c *clientCAs) replace(text []byte, words ...string) {
	c.t.Helper()
	if err := os.WriteFile(c.file, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.changes++
	later := time.Now().Add(time.Duration(c.changes) * time.Minute)
	if err := os.Chtimes(c.file, later, later); err != nil {
		c.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !c.log.has(words...); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("the log says nothing of %q: %s", words, c.log.buf.String())
		}
		_ = c.score(c.connect(&tls.Config{RootCAs: c.server.pool, ServerName: "server"}))
	}
}

// TestClientCAReload: the file of the clients' authorities changes while the server
// runs. New connections need a certificate of the new authorities, even if they
// would resume an older session; open connections go on. A file that cannot be used
// is logged as an error, and changes nothing.
func TestClientCAReload(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	first, second := newAuthority(t), newAuthority(t)
	c := newClientCAs(t, first, second)
	c.check("at the start", true, false)
	open := c.connect(c.one)
	if err := c.score(open); err != nil {
		t.Fatal(err)
	}
	c.replace([]byte("broken"), "level=ERROR", "clients.pem", "0 can be read")
	c.check("with a file of no certificate", true, false)
	both := append(second.text(), first.text()...)
	c.replace(both[:len(both)-60], "level=ERROR", "clients.pem", "1 can be read")
	c.check("with a file that is cut short", true, false)
	c.replace(second.text(), "level=INFO", "loaded again")
	c.check("with the new file", false, true)
	if err := c.score(open); err != nil {
		t.Errorf("a connection of before the change: %v", err)
	}
	if err := os.Remove(c.file); err != nil {
		t.Fatal(err)
	}
	time.Sleep(tlsCheckEvery + 100*time.Millisecond)
	c.check("without the file", false, true)
	if !c.log.has("level=ERROR", "no such file") {
		t.Error("the log says nothing of a file that is gone")
	}
}
