// SPDX-License-Identifier: Apache-2.0

// Package node runs one Assay node: the journal, the server in front of it and
// the anchor behind it, wired to each other and stopped along the data's way
// (stop taking requests, drain, make the last batch durable, publish, anchor).
// It knows the chain as an anchor.Chain only, so that a program which talks to
// a chain by URL does not link a chain node.
package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/timestamp/tsp"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving"
)

// Config is what a node is made of. Dir, Bundle and Listener are required.
type Config struct {
	// Dir holds everything the node keeps: journal, log, keys, guard, anchors,
	// and whatever Chain puts there.
	Dir string
	// Bundle decides first; its Model is filled.
	Bundle *models.Bundle
	// Listener takes the gRPC connections. Run closes it.
	Listener net.Listener
	// Chain connects to the chain that checkpoints are anchored to; nil: no
	// anchoring, and receipts end at the checkpoint.
	Chain func(ctx context.Context, dir, origin string, source anchor.Source, cfg anchor.Config) (*Chain, error)
	// AnchorEvery is the cadence of anchors; 0: one minute.
	AnchorEvery time.Duration
	// AcceptHead says that the log in Dir is the newest that there is of it, where
	// nothing else can be asked. It is recorded in the log if it was needed.
	AcceptHead bool
	// AcceptClock says that the machine's clock is right though it lies long after
	// the last record, where what was asked did not confirm it. It is recorded in
	// the log if it was needed.
	AcceptClock bool
	// ConfirmEvery is how often a chain that does not answer is asked for the
	// log's head, or the time, before anything is promised; 0: 2 s.
	ConfirmEvery time.Duration
	// TimestampURL is an RFC 3161 authority that stamps checkpoints; empty:
	// none. Timestamp must then hold its certificate, or its issuer's.
	TimestampURL string
	Timestamp    tsp.Config
	// Journal and Serving have their own zero values; the fields above
	// override them.
	Journal journal.Config
	Serving serving.Config
	// Logger hears what an operator needs to know; nil: none.
	Logger *slog.Logger

	lastAnchorTimeout time.Duration // of tests; 0: lastAnchorTime
	watchClockEvery   time.Duration // of tests; 0: a minute
}

// Chain is a connected chain with the contract on it and the log registered.
type Chain struct {
	Anchor *anchor.Anchor
	Trust  anchor.Trust // what a receipt's anchor proof is checked against
	// Time is when the newest block was made; nil: blocks are made only on demand,
	// or by this program, and so confirm no clock.
	Time  func(ctx context.Context) (time.Time, error)
	Close func() error
}

// Node is an open node.
type Node struct {
	Journal *journal.Journal
	Server  *serving.Server
	Chain   *Chain      // nil without a chain
	Stamps  *tsp.Keeper // nil without a time-stamping authority

	cfg         Config
	stopJournal context.CancelFunc
	stopStamps  func() // nil before Run
	journalDone chan error
}

// lastAnchorTime bounds how long a stopping node waits for its last checkpoint to
// be anchored. What is not anchored then is anchored at the next start.
const lastAnchorTime = 15 * time.Second

// Open recovers the journal, connects the chain and makes the server ready.
// The caller must call Run, also to give everything back. When Open fails it
// has given everything back but the listener.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.lastAnchorTimeout == 0 {
		cfg.lastAnchorTimeout = lastAnchorTime
	}
	if cfg.watchClockEvery == 0 {
		cfg.watchClockEvery = time.Minute
	}
	if cfg.ConfirmEvery == 0 {
		cfg.ConfirmEvery = 2 * time.Second
	}
	jc := cfg.Journal
	jc.Logger, jc.HoldClock = cfg.Logger, true
	j, err := journal.Open(ctx, cfg.Dir, jc)
	if err != nil {
		return nil, InUse(cfg.Dir, err)
	}
	jctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	n := &Node{cfg: cfg, Journal: j, stopJournal: stop, journalDone: make(chan error, 1)}
	go func() { n.journalDone <- j.Run(jctx) }()
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// open makes what needs the journal. What it made before it failed is in n.
func (n *Node) open(ctx context.Context) (err error) {
	cfg := &n.cfg
	if cfg.Chain != nil {
		acfg := anchor.Config{Every: cfg.AnchorEvery, Logger: cfg.Logger, Anchored: n.Journal.RecordAnchor}
		n.Chain, err = cfg.Chain(ctx, cfg.Dir, n.Journal.Origin(), source{n.Journal}, acfg)
		if err != nil {
			n.Chain = nil
			return err
		}
	}
	if cfg.TimestampURL != "" {
		tc := cfg.Timestamp
		tc.Logger = cfg.Logger
		if n.Stamps, err = tsp.New(cfg.TimestampURL, n.toStamp, n.Journal.RecordTimestamp, tc); err != nil {
			return err
		}
	}
	sc := cfg.Serving
	sc.Bundle, sc.Journal = cfg.Bundle, n.Journal
	if sc.AcceptedHead, err = n.confirmHead(ctx); err != nil {
		return err
	}
	if sc.AcceptedClock, err = n.confirmClock(ctx); err != nil {
		return err
	}
	if n.Chain != nil {
		sc.Anchoring = anchoringStatus(n.Chain.Anchor)
	}
	if sc.Logger == nil {
		sc.Logger = cfg.Logger
	}
	if n.Server, err = serving.New(sc); err != nil {
		return err
	}
	return n.writeTrust()
}

// toStamp is the checkpoint that the authority stamps: the newest anchored one,
// so that one receipt can carry both, or without a chain that works the newest.
func (n *Node) toStamp() []byte {
	if n.Chain != nil {
		if s := n.Chain.Anchor.Status(); s.Err == nil && s.Size > 0 {
			if a, ok := n.Chain.Anchor.Covering(s.Size - 1); ok {
				return a.Checkpoint.Note
			}
		}
	}
	note, _ := n.Journal.Checkpoint()
	return note
}

// source shows a journal to its anchor.
type source struct{ *journal.Journal }

func (s source) Checkpoint(context.Context) ([]byte, error) {
	note, _ := s.Journal.Checkpoint()
	return note, nil
}

// Run serves until ctx ends or a part fails, then stops the parts along the
// data's way and returns the first error.
func (n *Node) Run(ctx context.Context) error {
	sctx, stopServer := context.WithCancel(ctx)
	defer stopServer()
	actx, stopAnchor := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAnchor()

	go n.watchClock(actx)
	served, anchored := make(chan error, 1), make(chan error, 1)
	go func() { served <- n.Server.Run(sctx, n.cfg.Listener) }()
	if n.Chain != nil {
		go func() { anchored <- n.Chain.Anchor.Run(actx) }()
	}
	if n.Stamps != nil {
		stamped := make(chan struct{})
		sctx, stop := context.WithCancel(actx)
		go func() { defer close(stamped); _ = n.Stamps.Run(sctx) }() // Run reports nothing but the end of its context
		n.stopStamps = func() { stop(); <-stamped }
	}
	var failed error
	serverDone, journalDone, anchorDone := false, false, n.Chain == nil
	select {
	case err := <-served:
		failed, serverDone = err, true
	case err := <-n.journalDone:
		failed, journalDone = namedFailure("journal", err), true
	case err := <-anchored:
		failed, anchorDone = namedFailure("anchor", err), true
	}
	stopServer()
	if !serverDone {
		failed = errors.Join(failed, <-served)
	}
	n.stopJournal()
	if !journalDone {
		failed = errors.Join(failed, <-n.journalDone)
	}
	n.journalDone = nil
	if !anchorDone {
		n.anchorLastCheckpoint()
		stopAnchor()
		failed = errors.Join(failed, <-anchored)
	}
	return errors.Join(failed, n.close())
}

// namedFailure names a part that returned before it was asked to.
func namedFailure(part string, err error) error {
	if err == nil {
		err = errors.New("ended early")
	}
	return fmt.Errorf("%s: %w", part, err)
}

// anchorLastCheckpoint tries to anchor what was published last.
func (n *Node) anchorLastCheckpoint() {
	if _, size := n.Journal.Checkpoint(); size == 0 || n.Chain.Anchor.Status().Size >= size {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.lastAnchorTimeout)
	defer cancel()
	if _, err := n.Chain.Anchor.AnchorNow(ctx); err != nil {
		n.cfg.Logger.Warn("the last checkpoint is not anchored yet; the next start goes on", "err", err)
	}
}

// close gives back what Open took.
func (n *Node) close() error {
	if n.stopStamps != nil {
		n.stopStamps()
	}
	n.stopJournal()
	var errs []error
	if n.journalDone != nil {
		errs = append(errs, <-n.journalDone)
	}
	if n.Chain != nil {
		errs = append(errs, n.Chain.Close())
	}
	return errors.Join(append(errs, n.Journal.Close())...)
}

// TrustName is the name of the trust file in Dir.
const TrustName = "trust.json"

// Trust returns what receipts of this node can be checked against. The node
// writes it to Dir; whoever verifies should have got it from elsewhere, once,
// early. It pins nobody who vouches for the chain: only whoever verifies can.
func (n *Node) Trust() verdict.Trust {
	t := verdict.Trust{LogKey: n.Journal.Key(), Timestamp: n.cfg.Timestamp.Trust}
	if n.Chain != nil {
		t.Anchor = &n.Chain.Trust
	}
	return t
}

func (n *Node) writeTrust() error {
	b, err := json.MarshalIndent(n.Trust(), "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(n.cfg.Dir, TrustName)
	if err := os.WriteFile(path+".tmp", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
