// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// RotationNote is the opening of a key rotation's leaf, in deterministic CBOR.
type RotationNote struct {
	Version uint8  `cbor:"0,keyasint"`
	Keys    uint64 `cbor:"1,keyasint"` // subject keys wrapped again
}

// RotateMaster replaces the master key and wraps every living subject key
// again. It returns when the old master key is destroyed. Run must be running.
func (j *Journal) RotateMaster(ctx context.Context) error {
	if err := j.Ready(); err != nil {
		return err
	}
	return j.erasures.wait(ctx, j)
}

// rotateMaster replaces the master key. It can be interrupted anywhere: as long as
// two master keys are kept, the next start begins again.
func (j *Journal) rotateMaster(ctx context.Context) error {
	j.writeMu.Lock() // from here on, no group that is written holds a key wrapped by the old one
	upto := j.durable.Load()
	err := j.master.Rotate()
	j.writeMu.Unlock()
	if err != nil {
		return err
	}
	// The keys that the old one wrapped in groups are also in the store, where they
	// are wrapped again; the copies in the record files cannot be opened any more
	// once the old one is destroyed.
	if err := j.waitApplied(ctx, j.durable.Load()); err != nil {
		return err
	}
	n, err := j.store.Rewrap(ctx)
	if err != nil {
		return err
	}
	if err := j.store.Purge(ctx); err != nil {
		return err
	}
	if err := j.master.DestroyOldKeys(); err != nil {
		return err
	}
	if err := j.store.SetNumber(store.Final, upto, true); err != nil {
		return err
	}
	j.erasures.finalBelow.Store(upto)
	text, err := assay.MarshalCBOR(&RotationNote{Version: 1, Keys: n})
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	seq, micros := j.TakeAt()
	_, err = j.Append(ctx, seq, &Record{Kind: ledger.KeyRotation, Micros: micros, Decision: text})
	return err
}

// erasureFinalizer makes erasures final: it wraps every remaining key under a new
// master key, purges deleted ones from the store and destroys the old master key.
// One pass serves all erasures that wait for it.
type erasureFinalizer struct {
	finalBelow atomic.Uint64 // erasures in the records below are final
	mu         sync.Mutex
	kick       chan struct{} // asks for a pass
	begun      uint64        // passes begun
	ended      uint64        // passes ended
	passEnded  chan struct{} // closed and replaced at each end
}

// init reads how far erasures are final. It asks for a pass if one is still due:
// for a rotation that was interrupted, or for an erasure that is not final.
func (s *erasureFinalizer) init(j *Journal) error {
	s.kick = make(chan struct{}, 1)
	s.passEnded = make(chan struct{})
	final, err := j.store.Number(store.Final)
	if err != nil {
		return err
	}
	if final > j.durable.Load() {
		final = 0 // no such records: doing it again costs only work
	}
	s.finalBelow.Store(final)
	newest, erased, err := j.store.NewestErasure()
	if err != nil {
		return err
	}
	if j.master.Rotating() || erased && newest >= final {
		s.kick <- struct{}{}
	}
	return nil
}

// wait asks for a pass that begins from now on, and waits for its end.
func (s *erasureFinalizer) wait(ctx context.Context, j *Journal) error {
	s.mu.Lock()
	want := s.begun + 1
	s.mu.Unlock()
	select {
	case s.kick <- struct{}{}:
	default:
	}
	for {
		s.mu.Lock()
		ended, ch := s.ended, s.passEnded
		s.mu.Unlock()
		if ended >= want {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return fmt.Errorf("erase: the key is deleted; replacing the master key goes on: %w", ctx.Err())
		case <-j.stopped:
			return fmt.Errorf("erase: the key is deleted; the master key is replaced at the next start: %w",
				assay.ErrUnavailable)
		}
	}
}

func (j *Journal) finalizeErasures(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-j.failed.done:
			return nil
		case <-j.erasures.kick:
		}
		j.erasures.mu.Lock()
		j.erasures.begun++
		j.erasures.mu.Unlock()
		if err := j.rotateMaster(ctx); err != nil {
			j.cfg.Logger.Error("journal: the master key could not be replaced; it is tried again", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
			select {
			case j.erasures.kick <- struct{}{}:
			default:
			}
			continue
		}
		j.erasures.mu.Lock()
		j.erasures.ended = j.erasures.begun
		close(j.erasures.passEnded)
		j.erasures.passEnded = make(chan struct{})
		j.erasures.mu.Unlock()
	}
}

// openMaster returns the master keys of a directory: those that the caller gave, else those in the file.
func openMaster(dir string, cfg *Config) (vault.Keys, error) {
	path := filepath.Join(dir, "keys", "master.json")
	_, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if cfg.Keys != nil && missing {
		return cfg.Keys, nil
	}
	if cfg.Keys == nil && missing {
		if _, err := cfg.FS.Stat(cfg.FS.PathJoin(dir, storeDir)); err == nil {
			return nil, errNoMaster(path) // a new one would open nothing
		}
	}
	m, err := vault.OpenMaster(path, nil)
	if err != nil || cfg.Keys == nil {
		return m, err
	}
	return vault.HandOver(m, cfg.Keys), nil
}

func errNoMaster(path string) error {
	return fmt.Errorf("journal: %s is missing: put it back from the backup, or, if a program keeps the master key, "+
		"say which with the setting keys (--keys FILE): %w", path, assay.ErrCorrupt)
}

// checkExists refuses to read a directory that lacks the store or a key: the
// code that opens it would make new ones.
func checkExists(f vfs.FS, dir string, withMaster bool) error {
	_, err := f.Stat(f.PathJoin(dir, storeDir))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "keys", "log.key"))
	}
	if err != nil {
		return fmt.Errorf("journal: %w: put it back from the backup: %w", err, assay.ErrCorrupt)
	}
	path := filepath.Join(dir, "keys", "master.json")
	if _, err := os.Stat(path); err != nil && withMaster {
		if errors.Is(err, fs.ErrNotExist) {
			return errNoMaster(path)
		}
		return fmt.Errorf("journal: %w: %w", err, assay.ErrCorrupt)
	}
	return nil
}
