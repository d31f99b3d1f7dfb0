// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
)

// Config says how a server works. Bundle and Journal are required; the zero value
// of the others works.
type Config struct {
	// Bundle is the model that decides until an admin activates another. Its Model
	// must be filled (package models/interchange reads ModelText).
	Bundle *models.Bundle
	// Journal is where decisions become durable. The caller runs it, and closes
	// it after Run has returned.
	Journal *journal.Journal
	// Policy is the YAML to decide by; nil: the bundle's, or else the default.
	Policy []byte
	// Auth lists the accepted credentials. With the zero value every caller has all
	// roles, and the server listens on loopback addresses only.
	Auth auth.Config
	// TLS makes the server speak TLS; nil: plain text. Client certificates count
	// as credentials when ClientAuth verifies them.
	TLS *tls.Config
	// KeyFiles are patterns of files that hold private keys. The log and a metric
	// warn when every user of the machine can read one.
	KeyFiles []string
	// Logger gets what an operator needs to know, and no personal values; nil: none.
	Logger *slog.Logger
	// Traces gets a span for every call, with its stages; nil: none.
	Traces trace.TracerProvider
	// Load reads a bundle by the name that an admin gave, and checks it against an
	// independent implementation; nil: no other model can be activated.
	Load func(ctx context.Context, name string) (*models.Bundle, error)

	// MaxInFlight bounds the requests under way; more are refused at once with
	// RESOURCE_EXHAUSTED. 0: 8192. A row of a batch or stream counts as one; a
	// batch of more rows is let in when nothing else is under way.
	MaxInFlight int
	// MaxMessageBytes bounds one message; 0: 4 MiB.
	MaxMessageBytes int
	// MaxBatchRows bounds the rows of one batch; 0: 10,000.
	MaxBatchRows int
	// DrainTimeout bounds how long Run waits for requests under way when its
	// context ends; 0: 20 s.
	DrainTimeout time.Duration
	// RatePerSecond is how many rows a second one caller may ask for, a read
	// being one; 0: no limit. RateBurst is how many at once; 0: one second's worth.
	RatePerSecond float64
	RateBurst     int
	// MaxAhead is how far an event's time may lie ahead of the clock: an event from
	// the future would move all windows forward. 0: 5 minutes.
	MaxAhead time.Duration
	// KeepPersonal is how long the personal parts of records are kept; after that
	// they are dropped, within a day, and the log records it. 0: for ever; otherwise at
	// least a day.
	KeepPersonal time.Duration
	// FourEyes makes activations and policy changes wait until a second admin
	// asks for the same.
	FourEyes bool
	// Anchoring returns the state of anchoring; nil: there is no chain.
	Anchoring func() AnchoringStatus
	// AcceptedHead says which head of the log a person vouched for, and why, when
	// nothing else confirmed that the directory has the newest one. It becomes a
	// record. Empty: nobody had to.
	AcceptedHead string
	// AcceptedClock says how far the machine's clock lies after the last record, and
	// why nothing confirmed it. It becomes a record. Empty: it was confirmed, or need
	// not be.
	AcceptedClock string
	// StartedBy is named in the record of a start with a new configuration, such as
	// the operating system's user; "": nobody.
	StartedBy string
	// Version is the program's version in GetStatus.
	Version string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.Bundle == nil || c.Bundle.Model == nil {
		return c, errors.New("serving: Config.Bundle with its Model is required: read a bundle that `assay train` " +
			"wrote")
	}
	if c.Journal == nil {
		return c, errors.New("serving: Config.Journal is required: decisions must become durable somewhere")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 8192
	}
	if c.MaxMessageBytes <= 0 {
		c.MaxMessageBytes = 4 << 20
	}
	if c.MaxBatchRows <= 0 {
		c.MaxBatchRows = 10_000
	}
	if c.DrainTimeout <= 0 {
		c.DrainTimeout = 20 * time.Second
	}
	if c.MaxAhead <= 0 {
		c.MaxAhead = 5 * time.Minute
	}
	if c.KeepPersonal != 0 && c.KeepPersonal < engine.RetireEvery {
		return c, fmt.Errorf("serving: personal parts of records cannot be kept for %v: keep them for %v at least, or "+
			"with 0 for ever (setting keep-personal): %w", c.KeepPersonal, engine.RetireEvery, assay.ErrInvalid)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
