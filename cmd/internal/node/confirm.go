// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/serving"
)

// ErrHead matches what keeps a node from signing promises: nothing has said that
// its log is the newest that there is of it.
var ErrHead = errors.New("the log's head is not confirmed")

const confirmRemedy = "let the chain be reached, name the copy of the high-water mark with --head-copy, " +
	"or say with --accept-head that no promise was given beyond it"

const restoreRemedy = "the directory's own chain is of another state than its log: put both back from one backup, " +
	"or move chain/ and anchor/ away, which begins the anchors anew"

// remedy is what to do about a head that is not confirmed.
func (n *Node) remedy() string {
	if embedded(n.cfg.Dir) {
		return restoreRemedy
	}
	return confirmRemedy
}

// confirmHead holds the node back until its log is known to be the newest that
// there is of it. A directory that was put back to an older state would give
// numbers a second promise that it has promised before, and nothing in it can
// tell. A copy of the high-water mark kept elsewhere can, and so can a chain that
// others run, to which the directory has anchored: while neither can be asked,
// nothing is promised. A person may say so instead; the returned text is
// then a record of the log.
func (n *Node) confirmHead(ctx context.Context) (accepted string, err error) {
	if n.Journal.HighWaterConfirmed() {
		return "", nil
	}
	for wait := n.cfg.ConfirmEvery; ; {
		err := n.askHead(ctx)
		switch {
		case err == nil:
			return "", nil
		case n.cfg.AcceptHead:
			return n.acceptedHeadRecord(err), nil
		case errors.Is(err, assay.ErrCorrupt), errors.Is(err, ErrHead):
			return "", fmt.Errorf("%w: %w: %s", ErrHead, err, n.remedy())
		}
		n.cfg.Logger.Warn("nothing is promised until the log's head is confirmed: "+confirmRemedy, "asked_again_in",
			wait, "err", err)
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w: %w", ErrHead, errors.Join(ctx.Err(), err))
		case <-time.After(wait):
		}
	}
}

// askHead asks the chain. A log that never anchored outside of its own directory
// needs no confirmation; it is refused all the same if the chain contradicts it.
func (n *Node) askHead(ctx context.Context) error {
	if n.Chain == nil {
		if anchoredOutside(n.cfg.Dir) {
			return fmt.Errorf("%s has anchors on a chain, and no chain is configured: %w", n.cfg.Dir, ErrHead)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := n.Chain.Anchor.ConfirmNewest(ctx, n.Journal.Stats().Durable)
	if err == nil || errors.Is(err, assay.ErrCorrupt) || errors.Is(err,
		anchor.ErrUnpublished) || n.Chain.Anchor.HasAnchored() && !embedded(n.cfg.Dir) {
		return err
	}
	n.cfg.Logger.Info("the log has never anchored outside of its directory: its head is taken as it is", "err", err)
	return nil
}

// askTimeout bounds one question to the chain.
const askTimeout = 15 * time.Second

// acceptedHeadRecord is the text of the log's record that a person accepted the head.
func (n *Node) acceptedHeadRecord(why error) string {
	s := n.Journal.Stats()
	n.cfg.Logger.Warn("the log's head was accepted by --accept-head; the log says so", "records", s.Durable, "err", why)
	return fmt.Sprintf("the log's head of %d records was accepted by who started the server (--accept-head); "+
		"unconfirmed because: %v",
		s.Durable, why)
}

// embedded reports whether the directory has a chain of its own.
func embedded(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "chain"))
	return err == nil
}

// anchoredOutside reports whether checkpoints were anchored from the directory
// to a chain that is not in it.
func anchoredOutside(dir string) bool {
	entries, err := os.ReadDir(filepath.Join(dir, "anchor", "anchors"))
	return err == nil && len(entries) > 0 && !embedded(dir)
}

// anchoringStatus shows the server the state of anchoring.
func anchoringStatus(a *anchor.Anchor) func() serving.AnchoringStatus {
	var states []string
	for _, s := range anchor.States() {
		states = append(states, string(s))
	}
	return func() serving.AnchoringStatus {
		s := a.Status()
		out := serving.AnchoringStatus{State: string(s.State), States: states, Size: s.Size, Pending: s.Pending,
			Time: s.Time, Raised: s.Raised, Renewed: s.Renewed}
		if s.Err != nil {
			out.Problem = s.Err.Error()
		}
		return out
	}
}
