// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// Lookup finds the record of a caller's request id and the digest of its body:
// the same body asks for the same answer, another is a conflict. It sees what
// is durable. If the record's subject was erased, ok is true, the body is
// unknown (zero) and err matches vault.ErrErased.
func (j *Journal) Lookup(caller, requestID string) (seq uint64, body assay.Digest, ok bool, err error) {
	tag := j.requestTag(caller, requestID)
	if !j.seen.maybe(tag) {
		return 0, assay.Digest{}, false, nil
	}
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
	b, err := j.stored(seq)
	if err != nil {
		return nil, err
	}
	r, _, err := j.open(seq, b)
	return r, err
}

// Leaf returns a durable record's public leaf.
func (j *Journal) Leaf(seq uint64) ([]byte, error) {
	b, err := j.stored(seq)
	if err != nil {
		return nil, err
	}
	s, err := parseStored(b)
	return s.leaf, err
}

// StoredBytes returns what a durable record's value takes in the store.
func (j *Journal) StoredBytes(seq uint64) (int, error) {
	b, err := j.stored(seq)
	return len(b), err
}

func (j *Journal) stored(seq uint64) ([]byte, error) {
	if seq >= j.durable.Load() {
		return nil, fmt.Errorf("journal: record %d: %w", seq, assay.ErrNotFound)
	}
	b, err := get(j.db, seqKey(prefixRecord, seq))
	if err != nil {
		return nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	return b, nil
}

// open opens stored bytes: leaf, then the sealed part, then it checks that the
// leaf's commitments are of what was sealed.
func (j *Journal) open(seq uint64, b []byte) (*Record, *vault.Key, error) {
	s, err := parseStored(b)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	leaf, err := ledger.ParseLeaf(s.leaf)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	r := &Record{Kind: leaf.Kind, Micros: leaf.Micros, Model: leaf.Model, Plan: leaf.Plan, Policy: leaf.Policy}
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
	return j.scan(context.Background(), from, to, func(seq uint64, b []byte) error {
		r, _, err := j.open(seq, append([]byte(nil), b...))
		if err != nil && !errors.Is(err, vault.ErrErased) && !errors.Is(err, ErrRetired) {
			return err
		}
		return fn(seq, r, err)
	})
}

// leaves calls fn with each leaf in [from, to); the bytes are lent.
func (j *Journal) leaves(ctx context.Context, from, to uint64, fn func(seq uint64, leaf []byte) error) error {
	return j.scan(ctx, from, to, func(seq uint64, b []byte) error {
		s, err := parseStored(b)
		if err != nil {
			return fmt.Errorf("journal: record %d: %w", seq, err)
		}
		return fn(seq, s.leaf)
	})
}

// scan calls fn with the stored bytes of each record in [from, to); all of
// them must be there.
func (j *Journal) scan(ctx context.Context, from, to uint64, fn func(seq uint64, b []byte) error) (err error) {
	to = min(to, j.durable.Load())
	if from >= to {
		return nil
	}
	it, err := j.db.NewIter(&pebble.IterOptions{LowerBound: seqKey(prefixRecord, from), UpperBound: seqKey(prefixRecord, to)})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	want := from
	for ok := it.First(); ok; ok = it.Next() {
		if want&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if k := it.Key(); len(k) != 9 || binary.BigEndian.Uint64(k[1:]) != want {
			break
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("store: record %d: %w", want, err)
		}
		if err := fn(want, v); err != nil {
			return err
		}
		want++
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if want != to {
		return fmt.Errorf("journal: record %d is missing: %w", want, assay.ErrCorrupt)
	}
	return nil
}

// group reads the commit group that holds a record; its tree is not built.
func (j *Journal) group(seq uint64) (*group, error) {
	it, err := j.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixGroup}, UpperBound: []byte{prefixGroup + 1}})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer it.Close()
	if !it.SeekLT(seqKey(prefixGroup, seq+1)) {
		return nil, fmt.Errorf("journal: record %d is in no group: %w", seq, errors.Join(assay.ErrCorrupt, it.Error()))
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if len(it.Key()) != 9 || len(v) != 4+64 {
		return nil, fmt.Errorf("journal: a group of %d bytes: %w", len(v), assay.ErrCorrupt)
	}
	g := &group{first: binary.BigEndian.Uint64(it.Key()[1:]), count: binary.BigEndian.Uint32(v)}
	copy(g.signature[:], v[4:])
	if seq-g.first >= uint64(g.count) {
		return nil, fmt.Errorf("journal: record %d is in no group: %w", seq, assay.ErrCorrupt)
	}
	return g, nil
}

// Promise makes a durable record's promise again.
func (j *Journal) Promise(ctx context.Context, seq uint64) (ledger.Promise, error) {
	if seq >= j.durable.Load() {
		return ledger.Promise{}, fmt.Errorf("journal: record %d: %w", seq, assay.ErrNotFound)
	}
	g, err := j.group(seq)
	if err != nil {
		return ledger.Promise{}, err
	}
	hashes := make([]assay.Digest, 0, g.count)
	err = j.leaves(ctx, g.first, g.first+uint64(g.count), func(_ uint64, leaf []byte) error {
		hashes = append(hashes, ledger.HashLeaf(leaf))
		return nil
	})
	if err != nil {
		return ledger.Promise{}, err
	}
	g.tree.Reset(hashes)
	return g.promise(&entry{seq: seq, hash: hashes[seq-g.first]}), nil
}
