// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// maxInFlight is how many numbers may be taken and not yet durable. A power of two.
const maxInFlight = 1 << 16

// entry is one record on its way to the writer.
type entry struct {
	seq           uint64
	leafHash      assay.Digest
	public        []byte // key id || tag || leaf, as they will lie in the group
	business      []byte // sealed
	personal      []byte // sealed
	plaintext     []byte // scratch for a part's plaintext
	packed        []byte // scratch for a part that is compressed
	tag           Tag
	subject       *store.Subject
	parties       []Party
	listed        listing.Entry  // for lists
	numbers       []vault.ID     // memory of its parties
	erasedSubject *store.Subject // set by DestroyKey

	group *group
	err   error
	done  chan struct{} // one token when group or err is set
	batch *batchWait    // instead of done: many entries of one caller
}

// batchWait is one caller that waits for many entries.
type batchWait struct {
	left atomic.Int32
	done chan struct{}
}

// complete wakes whoever waits for e: its group is durable, or err says why not.
func (e *entry) complete(g *group, err error) {
	e.group, e.err = g, err
	if w := e.batch; w != nil {
		if w.left.Add(-1) == 0 {
			close(w.done)
		}
		return
	}
	e.done <- struct{}{}
}

var entryPool = sync.Pool{New: func() any { return &entry{done: make(chan struct{}, 1)} }}

// prepare makes the stored bytes. All of the record's cryptography is done
// here, in the caller's goroutine, so that the writer only writes.
func (j *Journal) prepare(e *entry, seq uint64, r *Record) error {
	owner := r.Owner.subject
	if owner == nil {
		var err error
		if owner, err = j.store.Subject(r.Subject); err != nil {
			return err
		}
	}
	e.seq, e.subject, e.erasedSubject = seq, owner, nil
	e.parties = append(e.parties[:0], r.Parties...)
	key := owner.Key()
	kd, kv := key.CommitmentKeys(seq)
	leaf := ledger.Leaf{
		Version: ledger.LeafVersion, Micros: r.Micros, Kind: r.Kind,
		Model: r.Model, Plan: r.Plan, Policy: r.Policy,
		Decision: ledger.CommitDecision(kd[:], r.Decision),
		Vector:   ledger.CommitVector(kv[:], r.Vector),
	}
	e.tag = r.Tag
	if e.tag == (Tag{}) && r.RequestID != "" {
		e.tag = j.Tag(r.Caller, r.RequestID)
	}
	e.public = recordfile.AppendPublic(e.public[:0], key.ID(), e.tag)
	e.public = leaf.AppendBinary(e.public)
	e.leafHash = ledger.HashLeaf(e.public[recordfile.PublicPrefix:])
	ad, dictionary := sealContext(seq, e.leafHash), j.dictionaries.current.Load()
	e.business = e.business[:0]
	if len(r.Parties)+len(r.Business) > 0 {
		programme, err := j.programme.of(seq)
		if err != nil {
			return err
		}
		e.plaintext = r.appendBusiness(e.plaintext[:0], key.ID())
		e.business = e.sealPart(e.business, dictionary, programme, ad[:])
	}
	e.listed, e.numbers = j.entryOf(r, key.ID(), e.numbers[:0], func(yield func(vault.ID) bool) {
		for _, p := range r.Parties {
			if !yield(p.ID()) {
				return
			}
		}
	})
	e.plaintext = r.appendPersonal(e.plaintext[:0])
	e.personal = e.sealPart(e.personal[:0], dictionary, key, ad[:])
	return nil
}

// Tag returns the tag of a caller's request id, for LookupTag and Record.Tag. Who
// looks up and then appends needs to make it only once.
func (j *Journal) Tag(caller, requestID string) Tag {
	return j.store.System().Tag("request", caller, requestID)
}

// push gives e to the writer.
func (j *Journal) push(e *entry) error {
	if e.seq >= j.taken.Load() {
		return fmt.Errorf("append: number %d was not taken: %w", e.seq, assay.ErrInvalid)
	}
	for {
		end := j.durable.Load()
		if e.seq < end {
			return fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid)
		}
		if e.seq-end < maxInFlight {
			break
		}
		select { // more is in flight than the ring holds
		case <-j.failed.done:
			return j.failed.get()
		case <-time.After(time.Millisecond):
		}
	}
	slot := &j.ring[e.seq%maxInFlight]
	if !slot.CompareAndSwap(nil, e) {
		return fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid)
	}
	if j.swept.Load() && slot.CompareAndSwap(e, nil) {
		return j.stopError() // the writer has stopped and will not look again
	}
	if j.awaited.Load() == e.seq {
		select {
		case j.wakeWriter <- struct{}{}:
		default:
		}
	}
	return nil
}

// wait waits for e's commit.
func (j *Journal) wait(ctx context.Context, e *entry) error {
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
		return fmt.Errorf("append: record %d is on its way to the journal, its promise was not awaited: %w",
			e.seq, ctx.Err())
	}
}

// release puts e back into the pool; its promise was made.
func (e *entry) release() {
	e.group, e.subject, e.erasedSubject, e.batch, e.err = nil, nil, nil, nil, nil
	clear(e.parties)
	entryPool.Put(e)
}
