// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

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

// Erasing asks for an erasure.
type Erasing struct {
	Subject string // whose key is destroyed
	Reason  string // stands in the opening of the erasure's leaf: name no person in it
	// Caller, RequestID and Body make asking again safe: Lookup finds the
	// erasure's record by them. An empty RequestID is not indexed.
	Caller, RequestID string
	Body              assay.Digest
}

// Erase is Destroy and WaitErased: when it returns, the subject is erased for
// good. assay.ErrNotFound: no record is sealed under this subject's key.
func (j *Journal) Erase(ctx context.Context, name, reason string) (uint64, ledger.Promise, error) {
	seq, p, err := j.Destroy(ctx, Erasing{Subject: name, Reason: reason})
	if err != nil {
		return seq, p, err
	}
	return seq, p, j.WaitErased(ctx, seq)
}

// Destroy destroys a subject's key: its records' private parts are unreadable
// from then on, and their leaves, promises and proofs still verify. The erasure
// is a record of the log; Destroy returns when it is durable.
// assay.ErrNotFound: no record is sealed under this subject's key.
//
// One group holds the record, the request id's tag and the destruction of the
// key, so a crash leaves all three or none of them. What then makes the erasure
// final is done behind it: the key's bytes are purged from the store, and the
// master key is replaced, so that copies of the directory made before do not
// open it either. WaitErased waits for that; a start that finds it undone does it.
func (j *Journal) Destroy(ctx context.Context, r Erasing) (seq uint64, p ledger.Promise, err error) {
	if err := j.Ready(); err != nil {
		return 0, p, err
	}
	rec := Record{Kind: ledger.Erasure, Caller: r.Caller, RequestID: r.RequestID, Body: r.Body}
	if err := rec.check(); err != nil { // before the key is dead
		return 0, p, err
	}
	old, err := j.keys.bury(r.Subject)
	if err != nil {
		return 0, p, err
	}
	if rec.Decision, err = assay.MarshalCBOR(&ErasureNote{Version: 1, Key: old.key.ID(), Reason: r.Reason}); err != nil {
		return 0, p, fmt.Errorf("erase: %w", err)
	}
	seq, rec.Micros = j.Take(), j.cfg.Now().UnixMicro()
	e := entryPool.Get().(*entry)
	if err := j.prepare(e, seq, &rec); err != nil {
		j.failed.set(err)
		return 0, p, err
	}
	e.erases, e.batch = old, nil
	if err := j.push(e); err != nil {
		return seq, p, err
	}
	if err := j.wait(ctx, e); err != nil {
		return seq, p, err
	}
	p = e.group.promise(e)
	e.free()
	return seq, p, nil
}

// WaitErased waits until the erasure in record seq is final: no file of the
// directory holds the key, and no master key that opens an older copy is left.
func (j *Journal) WaitErased(ctx context.Context, seq uint64) error {
	for j.scrub.final.Load() <= seq {
		if err := j.scrub.wait(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// scrubber makes erasures final: it wraps every living key under a new master
// key, purges the store of deleted ones and destroys the old master key. One
// pass serves all erasures that wait for it.
type scrubber struct {
	final   atomic.Uint64 // erasures in the records below are final
	mu      sync.Mutex
	kick    chan struct{}
	begun   uint64        // passes begun
	ended   uint64        // passes ended
	endedCh chan struct{} // closed and replaced at each end
}

// init reads how far erasures are final; what is not is done when the journal
// runs: a rotation that was cut short, or one that an erasure waits for.
func (s *scrubber) init(j *Journal) error {
	s.kick = make(chan struct{}, 1)
	s.endedCh = make(chan struct{})
	final, err := number(j.db, metaKey(metaFinal))
	if err != nil {
		return err
	}
	if final > j.durable.Load() {
		final = 0 // no such records: doing it again costs only work
	}
	s.final.Store(final)
	newest, erased, err := newestErasure(j.db)
	if err != nil {
		return err
	}
	if j.master.Rotating() || erased && newest >= final {
		s.kick <- struct{}{}
	}
	return nil
}

// newestErasure returns the largest sequence number of an erasure.
func newestErasure(db *pebble.DB) (newest uint64, ok bool, err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixErased}, UpperBound: []byte{prefixErased + 1}})
	if err != nil {
		return 0, false, fmt.Errorf("store: %w", err)
	}
	for more := it.First(); more; more = it.Next() {
		if v := it.Value(); len(v) == 8 { // fsck names one that is not
			newest, ok = max(newest, binary.BigEndian.Uint64(v)), true
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return 0, false, fmt.Errorf("store: %w", err)
	}
	return newest, ok, nil
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
