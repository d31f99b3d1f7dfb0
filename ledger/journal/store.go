// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// The key space of the store. First bytes are frozen; docs/formats/journal.md
// draws keys and values.
const (
	prefixRequest = 'r' // request tag (16)  -> sequence (8)
	prefixSubject = 's' // subject tag (16)  -> key id (16)
	prefixKey     = 'k' // key id (16)       -> wrapped subject key
	prefixErased  = 'x' // key id (16)       -> sequence of the erasure (8)
	prefixMeta    = 'm' // name              -> see meta names
)

// Names under prefixMeta.
const (
	metaVersion   = "version"   // 1 byte
	metaIndexed   = "indexed"   // the store has the subject keys of records below this number (8)
	metaTagged    = "tagged"    // the store has the request tags of records below this number (8)
	metaRetired   = "retired"   // private parts of records below this number (8) may be gone
	metaFinal     = "final"     // erasures in records below this number (8) are final
	metaSystem    = "system"    // id of the system key
	metaPublic    = "published" // size of the newest published checkpoint (8); not synced
	metaTree      = "tree"      // the guard's tree: size (8) || its peaks (32 each)
	metaAnchor    = "anchor"    // newest anchored checkpoint and its proof
	metaTimestamp = "timestamp" // newest time-stamped checkpoint and its token
)

// storeVersion of the key space that this code writes.
const storeVersion = 2

func idKey(prefix byte, id [16]byte) []byte { return append([]byte{prefix}, id[:]...) }

func metaKey(name string) []byte { return append([]byte{prefixMeta}, name...) }

// storeLogger gives Pebble's messages to slog. A fatal one marks the store
// dead: what is on disk is unknown until it is opened again.
type storeLogger struct {
	log   *slog.Logger
	fatal func(error)
}

func (l *storeLogger) Infof(format string, args ...any) {
	l.log.Debug("store: " + fmt.Sprintf(format, args...))
}

func (l *storeLogger) Errorf(format string, args ...any) {
	l.log.Warn("store: " + fmt.Sprintf(format, args...))
}

// Fatalf ends the goroutine that cannot go on, not the process.
func (l *storeLogger) Fatalf(format string, args ...any) {
	l.fatal(fmt.Errorf("store: "+format+": %w", append(args, assay.ErrUnavailable)...))
	runtime.Goexit()
}

func openStore(dir string, cfg *Config, fatal func(error)) (*pebble.DB, error) {
	opts := &pebble.Options{
		FS:                          cfg.FS,
		Logger:                      &storeLogger{log: cfg.Logger, fatal: fatal},
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		CacheSize:                   cfg.CacheBytes,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       64,
		CompactionConcurrencyRange:  func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
	}
	opts.DisableAutomaticCompactions = cfg.ReadOnly
	// Few and large files: each costs a sync, on the disk that commits wait
	// for. There are no Bloom filters in them: seenFilter answers before.
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
	return db, nil
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

// number reads a value that is a number; 0 if there is none.
func number(r pebble.Reader, key []byte) (uint64, error) {
	v, err := get(r, key)
	if errors.Is(err, assay.ErrNotFound) {
		return 0, nil
	}
	if err == nil && len(v) != 8 {
		err = fmt.Errorf("store: %q has %d bytes, want 8: %w", key, len(v), assay.ErrCorrupt)
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// failure is the first error after which nothing more can be made durable.
type failure struct {
	mu   sync.Mutex
	err  error
	done chan struct{}
}

func newFailure() *failure { return &failure{done: make(chan struct{})} }

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.done)
	}
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// systemKey loads the key of what concerns no subject, or makes it.
func systemKey(db *pebble.DB, m *vault.Master) (*vault.Key, error) {
	idb, err := get(db, metaKey(metaSystem))
	if errors.Is(err, assay.ErrNotFound) {
		k, err := vault.NewKey()
		if err != nil {
			return nil, err
		}
		w, err := m.Wrap(k)
		if err != nil {
			return nil, err
		}
		id := k.ID()
		b := db.NewBatch()
		defer b.Close()
		if err := errors.Join(
			b.Set(metaKey(metaVersion), []byte{storeVersion}, nil),
			b.Set(metaKey(metaSystem), id[:], nil),
			b.Set(idKey(prefixKey, id), w, nil),
			b.Commit(pebble.Sync)); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := get(db, metaKey(metaVersion))
	if err != nil || len(v) != 1 || v[0] != storeVersion {
		return nil, fmt.Errorf("store: version %v, this program reads version %d: %w", v, storeVersion, assay.ErrCorrupt)
	}
	if len(idb) != 16 {
		return nil, fmt.Errorf("store: the system key's id has %d bytes: %w", len(idb), assay.ErrCorrupt)
	}
	id := vault.ID(idb)
	w, err := get(db, idKey(prefixKey, id))
	if err != nil {
		return nil, fmt.Errorf("store: system key: %w", err)
	}
	return m.Unwrap(id, w)
}
