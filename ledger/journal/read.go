// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// Lookup finds the record of a caller's request id and the digest of its body:
// the same body asks for the same answer, another is a conflict. It sees what
// is durable. If the record's subject was erased, ok is true, the body is
// unknown (zero) and err matches vault.ErrErased.
func (j *Journal) Lookup(caller, requestID string) (seq uint64, body assay.Digest, ok bool, err error) {
	return j.LookupTag(j.Tag(caller, requestID), caller, requestID)
}

// LookupTag is Lookup for who has made the Tag already.
func (j *Journal) LookupTag(tag Tag, caller, requestID string) (seq uint64, body assay.Digest, ok bool, err error) {
	if !j.seen.maybe(tag) {
		return 0, assay.Digest{}, false, nil
	}
	seq, ok = j.index.find(tag)
	if !ok {
		v, err := get(j.db, idKey(prefixRequest, tag))
		if errors.Is(err, assay.ErrNotFound) {
			return 0, assay.Digest{}, false, nil
		}
		if err != nil {
			return 0, assay.Digest{}, false, err
		}
		if len(v) != 8 {
			return 0, assay.Digest{}, false, fmt.Errorf("store: a request's number has %d bytes: %w", len(v), assay.ErrCorrupt)
		}
		seq = binary.BigEndian.Uint64(v)
	}
	r, err := j.Get(seq)
	if err != nil {
		return seq, assay.Digest{}, true, err
	}
	if r.Caller != caller || r.RequestID != requestID {
		return 0, assay.Digest{}, false, nil // another request with the same tag
	}
	return seq, r.Body, true, nil
}

// Get returns a durable record. With vault.ErrErased the public fields (kind,
// time, digests) are still set.
func (j *Journal) Get(seq uint64) (*Record, error) {
	s, err := j.stored(context.Background(), seq)
	if err != nil {
		return nil, err
	}
	r, _, err := j.open(seq, s)
	return r, err
}

// Leaf returns a durable record's public leaf.
func (j *Journal) Leaf(seq uint64) ([]byte, error) {
	if seq >= j.durable.Load() {
		return nil, fmt.Errorf("journal: record %d: %w", seq, assay.ErrNotFound)
	}
	s, err := j.rec.record(seq)
	return s.leaf, err
}

// LeafHash returns the hash of a durable record's leaf: it stands for the
// record, and for nothing else.
func (j *Journal) LeafHash(seq uint64) (assay.Digest, error) {
	leaf, err := j.Leaf(seq)
	if err != nil {
		return assay.Digest{}, err
	}
	return ledger.HashLeaf(leaf), nil
}

// StoredBytes returns what a durable record takes in the record files.
func (j *Journal) StoredBytes(seq uint64) (int, error) {
	s, err := j.stored(context.Background(), seq)
	return frameRow + publicFixed + len(s.leaf) + len(s.sealed), err
}

// stored reads a durable record whose key is in the store.
func (j *Journal) stored(ctx context.Context, seq uint64) (stored, error) {
	if seq >= j.durable.Load() {
		return stored{}, fmt.Errorf("journal: record %d: %w", seq, assay.ErrNotFound)
	}
	if err := j.waitIndexed(ctx, seq+1); err != nil {
		return stored{}, err
	}
	return j.rec.record(seq)
}

// open opens a stored record: leaf, then the sealed part, then it checks that
// the leaf's commitments are of what was sealed.
func (j *Journal) open(seq uint64, s stored) (*Record, *vault.Key, error) {
	leaf, err := ledger.ParseLeaf(s.leaf)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	r := &Record{Kind: leaf.Kind, Micros: leaf.Micros, Model: leaf.Model, Plan: leaf.Plan, Policy: leaf.Policy, Tag: s.tag}
	if len(s.sealed) == 0 {
		return r, nil, fmt.Errorf("journal: record %d: %w", seq, ErrRetired)
	}
	k, err := j.keys.byID(s.key)
	if err != nil {
		return r, nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	ad := sealContext(seq, ledger.HashLeaf(s.leaf))
	plain, err := k.Open(nil, s.sealed, ad[:])
	if err != nil {
		return r, nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	if err := r.parsePrivate(plain); err != nil {
		return r, nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	kd, kv := k.Commitments(seq)
	if ledger.CommitDecision(kd[:], r.Decision) != leaf.Decision || ledger.CommitVector(kv[:], r.Vector) != leaf.Vector {
		return r, nil, fmt.Errorf("journal: record %d: what was sealed is not what the leaf commits to: %w", seq, assay.ErrCorrupt)
	}
	return r, k, nil
}

// ErrRetired is returned for a record whose private part was dropped because
// its retention has passed. Its leaf stands.
var ErrRetired = errors.New("the private part was dropped: its retention has passed")

// Scan calls fn for each durable record in [from, to), in order, until fn
// returns an error. A record whose private part cannot be read, because its
// subject was erased or its retention has passed, is given with its public
// fields and the error.
func (j *Journal) Scan(from, to uint64, fn func(seq uint64, r *Record, err error) error) error {
	to = min(to, j.durable.Load())
	if err := j.waitIndexed(context.Background(), to); err != nil {
		return err
	}
	return j.rec.scan(context.Background(), from, to, wholeGroup, func(seq uint64, s stored) error {
		r, _, err := j.open(seq, s)
		if err != nil && !errors.Is(err, vault.ErrErased) && !errors.Is(err, ErrRetired) {
			return err
		}
		return fn(seq, r, err)
	})
}

// group reads the commit group that holds a record, and its leaf hashes.
func (j *Journal) group(seq uint64) (*group, []assay.Digest, error) {
	f, body, err := j.rec.group(seq)
	if err != nil {
		return nil, nil, err
	}
	g := &group{first: f.first, count: f.count, signature: f.signature}
	hashes := make([]assay.Digest, f.count)
	for i := range hashes {
		s, err := f.at(body, i)
		if err != nil {
			return nil, nil, err
		}
		hashes[i] = ledger.HashLeaf(s.leaf)
	}
	g.tree.Reset(hashes)
	return g, hashes, nil
}

// Promise makes a durable record's promise again.
func (j *Journal) Promise(ctx context.Context, seq uint64) (ledger.Promise, error) {
	if seq >= j.durable.Load() {
		return ledger.Promise{}, fmt.Errorf("journal: record %d: %w", seq, assay.ErrNotFound)
	}
	g, hashes, err := j.group(seq)
	if err != nil {
		return ledger.Promise{}, err
	}
	return g.promise(&entry{seq: seq, hash: hashes[seq-g.first]}), nil
}
