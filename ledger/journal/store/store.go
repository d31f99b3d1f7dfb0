// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// Table is the first byte of the keys of one table. Frozen; docs/formats/journal.md draws keys and values.
type Table byte

// The tables.
const (
	Requests Table = 'r' // request tag (16)  -> sequence (8)
	Subjects Table = 's' // subject tag (16)  -> key id (16)
	Keys     Table = 'k' // key id (16)       -> wrapped subject key
	Erased   Table = 'x' // key id (16)       -> sequence of the erasure (8)
	Columns  Table = 'c' // first number (8)  -> outcomes, callers and times of records, sealed
	Parties  Table = 'p' // key id (16) || first number -> records that name the party
	Outlines Table = 'o' // first number (8)  -> outcomes, callers and times of a run, sealed
	marks    Table = 'm' // name of a Mark    -> its value
)

// Mark names a single value.
type Mark string

// The marks.
const (
	Version   Mark = "version"   // 1 byte
	Indexed   Mark = "indexed"   // the store has the subject keys of records below this number (8)
	Tagged    Mark = "tagged"    // the store has the request tags of records below this number (8)
	Listed    Mark = "listed"    // lists find records below this number (8) by Columns and Parties
	Named     Mark = "named"     // records from this number (8) on name no party without its number
	Retired   Mark = "retired"   // private parts of records below this number (8) may be gone
	Dropped   Mark = "dropped"   // private parts of records below this number (8) are gone
	Final     Mark = "final"     // erasures in records below this number (8) are final
	System    Mark = "system"    // id of the system key
	Published Mark = "published" // size of the newest published checkpoint (8); not synced
	Tree      Mark = "tree"      // the guard's tree: size (8) || its peaks (32 each)
	Anchor    Mark = "anchor"    // newest anchored checkpoint and its proof
	Timestamp Mark = "timestamp" // newest time-stamped checkpoint and its token
)

// version of the key space that this code writes.
const version = 2

func (t Table) key(id [16]byte) []byte { return append([]byte{byte(t)}, id[:]...) }

// bounds of a table's keys.
func (t Table) bounds() *pebble.IterOptions {
	return &pebble.IterOptions{LowerBound: []byte{byte(t)}, UpperBound: []byte{byte(t) + 1}}
}

func (m Mark) key() []byte { return append([]byte{byte(marks)}, m...) }

// Options of Open.
type Options struct {
	FS         vfs.FS
	Logger     *slog.Logger
	Fatal      func(error) // the database has failed: what is on disk is unknown until it is opened again
	CacheBytes int64
	ReadOnly   bool // nothing is compacted
	NoSync     bool // no write waits for the disk
}

// Store is an open store. Its methods may be called concurrently, Run once.
type Store struct {
	db       *pebble.DB
	dir      string
	opts     Options
	master   vault.Keys
	keys     *keyring
	requests filter     // of request tags
	keyMu    sync.Mutex // held while subject keys change in the database
	queue    queue
	lists    lists
}

// logger sends Pebble's messages to slog.
type logger struct {
	log   *slog.Logger
	fatal func(error)
}

func (l *logger) Infof(format string, args ...any) {
	l.log.Debug("store: " + fmt.Sprintf(format, args...))
}

func (l *logger) Errorf(format string, args ...any) {
	l.log.Warn("store: " + fmt.Sprintf(format, args...))
}

// Fatalf ends the goroutine that cannot go on, not the process.
func (l *logger) Fatalf(format string, args ...any) {
	l.fatal(fmt.Errorf("store: "+format+": %w", append(args, assay.ErrUnavailable)...))
	runtime.Goexit()
}

// Open opens the database in dir, making it if there is none. A database that is damaged beyond reading ends the
// goroutine that reads it, or one of Pebble's own that it waits for, after Options.Fatal was called. Call OpenKeys
// before anything that needs keys.
func Open(dir string, o Options) (*Store, error) {
	opts := &pebble.Options{
		FS:                          o.FS,
		Logger:                      &logger{log: o.Logger, fatal: o.Fatal},
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		CacheSize:                   o.CacheBytes,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       64,
		CompactionConcurrencyRange:  func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
	}
	opts.DisableAutomaticCompactions = o.ReadOnly
	// Few and large files: each costs a sync, on the disk that commits wait for. They have no Bloom filters: filter
	// answers before they are asked.
	for i := range opts.TargetFileSizes {
		opts.TargetFileSizes[i] = 16 << 20 << min(i, 3)
	}
	for i := range opts.Levels {
		// Tags and keys look random: compressing them costs and gains nothing.
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	return &Store{db: db, dir: dir, opts: o}, nil
}

// Close closes the database. What is in the queue is not written: see Run.
func (s *Store) Close() error { return s.db.Close() }

// Row returns a row of a table, or assay.ErrNotFound.
func (s *Store) Row(t Table, id [16]byte) ([]byte, error) { return get(s.db, t.key(id)) }

// Each calls fn with each row of a table, in the order of keys. Both are valid until fn returns.
func (s *Store) Each(ctx context.Context, t Table, fn func(key, value []byte) error) (err error) {
	it, err := s.db.NewIter(t.bounds())
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := fn(it.Key()[1:], v); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// CheckFiles compares every block of the database's files with its checksum.
func (s *Store) CheckFiles() error { return s.db.CheckLevels(nil) }

// Bytes returns a mark, or assay.ErrNotFound.
func (s *Store) Bytes(m Mark) ([]byte, error) { return get(s.db, m.key()) }

// SetBytes sets a mark; with sync, it is durable on return.
func (s *Store) SetBytes(m Mark, b []byte, sync bool) error {
	opt := pebble.NoSync
	if sync {
		opt = pebble.Sync
	}
	if err := s.db.Set(m.key(), b, opt); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Number returns a mark that is a number; 0 if there is none.
func (s *Store) Number(m Mark) (uint64, error) {
	v, err := s.Bytes(m)
	if errors.Is(err, assay.ErrNotFound) {
		return 0, nil
	}
	if err == nil && len(v) != 8 {
		err = fmt.Errorf("store: %q has %d bytes, want 8: %w", m.key(), len(v), assay.ErrCorrupt)
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// SetNumber sets a mark that is a number; with sync, it is durable on return.
func (s *Store) SetNumber(m Mark, n uint64, sync bool) error {
	return s.SetBytes(m, binary.BigEndian.AppendUint64(nil, n), sync)
}

// SetProvenCheckpoint keeps a checkpoint and what vouches for it under a mark.
func (s *Store) SetProvenCheckpoint(m Mark, note, proof []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(note)))
	return s.SetBytes(m, append(append(b, note...), proof...), true)
}

// ProvenCheckpoint returns what SetProvenCheckpoint keeps under a mark, nil if nothing.
func (s *Store) ProvenCheckpoint(m Mark) (note, proof []byte, err error) {
	b, err := s.Bytes(m)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, nil, fmt.Errorf("store: the checkpoint of mark %q is cut short: %w", m, assay.ErrCorrupt)
	}
	n := binary.BigEndian.Uint32(b)
	return b[4 : 4+n], b[4+n:], nil
}

// get returns a copy of a value, or assay.ErrNotFound.
func get(r pebble.Reader, key []byte) ([]byte, error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, assay.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	out := append([]byte(nil), v...)
	return out, c.Close()
}

func set(b *pebble.Batch, key, value []byte) error { return b.Set(key, value, nil) }
