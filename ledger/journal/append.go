// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"cmp"
	"context"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// Append makes the record durable under a number from TakeAt, and returns the
// log's promise. It returns when the record and all before it are synced, or
// when ctx ends: then the record is still written, and only the waiting ends.
//
// If a record cannot be stored (ErrInvalid), a Failed one is stored in its place.
// ErrUnavailable: the journal stopped; whether the record is durable is known
// only when it has been opened again.
func (j *Journal) Append(ctx context.Context, seq uint64, r *Record) (ledger.Promise, error) {
	e, refused, err := j.submit(seq, r, nil)
	if err != nil {
		return ledger.Promise{}, err
	}
	if err := j.wait(ctx, e); err != nil || refused != nil {
		return ledger.Promise{}, cmp.Or(refused, err)
	}
	p := e.group.promise(e)
	e.release()
	return p, nil
}

// AppendAll is Append for many records, with one wait. The promises are in the
// order of seqs. The error is the first one; a record that was refused has the
// zero Promise.
func (j *Journal) AppendAll(ctx context.Context, seqs []uint64, rs []*Record) ([]ledger.Promise, error) {
	if len(seqs) != len(rs) {
		return nil, fmt.Errorf("append: %d numbers for %d records: %w", len(seqs), len(rs), assay.ErrInvalid)
	}
	var first error
	note := func(err error) {
		first = cmp.Or(first, err)
	}
	all := &batchWait{done: make(chan struct{})}
	all.left.Store(int32(len(rs) + 1)) // one more, so that nobody wakes us before all are submitted
	entries := make([]*entry, len(rs))
	refused := make([]bool, len(rs))
	for i, r := range rs {
		e, why, err := j.submit(seqs[i], r, all)
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
			note(fmt.Errorf("append: the records are on their way to the journal, their promises were not awaited: "+
				"%w", ctx.Err()))
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
		e.release()
	}
	return out, first
}

// submit prepares a record, or a Failed one in its place, and gives it to the writer. refused says why the record
// itself was not accepted.
func (j *Journal) submit(seq uint64, r *Record, all *batchWait) (e *entry, refused, err error) {
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
