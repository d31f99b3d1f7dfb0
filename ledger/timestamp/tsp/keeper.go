// SPDX-License-Identifier: Apache-2.0

package tsp

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// Config holds the settings; only Trust is required.
type Config struct {
	Every  time.Duration   // how often a checkpoint is stamped; 0 = 1 minute
	Trust  timestamp.Trust // a token is kept only if it verifies with it
	Logger *slog.Logger    // nil = silent
	HTTP   HTTP
}

// Source returns the checkpoint to stamp, a signed note; nil if there is none yet.
// It is called on the timer.
type Source func() []byte

// Keep stores a checkpoint and its token. After an error it is called again.
type Keep func(note, token []byte) error

// Keeper has the newest checkpoint of one log stamped on a timer. Its methods
// may be called from several goroutines.
type Keeper struct {
	client *Client
	source Source
	keep   Keep
	cfg    Config

	round sync.Mutex // held during StampOnce
	last  []byte     // the newest note that Keep accepted

	mu     sync.Mutex
	status Status
}

// Status says how stamping is doing.
type Status struct {
	Stamped uint64    // tokens kept since the start
	Time    time.Time // genTime of the newest, zero before the first
	Err     error     // of the last attempt, nil = none
}

// New makes a keeper for an authority's URL. Config.Trust must name the
// authority: a token that whoever verifies a receipt would refuse is not worth
// keeping.
func New(rawURL string, source Source, keep Keep, cfg Config) (*Keeper, error) {
	if source == nil || keep == nil || cfg.Every < 0 || len(cfg.Trust.Certificates) == 0 {
		return nil, fmt.Errorf("time stamps: a source, a keeper, the authority's certificate and a cadence that is "+
			"not negative are needed: %w", assay.ErrInvalid)
	}
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := NewClient(rawURL, cfg.HTTP)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrInvalid)
	}
	return &Keeper{client: c, source: source, keep: keep, cfg: cfg}, nil
}

// Run stamps until ctx is done, and then returns nil. If the authority cannot be
// reached, or answers nonsense, Run asks again on the timer: neither scoring nor
// the log stops.
func (k *Keeper) Run(ctx context.Context) error {
	t := time.NewTicker(k.cfg.Every)
	defer t.Stop()
	for {
		if err := k.StampOnce(ctx); err != nil && ctx.Err() == nil {
			k.cfg.Logger.Warn("no time stamp; asked again later", "in", k.cfg.Every, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// StampOnce stamps the source's checkpoint, unless it was stamped last time, and
// keeps the token if it verifies with Config.Trust.
func (k *Keeper) StampOnce(ctx context.Context) (err error) {
	k.round.Lock()
	defer k.round.Unlock()
	defer func() { k.setStatus(func(s *Status) { s.Err = err }) }()
	note := k.source()
	if len(note) == 0 || bytes.Equal(note, k.last) {
		return nil
	}
	token, err := k.client.Stamp(ctx, note)
	if err != nil {
		return err
	}
	r := timestamp.Verify(token, note, time.Time{}, k.cfg.Trust)
	if r.Level != timestamp.Stamped {
		return errNotHeld(&r)
	}
	if err := k.keep(note, token); err != nil {
		return fmt.Errorf("time stamps: the token was not kept: %w", err)
	}
	k.last = bytes.Clone(note)
	k.setStatus(func(s *Status) { s.Stamped, s.Time = s.Stamped+1, r.Time })
	k.cfg.Logger.Info("checkpoint is time-stamped", "time", r.Time, "authority", r.Authority)
	return nil
}

func (k *Keeper) setStatus(change func(*Status)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.status)
}

// Status returns how stamping is doing. It does not wait for StampOnce.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status
}

// Ask returns the authority's time of now, from a token that it makes of random
// bytes. It keeps nothing.
func (k *Keeper) Ask(ctx context.Context) (time.Time, error) {
	message := make([]byte, 32)
	if _, err := rand.Read(message); err != nil {
		return time.Time{}, err
	}
	token, err := k.client.Stamp(ctx, message)
	if err != nil {
		return time.Time{}, err
	}
	r := timestamp.Verify(token, message, time.Time{}, k.cfg.Trust)
	if r.Level != timestamp.Stamped {
		return time.Time{}, errNotHeld(&r)
	}
	return r.Time, nil
}

// errNotHeld is the error of a token that does not verify.
func errNotHeld(r *timestamp.Result) error {
	return fmt.Errorf("time stamps: the authority's token does not hold: %s: %w", r.Summary(), assay.ErrCorrupt)
}
