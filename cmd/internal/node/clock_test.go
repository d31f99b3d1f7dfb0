// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/journal/recordclock"
	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
	"github.com/assayrisk/assay/ledger/timestamp/tsp"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// setClock is a clock that a test sets.
type setClock struct{ micros atomic.Int64 }

func (c *setClock) set(t time.Time) { c.micros.Store(t.UnixMicro()) }
func (c *setClock) now() time.Time  { return time.UnixMicro(c.micros.Load()) }

const day = 24 * time.Hour

// wakened is a directory whose last record was made so long ago, and a
// configuration to start on it.
func wakened(t *testing.T, ago time.Duration) (cfg Config, clock *setClock) {
	t.Helper()
	clock = new(setClock)
	now := time.Now().Truncate(time.Microsecond)
	clock.set(now.Add(-ago))
	cfg = windowed(t, t.TempDir())
	cfg.Journal.Clock = recordclock.Of(clock.now)
	r := start(t, cfg)
	r.stop()
	clock.set(now)
	next := windowed(t, cfg.Dir)
	next.Journal.Clock = cfg.Journal.Clock
	return next, clock
}

const windowPlan = `
version: 1
name: windowed
time: at
entities: [buyer]
fields:
  - {name: amount}
  - {name: sector, kind: text}
windows:
  - {name: asked, key: [buyer], on: [application], length: 90d}
features:
  - {name: amount}
  - {name: asked, kernel: count, window: asked}
`

// windowed is a configuration whose plan has windows.
func windowed(t *testing.T, dir string) Config {
	cfg := config(t, dir, nil)
	cfg.Bundle = scoringtest.Bundle(t, windowPlan, "first", 0)
	return cfg
}

// withChain connects a node to a chain whose newest block is from at.
func withChain(cfg *Config, at func() (time.Time, error)) {
	c := new(standIn)
	cfg.Chain = func(ctx context.Context, dir, origin string, source anchor.Source, a anchor.Config) (*Chain, error) {
		chain, err := c.connect(ctx, dir, origin, source, a)
		if err == nil {
			chain.Time = func(context.Context) (time.Time, error) { return at() }
		}
		return chain, err
	}
}

// withAuthority has a node ask a time-stamping authority, whose clock is right.
func withAuthority(t *testing.T, cfg *Config) {
	t.Helper()
	a, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	cfg.TimestampURL = s.URL
	cfg.Timestamp = tsp.Config{Trust: timestamp.Trust{Certificates: [][]byte{a.CA}}}
}

// acceptedClock is the text of the newest record of an accepted clock; "" if there
// is none.
func acceptedClock(t *testing.T, j *journal.Journal) (text string) {
	t.Helper()
	err := j.Scan(0, j.Stats().Durable, func(_ uint64, r *journal.Record, err error) error {
		var a engine.Act
		if r.Kind == ledger.Activation && assay.UnmarshalCBOR(r.Decision, &a) == nil && a.Kind == engine.ActClock {
			text = a.Text
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// scored has the node decide about an event of a time.
func (r *running) scored(id string, at time.Time) (*assayclient.Decision, error) {
	e := scoringtest.Application(id, 10, math.NaN())
	e.Time = at
	return r.client.Score(r.t.Context(), id, e)
}

// TestClockAtStart: a node whose clock lies more than a day after its last record
// starts when something confirms the clock, when a person does, or when there is
// nobody to ask; the last two are records of the log. Then it takes events of now.
func TestClockAtStart(t *testing.T) {
	now := func() (time.Time, error) { return time.Now(), nil }
	away := func() (time.Time, error) { return time.Time{}, errAway }
	for name, c := range map[string]struct {
		ago    time.Duration
		change func(*Config)
		want   []string // words of the record; none: no record
	}{
		"a laptop, three days later": {3 * day, func(*Config) {}, []string{"72h0m0s", "nothing is configured"}},
		"less than a day":            {23 * time.Hour, func(cfg *Config) { withChain(cfg, away) }, nil},
		"the chain agrees":           {3 * day, func(cfg *Config) { withChain(cfg, now) }, nil},
		"the chain is ahead": {3 * day, func(cfg *Config) {
			withChain(cfg, func() (time.Time, error) { return time.Now().Add(day), nil })
		}, nil},
		"a chain that makes blocks on demand": {3 * day, func(cfg *Config) { cfg.Chain = new(standIn).connect },
			[]string{"nothing is configured"}},
		"the authority agrees": {3 * day, func(cfg *Config) { withAuthority(t, cfg) }, nil},
		"the authority agrees, the chain is away": {3 * day, func(cfg *Config) {
			withChain(cfg, away)
			withAuthority(t, cfg)
		}, nil},
		"a person agrees": {3 * day, func(cfg *Config) {
			withChain(cfg, away)
			cfg.AcceptClock = true
		}, []string{"72h0m0s", "--accept-clock", errAway.Error()}},
		"a person need not": {3 * day, func(cfg *Config) {
			withChain(cfg, now)
			cfg.AcceptClock = true
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, clock := wakened(t, c.ago)
			c.change(&cfg)
			r := start(t, cfg)
			d, err := r.scored("now", clock.now())
			if err != nil || d.Micros != clock.micros.Load() || d.Response.LateBy != nil {
				t.Errorf("an event of now: %+v, %v", d, err)
			}
			text := acceptedClock(t, r.Journal)
			if (text != "") != (c.want != nil) {
				t.Errorf("the log says %q", text)
			}
			for _, words := range c.want {
				if !strings.Contains(text, words) {
					t.Errorf("the log says %q, want %q", text, words)
				}
			}
		})
	}
}

// TestWrongClockAtStart: a node whose clock lies more than a day after its last
// record, and ahead of what it asks, promises nothing and records nothing until
// that changes: the clock is set back, or the chain makes blocks again.
func TestWrongClockAtStart(t *testing.T) {
	stalled := func() (time.Time, error) { return time.Now().Add(-3 * day), nil }
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a chain that has stopped": {func(cfg *Config) { withChain(cfg, stalled) }, "ahead of the chain's newest"},
		"an authority":             {func(cfg *Config) { withAuthority(t, cfg) }, "ahead of the time-stamping"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, clock := wakened(t, 3*day)
			clock.set(time.Now().Add(2 * day))
			before := records(t, cfg.Dir)
			c.change(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := Open(ctx, cfg)
			if !errors.Is(err, ErrClock) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("by a wrong clock: %v, want %q", err, c.want)
			}
			if after := records(t, cfg.Dir); after != before {
				t.Errorf("%d records, %d before", after, before)
			}
		})
	}
	t.Run("the chain goes on", func(t *testing.T) {
		cfg, _ := wakened(t, 3*day)
		asked := 0
		withChain(&cfg, func() (time.Time, error) {
			if asked++; asked < 3 {
				return stalled()
			}
			return time.Now(), nil
		})
		if r := start(t, cfg); asked != 3 || acceptedClock(t, r.Journal) != "" {
			t.Errorf("asked %d times", asked)
		}
	})
	t.Run("the clock is set back", func(t *testing.T) {
		cfg, clock := wakened(t, 3*day)
		right := clock.now().Add(-3*day + time.Hour)
		withChain(&cfg, func() (time.Time, error) { clock.set(right); return stalled() })
		r := start(t, cfg)
		if d, err := r.scored("now", right); err != nil || d.Micros != right.UnixMicro() {
			t.Errorf("an event of now: %+v, %v", d, err)
		}
	})
	t.Run("an embedded chain says nothing", func(t *testing.T) {
		cfg, _ := wakened(t, 3*day)
		if err := os.Mkdir(filepath.Join(cfg.Dir, "chain"), 0o755); err != nil {
			t.Fatal(err)
		}
		withChain(&cfg, stalled)
		if r := start(t, cfg); acceptedClock(t, r.Journal) == "" {
			t.Error("the log does not say that nothing confirmed the clock")
		}
	})
}

// TestClockWrongForAnHour: while a server runs, its machine's clock is a month ahead
// for half an hour, and what callers on the same machine send meanwhile has that
// time. None of it is taken, and later events are not late. The control is a server
// whose records follow the machine's clock.
func TestClockWrongForAnHour(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		wall, elapsed := new(setClock), new(atomic.Int64)
		wall.set(time.Now())
		pass := func(d time.Duration) { elapsed.Add(int64(d)); wall.set(wall.now().Add(d)) }
		clock := recordclock.Of(wall.now)
		if guarded {
			machine := recordclock.Machine{Wall: wall.now, Asleep: func() time.Duration { return 0 },
				Elapsed: func() time.Duration { return time.Duration(elapsed.Load()) }}
			clock = recordclock.New(machine, slog.New(slog.DiscardHandler))
		}
		cfg := windowed(t, t.TempDir())
		cfg.Journal.Clock = clock
		r := start(t, cfg)
		if _, err := r.scored("before", wall.now()); err != nil {
			t.Fatal(err)
		}
		wall.set(wall.now().Add(30 * day))
		pass(30 * time.Minute)
		_, err := r.scored("ahead", wall.now())
		if taken := err == nil; taken == guarded {
			t.Errorf("guarded %v: an event of next month: %v", guarded, err)
		}
		wall.set(wall.now().Add(-30 * day))
		pass(time.Minute)
		d, err := r.scored("after", wall.now())
		if err != nil {
			t.Fatal(err)
		}
		if late := d.Response.LateBy != nil; late == guarded {
			t.Errorf("guarded %v: an event of now is late by %v", guarded, d.Response.LateBy)
		}
	}
}

// TestClockIsConfirmedWhileItRuns: a jump of the machine's clock that the chain
// confirms is followed at once.
func TestClockIsConfirmedWhileItRuns(t *testing.T) {
	var wall setClock
	wall.set(time.Now())
	machine := recordclock.Machine{Wall: wall.now, Asleep: func() time.Duration { return 0 },
		Elapsed: func() time.Duration { return 0 }}
	cfg := windowed(t, t.TempDir())
	cfg.Journal.Clock = recordclock.New(machine, slog.New(slog.DiscardHandler))
	cfg.watchClockEvery = 5 * time.Millisecond
	var block setClock
	block.set(wall.now())
	withChain(&cfg, func() (time.Time, error) { return block.now(), nil })
	r := start(t, cfg)
	wall.set(wall.now().Add(3 * day))
	if _, err := r.scored("not yet", wall.now()); err == nil {
		t.Error("an event of in three days was taken")
	}
	block.set(wall.now())
	eventually(t, "the clock is followed", func() bool { return r.Journal.Clock().Jump() == 0 })
	if _, err := r.scored("now", wall.now()); err != nil {
		t.Error(err)
	}
}
