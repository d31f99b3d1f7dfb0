// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/journal/recordclock"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

const planYAML = scoringtest.PlanYAML

var (
	bundle      = scoringtest.Bundle
	stump       = scoringtest.Stump
	application = scoringtest.Application
	start2026   = scoringtest.Start
)

// loading is a Config.Load that finds bundles by name.
func loading(bundles []*models.Bundle) func(context.Context, string) (*models.Bundle, error) {
	return func(_ context.Context, name string) (*models.Bundle, error) {
		for _, b := range bundles {
			if b.Manifest.Name == name {
				return b, nil
			}
		}
		return nil, errors.New("no such bundle")
	}
}

// begun is how many records a journal has before the first request: that of the
// server's start.
const begun = 1

// node is a journal and a server on it, over a connection in memory.
type node struct {
	t       testing.TB
	dir     string
	journal *journal.Journal
	server  *Server
	conn    *bufconn.Listener
	stop    func()
	client  *assayclient.Client
}

// start runs a node until the test's end or its stop.
func start(t testing.TB, dir string, cfg Config) *node {
	t.Helper()
	return startOn(t, dir, nil, cfg, false)
}

// startOn is start with the records on a file system; with breaks the journal
// may end with an error.
func startOn(t testing.TB, dir string, fs vfs.FS, cfg Config, breaks bool) *node {
	t.Helper()
	log := cfg.Logger // one log, as in assayd
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	drain := time.Minute // a busy machine is no fault
	if breaks {
		drain = 2 * time.Second
	}
	jcfg := journal.Config{Logger: log, Interval: 50 * time.Millisecond, FS: fs, DrainTimeout: drain}
	if cfg.Now != nil {
		jcfg.Clock = recordclock.Of(cfg.Now)
	}
	j, err := journal.Open(t.Context(), dir, jcfg)
	if err != nil {
		t.Fatal(err)
	}
	jctx, jcancel := context.WithCancel(context.Background())
	jdone := make(chan error, 1)
	go func() { jdone <- j.Run(jctx) }()
	if cfg.Bundle == nil {
		cfg.Bundle = bundle(t, planYAML, "first", 0)
	}
	cfg.Journal = j
	cfg.DrainTimeout = 5 * time.Second
	s, err := New(cfg)
	if err != nil {
		jcancel()
		<-jdone
		t.Fatal(err)
	}
	n := &node{t: t, dir: dir, journal: j, server: s, conn: bufconn.Listen(1 << 20)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, n.conn) }()
	var once sync.Once
	n.stop = func() {
		once.Do(func() {
			if n.client != nil {
				n.client.Close()
			}
			cancel()
			err := <-done
			jcancel()
			if jerr := errors.Join(<-jdone, j.Close()); jerr != nil && !breaks {
				err = errors.Join(err, jerr)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(n.stop)
	n.client = n.dial(assayclient.Config{LogKey: j.Key()})
	return n
}

func (n *node) dial(cfg assayclient.Config) *assayclient.Client {
	n.t.Helper()
	cfg.DialOptions = append(cfg.DialOptions,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return n.conn.DialContext(ctx)
		}))
	c, err := assayclient.Dial("passthrough:///memory", cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	return c
}

func has(err error, words string) bool { return err != nil && strings.Contains(err.Error(), words) }

// failScoring makes the active model panic when it scores, until mend is called.
func (n *node) failScoring() (mend func()) {
	m := n.server.engine.Models().Active
	sound := m.Forest
	m.Forest = nil
	return func() { m.Forest = sound }
}

// fill counts rows as under way until empty is called.
func (n *node) fill(rows int) (empty func()) {
	n.t.Helper()
	if err := n.server.engine.Admit("filler", rows); err != nil {
		n.t.Fatal(err)
	}
	return func() { n.server.engine.Done(rows) }
}
