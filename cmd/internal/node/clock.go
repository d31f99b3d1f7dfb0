// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assayrisk/assay/ledger/journal/recordclock"
)

// ErrClock matches what keeps a node from starting: its clock lies more than a day
// after its last record, and those that could confirm it have not.
var ErrClock = errors.New("the clock is not confirmed")

const clockRemedy = "set the machine's clock, let the chain or the time-stamping authority be reached, or say with " +
	"--accept-clock that the clock is right"

// errNobodyToAsk: neither a chain that others run nor a time-stamping authority is
// configured.
var errNobodyToAsk = errors.New("nothing is configured that could confirm it")

// clocksApart is how far the machine's clock may lie ahead of the newest block, or
// of a time stamp that was just made.
const clocksApart = 5 * time.Minute

// confirmClock holds the node back while its clock may be wrong. Record times never
// go back, and windows count no event that comes later than their newest allows: a
// clock that is wrong by a month at a start would make every event late for a
// month. A clock that lies at most a day after the last record is taken as it is.
// One that lies further ahead must agree with the newest block of a chain that
// others run, or with a time stamp that is made now. A person may say so instead,
// and where there is nobody to ask, the clock is taken as it is; the returned text
// is then a record of the log.
func (n *Node) confirmClock(ctx context.Context) (accepted string, err error) {
	var why error // of the last answer
	for {
		n.Journal.Clock().Follow() // it may have been set meanwhile
		since := n.Journal.SinceNewest()
		if since <= recordclock.MaxUnasked {
			break
		}
		err := n.askTime(ctx)
		if err == nil {
			n.cfg.Logger.Info("the machine's clock was confirmed", "after_the_last_record", since.Round(time.Second))
			break
		}
		if ctx.Err() == nil {
			why = err
		}
		if n.cfg.AcceptClock || errors.Is(err, errNobodyToAsk) {
			accepted = acceptedClockRecord(since, n.cfg.AcceptClock, err)
			break
		}
		n.cfg.Logger.Warn("nothing is promised until the machine's clock is confirmed: "+clockRemedy,
			"after_the_last_record", since.Round(time.Second), "asked_again_in", n.cfg.ConfirmEvery, "err", err)
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w: %w", ErrClock, errors.Join(ctx.Err(), why))
		case <-time.After(n.cfg.ConfirmEvery):
		}
	}
	n.Journal.ReleaseClock()
	return accepted, nil
}

// acceptedClockRecord is the text of the log's record of a clock that nothing
// confirmed.
func acceptedClockRecord(since time.Duration, person bool, why error) string {
	by := "taken as it is"
	if person {
		by = "accepted by who started the server (--accept-clock)"
	}
	return fmt.Sprintf("the clock, which lies %v after the last record, was %s; unconfirmed because: %v",
		since.Round(time.Second), by, why)
}

// askTime asks all that are configured, until one confirms the machine's clock.
func (n *Node) askTime(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var errs []error
	if n.Chain != nil && n.Chain.Time != nil && !embedded(n.cfg.Dir) {
		at, err := n.Chain.Time(ctx)
		errs = append(errs, n.compareClock("the chain's newest block", at, err))
	}
	if n.Stamps != nil {
		at, err := n.Stamps.Ask(ctx)
		errs = append(errs, n.compareClock("the time-stamping authority's clock", at, err))
	}
	if len(errs) == 0 {
		return errNobodyToAsk
	}
	for _, err := range errs {
		if err == nil {
			return nil
		}
	}
	return errors.Join(errs...)
}

// compareClock compares the machine's clock with what was asked for the time. A
// clock that lies behind makes no event late, and is only reported.
func (n *Node) compareClock(what string, at time.Time, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	clock := n.Journal.Clock()
	ahead := clock.Now().Add(clock.Jump()).Sub(at)
	if ahead > clocksApart {
		return fmt.Errorf("the machine's clock lies %v ahead of %s", ahead.Round(time.Second), what)
	}
	if ahead < -clocksApart {
		n.cfg.Logger.Warn("the machine's clock lies behind: set it", "what_lies_ahead", what, "by",
			-ahead.Round(time.Second))
	}
	return nil
}

// watchClock asks whether the machine's clock is right when it has jumped and
// record times do not follow it, until ctx ends.
func (n *Node) watchClock(ctx context.Context) {
	t := time.NewTicker(n.cfg.watchClockEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		jump := n.Journal.Clock().Jump()
		if jump <= recordclock.MaxStep {
			continue
		}
		if err := n.askTime(ctx); err != nil {
			n.cfg.Logger.Debug("the machine's clock is not confirmed", "err", err)
			continue
		}
		n.Journal.Clock().Follow()
		n.cfg.Logger.Warn("the machine's clock, which had jumped, was confirmed; record times follow it", "by",
			jump.Round(time.Second))
	}
}
