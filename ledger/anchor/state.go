// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"errors"

	assay "github.com/assayrisk/assay"
)

// State says in one word how anchoring is doing.
type State string

// The states. In all but Idle and Pending nothing is anchored; it continues by
// itself when the node's answers allow it. No state stops the rest of a server.
const (
	Starting      State = "starting"      // no round has ended yet
	Idle          State = "idle"          // what is published is anchored
	Pending       State = "pending"       // a checkpoint is sent and not proven yet
	Unavailable   State = "unavailable"   // the node does not answer, or answers something else
	Misconfigured State = "misconfigured" // the node is on another chain, or the contract does not know the log
	Contradicted  State = "contradicted"  // the node names a head that this log does not have
	Rejected      State = "rejected"      // the node or the contract refuses the transaction
	FeeCapped     State = "fee capped"    // the node asks for more than may be paid
)

// States returns all of them.
func States() []State {
	return []State{Starting, Idle, Pending, Unavailable, Misconfigured, Contradicted, Rejected, FeeCapped}
}

// stateOf returns the state after a round.
func stateOf(err error, pending bool) State {
	switch {
	case err == nil && pending:
		return Pending
	case err == nil:
		return Idle
	case errors.Is(err, assay.ErrCorrupt):
		return Contradicted
	case errors.Is(err, assay.ErrExhausted):
		return FeeCapped
	case errors.Is(err, ErrReverted), errors.Is(err, ErrRejected), errors.Is(err, ErrUnderpriced), errors.Is(err,
		ErrNonce):
		return Rejected
	case errors.Is(err, assay.ErrPrecondition):
		return Misconfigured
	}
	return Unavailable
}

// setStatus keeps the outcome of a round, and logs a change of state.
func (a *Anchor) setStatus(err error) {
	a.status.Lock()
	defer a.status.Unlock()
	s := &a.status.Status
	before := s.State
	s.Rounds++
	s.Err, s.Pending = err, 0
	if n := len(a.mu.queue); n > 0 {
		s.Pending = a.mu.queue[n-1].Call.Size
	}
	s.State = stateOf(err, s.Pending > 0)
	switch {
	case s.State == before:
	case s.State == Contradicted:
		a.cfg.Logger.Error("anchoring is held up: the node contradicts this log; scoring goes on", "state", s.State,
			"before", before, "err", err)
	case err != nil:
		a.cfg.Logger.Warn("anchoring is held up", "state", s.State, "before", before, "err", err)
	default:
		a.cfg.Logger.Info("anchoring", "state", s.State, "before", before)
	}
}
