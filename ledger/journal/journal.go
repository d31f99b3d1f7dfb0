// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/guard"
	"github.com/assayrisk/assay/ledger/journal/overlay"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/statefile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/journal/tilelog"
	"github.com/assayrisk/assay/ledger/vault"
)

// Where records and store lie, below the journal's directory.
var (
	recordDir     = filepath.Join("journal", "records")
	storeDir      = filepath.Join("journal", "store")
	signatureDir  = filepath.Join("journal", "signatures")
	dictionaryDir = filepath.Join("journal", "dictionaries")
	stateDir      = filepath.Join("journal", "state")
)

// ErrFork matches what the guard refuses: a checkpoint that is not of the journal's records, or that is smaller than
// one that was signed before.
var ErrFork = guard.ErrFork

// Journal is an open journal. Its methods may be called concurrently; Run and
// Close once each.
type Journal struct {
	dir          string
	cfg          Config
	records      *recordfile.Files      // the records themselves
	signatures   *recordfile.Signatures // of the groups' promises
	programme    programmeKeys          // of business parts
	dictionaries dictionaries           // that parts are compressed with
	states       *statefile.Files       // snapshots of what decisions read
	store        *store.Store           // subject keys, request index, index of lists, marks: follows the records
	callerTags   callerTags             // pseudonyms of callers
	recent       recent                 // leaves that the log has not published
	key          ledger.Key
	master       vault.Keys
	guard        *guard.Guard // has the log's signing key

	times       recordTime
	taken       atomic.Uint64 // next number that TakeAt gives; times is locked while it changes
	durable     atomic.Uint64 // records below are synced; the writer advances it
	ring        []atomic.Pointer[entry]
	awaited     atomic.Uint64 // the record that the sleeping writer waits for
	wakeWriter  chan struct{}
	closing     atomic.Bool
	swept       atomic.Bool // the writer has returned and swept the ring
	filesFailed atomic.Bool // the store or a record file failed
	lowDisk     atomic.Bool
	stopped     chan struct{} // closed when the writer has returned
	failed      *failure

	erasures erasureFinalizer
	// writeMu is held for reading from a group's making until it is written, and for writing by what may not happen in
	// the middle of one: the master key is replaced, a record file is closed.
	writeMu sync.RWMutex
	filesMu sync.Mutex // held by whatever replaces, moves or copies whole record files

	published struct {
		sync.Mutex
		note  []byte // newest published checkpoint whose entries were hashed again
		size  uint64
		grown chan struct{} // closed and replaced when size grows
	}
}

// Open opens the journal in dir, making it if there is none, and reads where
// the records end. It refuses a journal that holds less, or something else, than
// was signed before.
//
// A store that is damaged beyond reading ends the goroutine that reads it, or
// one of the store's own that it waits for (see store.Open): then Open returns.
func Open(ctx context.Context, dir string, cfg Config) (*Journal, error) {
	cfg.setDefaults()
	silenceTessera(cfg.Logger)
	var j *Journal
	var err error
	failed, done := newFailure(), make(chan struct{})
	go func() {
		opened, openErr := open(ctx, dir, cfg, failed)
		j, err = opened, openErr
		close(done)
	}()
	select {
	case <-done:
		return j, err
	case <-failed.done:
	}
	select {
	case <-done: // open got the error, and has closed its files
		return j, err
	case <-time.After(openGrace):
		return nil, fmt.Errorf("journal %s: the store is damaged beyond reading: %w: %w",
			dir, failed.get(), assay.ErrCorrupt)
	}
}

// openGrace is how long Open waits for open to end when the store has failed.
const openGrace = 2 * time.Second

func open(ctx context.Context, dir string, cfg Config, failed *failure) (*Journal, error) {
	if cfg.ReadOnly {
		if cfg.RebuildLog {
			return nil, fmt.Errorf("journal: the log cannot be built again where nothing may be written: %w",
				assay.ErrInvalid)
		}
		if err := checkExists(cfg.FS, dir, cfg.Keys == nil); err != nil {
			return nil, err
		}
		cfg.FS = overlay.New(cfg.FS)
	}
	for _, d := range []string{"keys", "guard", "log"} {
		if cfg.ReadOnly {
			break
		}
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	j := &Journal{
		dir: dir, cfg: cfg, failed: failed,
		ring:       make([]atomic.Pointer[entry], maxInFlight),
		wakeWriter: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	j.published.grown = make(chan struct{})
	j.awaited.Store(awaitsNothing)
	key, signer, err := guard.OpenLogKey(filepath.Join(dir, "keys"), cfg.Origin)
	if err != nil {
		return nil, err
	}
	j.key = key
	if j.master, err = openMaster(dir, &cfg); err != nil {
		return nil, err
	}
	if j.store, err = store.Open(filepath.Join(dir, storeDir), cfg.store(j.failFiles)); err != nil {
		return nil, err
	}
	if cfg.RebuildLog {
		if err := moveAside(string(j.logDir())); err != nil {
			return nil, errors.Join(err, j.store.Close())
		}
	}
	if err := j.recover(ctx, signer); err != nil {
		return nil, errors.Join(err, j.closeFiles())
	}
	return j, nil
}

// recover reads the state from what is durable.
func (j *Journal) recover(ctx context.Context, signer ed25519.PrivateKey) error {
	if err := j.store.OpenKeys(j.master); err != nil {
		return err
	}
	j.programme.system = j.store.System()
	auth, err := j.store.System().Authenticator()
	if err != nil {
		return err
	}
	if err := errors.Join(j.openDictionaries(), j.openStates()); err != nil {
		return err
	}
	var torn int64
	j.records, torn, err = recordfile.Open(j.cfg.FS, filepath.Join(j.dir, recordDir), auth, j.cfg.fileBytes)
	if err != nil {
		return err
	}
	j.records.UseArchive(j.cfg.Archive)
	if torn > 0 {
		j.cfg.Logger.Warn("journal: a group that was being written when the last run ended was cut away; "+
			"nobody was promised it", "bytes", torn)
	}
	next, err := j.records.End()
	if err != nil {
		return err
	}
	if j.cfg.RebuildLog {
		if err := j.store.DropLists(); err != nil {
			return err
		}
	}
	err = j.store.CatchUp(next, func(from uint64, fn func(b *recordfile.StoredGroup) error) error {
		return j.records.Groups(ctx, from, next, recordfile.KeyOpSections, fn)
	})
	if err != nil {
		return err
	}
	if err := j.openTime(next); err != nil {
		return err
	}
	j.taken.Store(next)
	j.durable.Store(next)
	if j.signatures, err = recordfile.OpenSignatures(j.cfg.FS, filepath.Join(j.dir, signatureDir), next); err != nil {
		return err
	}
	cfg := guard.Config{Path: filepath.Join(j.dir, "guard", "high-water"), Copy: j.cfg.HighWaterCopy,
		ReadOnly: j.cfg.ReadOnly, RebuildLog: j.cfg.RebuildLog}
	if j.guard, err = guard.Open(ctx, cfg, j.key, signer, j.store, durableRecords{j}); err != nil {
		return err
	}
	if err := j.signMissing(ctx); err != nil {
		return err
	}
	if err := j.erasures.init(j); err != nil {
		return err
	}
	return j.openPublished(ctx)
}

// Close closes the store. Run must have returned.
func (j *Journal) Close() error {
	j.closing.Store(true)
	if j.filesFailed.Load() {
		// A failed store cannot be closed in order; what is durable is durable.
		_ = j.records.Close()
		return nil
	}
	return j.closeFiles()
}

func (j *Journal) closeFiles() error {
	var err error
	if j.signatures != nil {
		err = j.signatures.Close()
	}
	if j.states != nil {
		err = errors.Join(err, j.states.Close())
	}
	if j.records != nil {
		err = errors.Join(err, j.records.Close())
	}
	return errors.Join(err, j.store.Close())
}

// failFiles stops the journal: what is on disk is unknown until the next Open.
func (j *Journal) failFiles(err error) {
	j.filesFailed.Store(true)
	j.failed.set(err)
}

// Ready returns nil when a record can be taken and made durable, or says why
// not; errors match assay.ErrUnavailable.
func (j *Journal) Ready() error {
	if err := j.failed.get(); err != nil {
		return fmt.Errorf("journal: stopped: %w: %w", err, assay.ErrUnavailable)
	}
	if j.closing.Load() {
		return fmt.Errorf("journal: closing: %w", assay.ErrUnavailable)
	}
	if j.lowDisk.Load() {
		return fmt.Errorf("journal: less than %d MiB of disk are free: %w",
			j.cfg.MinFreeBytes>>20, assay.ErrUnavailable)
	}
	return nil
}

func (j *Journal) stopError() error {
	if err := j.failed.get(); err != nil {
		return fmt.Errorf("journal: stopped: %w: %w", err, assay.ErrUnavailable)
	}
	return fmt.Errorf("journal: stopped: %w", assay.ErrUnavailable)
}

// Origin returns the log's name.
func (j *Journal) Origin() string { return j.key.Origin }

// HighWaterConfirmed reports whether the copy of the high-water mark that is kept elsewhere (Config.HighWaterCopy)
// existed when the journal was opened, and confirmed that the journal is not older than what was signed.
func (j *Journal) HighWaterConfirmed() bool { return j.guard.CopyConfirmed() }

// Key returns the log's note verifier key. It checks checkpoints and promises.
func (j *Journal) Key() string { return j.key.String() }

// Stats counts records at each step.
type Stats struct {
	Taken     uint64 // numbers that TakeAt gave
	Durable   uint64 // synced
	Published uint64 // under a published checkpoint
}

// Stats returns the counts of now.
func (j *Journal) Stats() Stats {
	_, size := j.Checkpoint()
	return Stats{Taken: j.taken.Load(), Durable: j.durable.Load(), Published: size}
}

// Checkpoint returns the newest published checkpoint, once its entries were read
// back and compared, and its size; nil before the first.
func (j *Journal) Checkpoint() (note []byte, size uint64) {
	j.published.Lock()
	defer j.published.Unlock()
	return j.published.note, j.published.size
}

// WaitPublished waits until a checkpoint of at least this size is published.
func (j *Journal) WaitPublished(ctx context.Context, size uint64) error {
	for {
		j.published.Lock()
		have, grown := j.published.size, j.published.grown
		j.published.Unlock()
		if have >= size {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("journal: published %d, waited for %d: %w", have, size, ctx.Err())
		case <-j.failed.done:
			return j.stopError()
		}
	}
}

func (j *Journal) setPublished(note []byte, size uint64) {
	j.published.Lock()
	defer j.published.Unlock()
	j.published.note, j.published.size = note, size
	close(j.published.grown)
	j.published.grown = make(chan struct{})
}

// logDir is the log's directory.
func (j *Journal) logDir() tilelog.Dir { return tilelog.Dir(filepath.Join(j.dir, "log")) }

// moveAside renames a damaged log directory and makes an empty one; nothing is
// deleted.
func moveAside(dir string) error {
	for i := 1; ; i++ {
		to := fmt.Sprintf("%s.damaged-%d", dir, i)
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(dir, to); err != nil {
				return fmt.Errorf("log: %w", err)
			}
			return os.MkdirAll(dir, 0o755)
		}
	}
}
