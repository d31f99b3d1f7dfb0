// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/assayrisk/assay/ledger/journal/recordclock"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// Config sets a journal up. Its zero value works.
type Config struct {
	// Origin names the log at its first start; "" makes one of random digits.
	// Later starts read it from the log's key.
	Origin string
	// Logger gets messages about recovery, refusals and repairs; nil is
	// slog.Default().
	Logger *slog.Logger
	// Interval is how often the log is published; 0 is 500 ms.
	Interval time.Duration
	// DrainTimeout bounds how long Run waits, when its context ends, for
	// numbers that were taken and not appended yet, and then for the log to be
	// published; 0 is 5 s.
	DrainTimeout time.Duration
	// MinFreeBytes of disk under which Ready refuses; 0 is 256 MiB.
	MinFreeBytes uint64
	// Keys keeps the master keys; who gave it closes it, after the journal. nil is
	// the file keys/master.json, which the first start makes. If both are there, the
	// next Run wraps everything again under Keys and removes the file.
	Keys vault.Keys
	// FS is the file system of the records; nil is the disk. Tests use Pebble's
	// crashable memory file system.
	FS vfs.FS
	// NoSync leaves out the sync of each commit, so that a power cut loses records
	// that were acknowledged. It is the control of the crash tests.
	NoSync bool
	// Clock gives records their times, see TakeAt; nil is the machine's.
	Clock *recordclock.Clock
	// HoldClock makes new records have the last one's time until ReleaseClock is
	// called: a clock that lies long after it may be wrong. A journal without
	// records does not wait.
	HoldClock bool
	// Witnesses is a C2SP tlog-policy: the witnesses that are asked to cosign
	// each checkpoint, and how many must before it is published. "" asks none.
	Witnesses string
	// RebuildLog moves the log's directory aside at Open and builds it again
	// from the records: for use after a refusal, or after records were restored. The
	// index of lists is made again too.
	RebuildLog bool
	// HighWaterCopy is a second file for the high-water mark, on another device or
	// machine than the directory. Every checkpoint is written there before it is
	// signed, and a journal that is older than this file does not open. "" keeps
	// none.
	HighWaterCopy string
	// ReadOnly opens the journal without changing any file, and works on a disk
	// that cannot be written: what a crash cut short is repaired in memory, nothing
	// that is missing is made, and Run refuses.
	ReadOnly bool
	// Archive is where record files were moved to, or are to be (see Journal.Archive); nil is none. A journal without
	// it opens, and cannot read what was moved.
	Archive recordfile.Archive
	// CacheBytes of the request index; 0 is 64 MiB.
	CacheBytes int64

	fileBytes int64 // of a record file; tests make them small
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Interval == 0 {
		c.Interval = 500 * time.Millisecond
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 5 * time.Second
	}
	if c.MinFreeBytes == 0 {
		c.MinFreeBytes = 256 << 20
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Clock == nil {
		c.Clock = recordclock.New(recordclock.ThisMachine(), c.Logger)
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.fileBytes == 0 {
		c.fileBytes = recordfile.FileBytes
	}
}

// store returns the store's options.
func (c *Config) store(fatal func(error)) store.Options {
	return store.Options{FS: c.FS, Logger: c.Logger, Fatal: fatal, CacheBytes: c.CacheBytes,
		ReadOnly: c.ReadOnly, NoSync: c.NoSync}
}
