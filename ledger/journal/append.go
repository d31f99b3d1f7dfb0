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

// window is how many numbers may be taken and not yet durable. A power of two.
const window = 1 << 16

// entry is one record on its way to the writer.
type entry struct {
	seq     uint64
	hash    assay.Digest
	value   []byte // the record as it will lie in the store
	plain   []byte // scratch for the sealed part's plaintext
	leaf    []byte // scratch
	request [16]byte
	indexed bool // request is set
	name    string
	owner   *subject
	erases  *subject // set by Erase

	group *group
	err   error
	done  chan struct{} // one token when group or err is set
}

// group is one commit: its promise covers count records from first.
type group struct {
	first     uint64
	count     uint32
	tree      ledger.Group
	signature [64]byte
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
	e, refused, err := j.ready(seq, r)
	if err != nil {
		return ledger.Promise{}, err
	}
	p, err := j.wait(ctx, e)
	if refused != nil {
		return ledger.Promise{}, refused
	}
	return p, err
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
		if first == nil {
			first = err
		}
	}
	entries := make([]*entry, len(rs))
	refused := make([]bool, len(rs))
	for i, r := range rs {
		e, why, err := j.ready(seqs[i], r)
		entries[i], refused[i] = e, why != nil
		note(why)
		note(err)
	}
	out := make([]ledger.Promise, len(rs))
	for i, e := range entries {
		if e == nil {
			continue
		}
		p, err := j.wait(ctx, e)
		note(err)
		if err == nil && !refused[i] {
			out[i] = p
		}
	}
	return out, first
}

// ready prepares a record, or a Failed one in its place, and gives it to the
// writer. refused says why the record itself was not taken.
func (j *Journal) ready(seq uint64, r *Record) (e *entry, refused, err error) {
	e = entryPool.Get().(*entry)
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
	e.leaf = leaf.AppendBinary(e.leaf[:0])
	e.hash = ledger.HashLeaf(e.leaf)
	e.plain = r.appendPrivate(e.plain[:0])
	ad := sealContext(seq, e.hash)
	if n := 19 + len(e.leaf) + len(e.plain) + vault.Overhead; cap(e.value) < n {
		e.value = make([]byte, 0, n+n/4)
	}
	e.value = appendStoredHead(e.value[:0], owner.key.ID(), e.leaf)
	e.value = owner.key.Seal(e.value, e.plain, ad[:])
	if e.indexed = r.RequestID != ""; e.indexed {
		e.request = j.requestTag(r.Caller, r.RequestID)
	}
	return nil
}

func (j *Journal) requestTag(caller, id string) [16]byte {
	return j.keys.system.key.Tag("request", caller, id)
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
	if !j.ring[e.seq%window].CompareAndSwap(nil, e) {
		return fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid)
	}
	if j.parked.Load() {
		select {
		case j.kick <- struct{}{}:
		default:
		}
	}
	return nil
}

// wait waits for e's commit and makes its promise.
func (j *Journal) wait(ctx context.Context, e *entry) (ledger.Promise, error) {
	select {
	case <-e.done:
	case <-ctx.Done():
		return ledger.Promise{}, fmt.Errorf("append: record %d is on its way to the journal, its promise was not awaited: %w", e.seq, ctx.Err())
	case <-j.stopped:
		select {
		case <-e.done: // it was committed before the writer stopped
		default:
			return ledger.Promise{}, j.stopError()
		}
	}
	if err := e.err; err != nil {
		return ledger.Promise{}, err
	}
	p := e.group.promise(e)
	e.group, e.owner, e.erases, e.name = nil, nil, nil, ""
	entryPool.Put(e)
	return p, nil
}
