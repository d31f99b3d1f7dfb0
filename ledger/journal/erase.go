// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// ErasureNote is the opening of an erasure's leaf, in deterministic CBOR: it says
// which key was destroyed, and does not name the subject.
type ErasureNote struct {
	Version uint8    `cbor:"0,keyasint"`
	Key     vault.ID `cbor:"1,keyasint"`
	Reason  string   `cbor:"2,keyasint"`
}

// ErasureRequest asks for an erasure.
type ErasureRequest struct {
	Subject string // whose key is destroyed
	Reason  string // goes into the opening of the erasure's leaf: name no person in it
	// Caller, RequestID and Body make it safe to ask again: Lookup finds the
	// erasure's record by them. An empty RequestID is not indexed.
	Caller, RequestID string
	Body              assay.Digest
	Business          []byte // of the erasure's record, for whoever replays it: name no person in it
}

// Erase is DestroyKey and WaitErased: when it returns, the subject is erased for
// good. assay.ErrNotFound: no record is sealed under this subject's key.
func (j *Journal) Erase(ctx context.Context, name, reason string) (uint64, ledger.Promise, error) {
	seq, p, err := j.DestroyKey(ctx, ErasureRequest{Subject: name, Reason: reason})
	if err != nil {
		return seq, p, err
	}
	return seq, p, j.WaitErased(ctx, seq)
}

// DestroyKey destroys a subject's key: its records' private parts are unreadable
// from then on, and their leaves, promises and proofs still verify. The erasure
// is a record of the log; DestroyKey returns when it is durable.
// assay.ErrNotFound: no record is sealed under this subject's key.
//
// One group holds the record, the request id's tag and the destruction of the
// key, so a crash leaves all three or none of them. After that, two more steps
// make the erasure final: the key's bytes are purged from the store, and the
// master key is replaced, so that older copies of the directory do not open the
// key either. WaitErased waits for both; if a stop prevents them, the next start
// does them.
func (j *Journal) DestroyKey(ctx context.Context, r ErasureRequest) (seq uint64, p ledger.Promise, err error) {
	e, err := j.BeginErasure(r)
	if err != nil {
		return 0, p, err
	}
	p, err = e.Append(ctx)
	return e.Sequence, p, err
}

// BegunErasure is an erasure that has its number: the key is out of use from there on.
type BegunErasure struct {
	Sequence uint64
	Micros   int64
	Party    Party // whose key is destroyed

	j      *Journal
	record Record
}

// BeginErasure is the first half of DestroyKey: it takes the subject's key out of use and the next sequence number. A
// caller whose own state changes with an erasure calls it where it takes numbers, and Append afterwards, which must
// follow.
func (j *Journal) BeginErasure(r ErasureRequest) (*BegunErasure, error) {
	if err := j.Ready(); err != nil {
		return nil, err
	}
	rec := Record{Kind: ledger.Erasure, Caller: r.Caller, RequestID: r.RequestID, Body: r.Body,
		Business: r.Business}
	if err := rec.check(); err != nil { // before the key is dead
		return nil, err
	}
	old, err := j.store.RetireKey(r.Subject)
	if err != nil {
		return nil, err
	}
	b := &BegunErasure{Party: Party{old}, j: j, record: rec}
	b.Sequence, b.Micros = j.TakeAt()
	b.record.Micros = b.Micros
	note := ErasureNote{Version: 1, Key: old.Key().ID(), Reason: r.Reason}
	if b.record.Decision, err = assay.MarshalCBOR(&note); err != nil { // never
		j.failed.set(err)
		return nil, fmt.Errorf("erase: %w", err)
	}
	return b, nil
}

// Append is the second half of DestroyKey: it returns when the erasure's record is durable.
func (b *BegunErasure) Append(ctx context.Context) (p ledger.Promise, err error) {
	j := b.j
	e := entryPool.Get().(*entry)
	if err := j.prepare(e, b.Sequence, &b.record); err != nil {
		j.failed.set(err)
		return p, err
	}
	e.erasedSubject, e.batch = b.Party.subject, nil
	if err := j.push(e); err != nil {
		return p, err
	}
	if err := j.wait(ctx, e); err != nil {
		return p, err
	}
	p = e.group.promise(e)
	e.release()
	return p, nil
}

// WaitErased waits until the erasure in record seq is final: no file of the
// directory holds the key, and no master key is left that opens an older copy.
func (j *Journal) WaitErased(ctx context.Context, seq uint64) error {
	for j.erasures.finalBelow.Load() <= seq {
		if err := j.erasures.wait(ctx, j); err != nil {
			return err
		}
	}
	return nil
}
