// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// window is how many numbers may be taken and not yet durable. A power of two.
const window = 1 << 16

// entry is one record on its way to the writer.
type entry struct {
	seq    uint64
	hash   assay.Digest
	public []byte // key id || tag || leaf, as they will lie in the group
	sealed []byte
	plain  []byte // scratch for the sealed part's plaintext
	tag    Tag
	name   string
	owner  *subject
	erases *subject // set by Erase

	group *group
	err   error
	done  chan struct{} // one token when group or err is set
	batch *waiting      // instead of done: many entries of one caller
}

// waiting is one caller that waits for many entries.
type waiting struct {
	left atomic.Int32
	done chan struct{}
}

// settle wakes whoever waits for e: its group is durable, or err says why not.
func (e *entry) settle(g *group, err error) {
	e.group, e.err = g, err
	if w := e.batch; w != nil {
		if w.left.Add(-1) == 0 {
			close(w.done)
		}
		return
	}
	e.done <- struct{}{}
}

func (g *group) promise(e *entry) ledger.Promise {
	return ledger.Promise{
		Sequence:  e.seq,
		LeafHash:  e.hash,
		First:     g.first,
		Count:     g.count,
		Path:      g.tree.AppendPath(make([]assay.Digest, 0, 12), int(e.seq-g.first)),
		Signature: g.signature,
	}
}

var entryPool = sync.Pool{New: func() any { return &entry{done: make(chan struct{}, 1)} }}

// Take returns the next sequence number. The caller must Append it, with kind
// Failed if its work failed: until it does, nothing after it becomes durable.
// Ask Ready first.
func (j *Journal) Take() uint64 { return j.taken.Add(1) - 1 }

// Append makes the record durable under a number from Take, and returns the
// log's promise. It returns when the record and all before it are synced, or
// when ctx ends: then the record is still written, and only the waiting ends.
//
// A record that cannot be stored (ErrInvalid) leaves a Failed one in its place.
// ErrUnavailable: the journal stopped; whether the record is durable is known
// when it has been opened again.
func (j *Journal) Append(ctx context.Context, seq uint64, r *Record) (ledger.Promise, error) {
	e, refused, err := j.ready(seq, r, nil)
	if err != nil {
		return ledger.Promise{}, err
	}
	if err := j.wait(ctx, e); err != nil || refused != nil {
		return ledger.Promise{}, cmp.Or(refused, err)
	}
	p := e.group.promise(e)
	e.free()
	return p, nil
}

// AppendAll is Append for many records with one wait. Promises stand in the
// order of seqs; the error is the first one, and the promise of a record that
// was refused is the zero Promise.
func (j *Journal) AppendAll(ctx context.Context, seqs []uint64, rs []*Record) ([]ledger.Promise, error) {
	if len(seqs) != len(rs) {
		return nil, fmt.Errorf("append: %d numbers for %d records: %w", len(seqs), len(rs), assay.ErrInvalid)
	}
	var first error
	note := func(err error) {
		first = cmp.Or(first, err)
	}
	all := &waiting{done: make(chan struct{})}
	all.left.Store(int32(len(rs) + 1)) // one for this caller: it is not woken before all are handed over
	entries := make([]*entry, len(rs))
	refused := make([]bool, len(rs))
	for i, r := range rs {
		e, why, err := j.ready(seqs[i], r, all)
		if err != nil {
			all.left.Add(-1)
			e = nil
		}
		entries[i], refused[i] = e, why != nil
		note(why)
		note(err)
	}
	if all.left.Add(-1) > 0 {
		select {
		case <-all.done:
		case <-ctx.Done():
			note(fmt.Errorf("append: the records are on their way to the journal, their promises were not awaited: %w", ctx.Err()))
			return make([]ledger.Promise, len(rs)), first
		}
	}
	out := make([]ledger.Promise, len(rs))
	for i, e := range entries {
		if e == nil {
			continue
		}
		if note(e.err); e.err == nil && !refused[i] {
			out[i] = e.group.promise(e)
		}
		e.free()
	}
	return out, first
}

// ready prepares a record, or a Failed one in its place, and gives it to the
// writer. refused says why the record itself was not taken.
func (j *Journal) ready(seq uint64, r *Record, all *waiting) (e *entry, refused, err error) {
	e = entryPool.Get().(*entry)
	e.batch = all
	refused = r.check()
	if refused == nil {
		refused = j.prepare(e, seq, r)
	}
	if refused != nil {
		failed := Record{Kind: ledger.Failed, Micros: r.Micros}
		if err := j.prepare(e, seq, &failed); err != nil {
			j.failed.set(err)
			return nil, refused, err
		}
	}
	return e, refused, j.push(e)
}

// prepare makes the stored bytes. All of the record's cryptography is done
// here, in the caller's goroutine, so that the writer only writes.
func (j *Journal) prepare(e *entry, seq uint64, r *Record) error {
	owner, err := j.keys.get(r.Subject)
	if err != nil {
		return err
	}
	e.seq, e.name, e.owner, e.erases = seq, r.Subject, owner, nil
	kd, kv := owner.key.Commitments(seq)
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
	id := owner.key.ID()
	e.public = append(append(e.public[:0], id[:]...), e.tag[:]...)
	e.public = leaf.AppendBinary(e.public)
	e.hash = ledger.HashLeaf(e.public[publicFixed:])
	e.plain = r.appendPrivate(e.plain[:0])
	ad := sealContext(seq, e.hash)
	if n := len(e.plain) + vault.Overhead; cap(e.sealed) < n {
		e.sealed = make([]byte, 0, n+n/4)
	}
	e.sealed = owner.key.Seal(e.sealed[:0], e.plain, ad[:])
	return nil
}

// Tag returns what stands for a caller's request id, for LookupTag and
// Record.Tag: who looks up and appends makes it once.
func (j *Journal) Tag(caller, requestID string) Tag {
	return j.keys.system.key.Tag("request", caller, requestID)
}

// push hands e to the writer.
func (j *Journal) push(e *entry) error {
	if e.seq >= j.taken.Load() {
		return fmt.Errorf("append: number %d was not taken: %w", e.seq, assay.ErrInvalid)
	}
	for {
		end := j.durable.Load()
		if e.seq < end {
			return fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid)
		}
		if e.seq-end < window {
			break
		}
		select { // more is in flight than the ring holds
		case <-j.failed.done:
			return j.failed.get()
		case <-time.After(time.Millisecond):
		}
	}
	slot := &j.ring[e.seq%window]
	if !slot.CompareAndSwap(nil, e) {
		return fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid)
	}
	if j.halted.Load() && slot.CompareAndSwap(e, nil) {
		return j.stopError() // the writer has swept the ring before
	}
	if j.wake.Load() == e.seq {
		select {
		case j.kick <- struct{}{}:
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
		return fmt.Errorf("append: record %d is on its way to the journal, its promise was not awaited: %w", e.seq, ctx.Err())
	}
}

// free gives e back; its promise was made.
func (e *entry) free() {
	e.group, e.owner, e.erases, e.name, e.batch, e.err = nil, nil, nil, "", nil, nil
	entryPool.Put(e)
}
