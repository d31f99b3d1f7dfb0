// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// ErasureNote is the opening of an erasure's leaf: which key was destroyed, in
// deterministic CBOR. It does not name the subject.
type ErasureNote struct {
	Version uint8    `cbor:"0,keyasint"`
	Key     vault.ID `cbor:"1,keyasint"`
	Reason  string   `cbor:"2,keyasint"`
}

// Erase destroys a subject's key: its records' private parts are unreadable
// from then on, and their leaves, promises and proofs still verify. The erasure
// is a record of the log. Erase returns when that record is durable, the
// key's bytes are purged from the store, and the master key is replaced, so
// that copies of the directory made before do not open it either.
// assay.ErrNotFound: no record is sealed under this subject's key.
func (j *Journal) Erase(ctx context.Context, name, reason string) (uint64, ledger.Promise, error) {
	if err := j.Ready(); err != nil {
		return 0, ledger.Promise{}, err
	}
	old, err := j.keys.bury(name)
	if err != nil {
		return 0, ledger.Promise{}, err
	}
	text, err := assay.MarshalCBOR(&ErasureNote{Version: 1, Key: old.key.ID(), Reason: reason})
	if err != nil {
		return 0, ledger.Promise{}, fmt.Errorf("erase: %w", err)
	}
	seq := j.Take()
	e := entryPool.Get().(*entry)
	if err := j.prepare(e, seq, &Record{Kind: ledger.Erasure, Micros: j.cfg.Now().UnixMicro(), Decision: text}); err != nil {
		j.failed.set(err)
		return 0, ledger.Promise{}, err
	}
	e.erases, e.batch = old, nil
	if err := j.push(e); err != nil {
		return seq, ledger.Promise{}, err
	}
	if err := j.wait(ctx, e); err != nil {
		return seq, ledger.Promise{}, err
	}
	p := e.group.promise(e)
	e.free()
	return seq, p, j.scrub.wait(ctx, j)
}

// scrubber makes erasures final: it wraps every living key under a new master
// key, purges the store of deleted ones and destroys the old master key. One
// pass serves all erasures that wait for it.
type scrubber struct {
	mu      sync.Mutex
	kick    chan struct{}
	begun   uint64        // passes begun
	ended   uint64        // passes ended
	endedCh chan struct{} // closed and replaced at each end
}

func (s *scrubber) init(unfinished bool) {
	s.kick = make(chan struct{}, 1)
	s.endedCh = make(chan struct{})
	if unfinished {
		s.kick <- struct{}{}
	}
}

// wait asks for a pass that begins after now and waits for its end.
func (s *scrubber) wait(ctx context.Context, j *Journal) error {
	s.mu.Lock()
	want := s.begun + 1
	s.mu.Unlock()
	select {
	case s.kick <- struct{}{}:
	default:
	}
	for {
		s.mu.Lock()
		ended, ch := s.ended, s.endedCh
		s.mu.Unlock()
		if ended >= want {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return fmt.Errorf("erase: the key is deleted; replacing the master key goes on: %w", ctx.Err())
		case <-j.stopped:
			return fmt.Errorf("erase: the key is deleted; the master key is replaced at the next start: %w", assay.ErrUnavailable)
		}
	}
}

func (j *Journal) runScrubber(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-j.failed.done:
			return nil
		case <-j.scrub.kick:
		}
		j.scrub.mu.Lock()
		j.scrub.begun++
		j.scrub.mu.Unlock()
		if err := j.rotateMaster(ctx); err != nil {
			j.cfg.Logger.Error("journal: the master key could not be replaced; it is tried again", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
			select {
			case j.scrub.kick <- struct{}{}:
			default:
			}
			continue
		}
		j.scrub.mu.Lock()
		j.scrub.ended = j.scrub.begun
		close(j.scrub.endedCh)
		j.scrub.endedCh = make(chan struct{})
		j.scrub.mu.Unlock()
	}
}
