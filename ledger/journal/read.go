// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// Lookup finds the record of a caller's request id and the digest of its body: a
// request with the same body gets the same answer, one with another body is a
// conflict. It finds only durable records. If the record's subject was erased, ok
// is true, the body is unknown (zero) and err matches vault.ErrErased.
func (j *Journal) Lookup(caller, requestID string) (seq uint64, body assay.Digest, ok bool, err error) {
	return j.LookupTag(j.Tag(caller, requestID), caller, requestID)
}

// LookupTag is Lookup for a caller who has made the Tag already.
func (j *Journal) LookupTag(tag Tag, caller, requestID string) (seq uint64, body assay.Digest, ok bool, err error) {
	seq, ok, err = j.store.Find(tag)
	if err != nil || !ok {
		return 0, assay.Digest{}, false, err
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
	s, err := j.records.Record(seq)
	return s.Leaf, err
}

// LeafHash returns the hash of a durable record's leaf. No other record has it.
func (j *Journal) LeafHash(seq uint64) (assay.Digest, error) {
	leaf, err := j.Leaf(seq)
	if err != nil {
		return assay.Digest{}, err
	}
	return ledger.HashLeaf(leaf), nil
}

// StoredBytes returns how many bytes of the record files a durable record takes.
func (j *Journal) StoredBytes(seq uint64) (int, error) {
	s, err := j.stored(context.Background(), seq)
	return s.Bytes(), err
}

// stored reads a durable record whose key is in the store.
func (j *Journal) stored(ctx context.Context, seq uint64) (recordfile.StoredRecord, error) {
	if seq >= j.durable.Load() {
		return recordfile.StoredRecord{}, fmt.Errorf("journal: record %d: %w", seq, assay.ErrNotFound)
	}
	if err := j.waitApplied(ctx, seq+1); err != nil {
		return recordfile.StoredRecord{}, err
	}
	return j.records.Record(seq)
}

// open opens a stored record: the leaf, the business part, then the personal part. Then it checks that the leaf commits
// to what was sealed. An error that matches vault.ErrErased or ErrRetired leaves the other parts set.
func (j *Journal) open(seq uint64, s recordfile.StoredRecord) (*Record, *vault.Key, error) {
	o, err := j.openLasting(seq, s)
	if err != nil {
		return nil, nil, err
	}
	k, err := j.openPersonal(o, seq, s)
	return &o.Record, k, err
}

// openedRecord is a record that is being opened.
type openedRecord struct {
	Record
	leaf    ledger.Leaf
	context [40]byte // see sealContext
}

// openLasting opens what stays of a stored record, whoever is erased: the leaf and the business part.
func (j *Journal) openLasting(seq uint64, s recordfile.StoredRecord) (*openedRecord, error) {
	leaf, err := ledger.ParseLeaf(s.Leaf)
	if err != nil {
		return nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	o := &openedRecord{leaf: leaf, context: sealContext(seq, ledger.HashLeaf(s.Leaf))}
	o.Kind, o.Micros, o.Tag = leaf.Kind, leaf.Micros, s.Tag
	o.Model, o.Plan, o.Policy = leaf.Model, leaf.Plan, leaf.Policy
	if len(s.Business) > 0 {
		if err := j.openBusiness(&o.Record, seq, s, o.context[:]); err != nil {
			return nil, fmt.Errorf("journal: record %d: %w", seq, err)
		}
	}
	return o, nil
}

// openPersonal opens the personal part of a stored record, and checks that its leaf commits to what was sealed.
func (j *Journal) openPersonal(o *openedRecord, seq uint64, s recordfile.StoredRecord) (*vault.Key, error) {
	if len(s.Personal) == 0 {
		return nil, fmt.Errorf("journal: record %d: %w", seq, ErrRetired)
	}
	k, err := j.store.Key(s.Key)
	if err != nil {
		return nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	plain, err := openPart(k, j.dictionaries.decoder.Load(), s.Version, s.Personal, o.context[:])
	if err == nil {
		err = o.parsePersonal(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("journal: record %d: %w", seq, err)
	}
	kd, kv := k.CommitmentKeys(seq)
	if ledger.CommitDecision(kd[:], o.Decision) != o.leaf.Decision ||
		ledger.CommitVector(kv[:], o.Vector) != o.leaf.Vector {
		return nil, fmt.Errorf("journal: record %d: what was sealed is not what the leaf commits to: %w",
			seq, assay.ErrCorrupt)
	}
	return k, nil
}

// openBusiness opens a record's business part.
func (j *Journal) openBusiness(r *Record, seq uint64, s recordfile.StoredRecord, ad []byte) error {
	key, err := j.programme.of(seq)
	if err != nil {
		return err
	}
	plain, err := openPart(key, j.dictionaries.decoder.Load(), s.Version, s.Business, ad)
	if err != nil {
		return err
	}
	return r.parseBusiness(plain, s.Key)
}

// personalGone reports whether an error says that a personal part is gone for good, and nothing worse.
func personalGone(err error) bool {
	return errors.Is(err, vault.ErrErased) || errors.Is(err, ErrRetired)
}

// EachLeaf calls fn with the public leaf of each durable record, in order; its bytes are valid until fn returns.
func (j *Journal) EachLeaf(ctx context.Context, fn func(seq uint64, leaf []byte) error) error {
	return j.leaves(ctx, 0, j.durable.Load(), func(seq uint64, leaf []byte, _ *assay.Digest) error {
		return fn(seq, leaf)
	})
}

// ErrRetired is returned for a record whose private part was dropped because its
// retention has passed. Its leaf is still there.
var ErrRetired = errors.New("the private part was dropped: its retention has passed")

// scanBySingle is how many records Scan reads one by one: more of them are read by groups.
const scanBySingle = 8

// Scan calls fn for each durable record in [from, to), in order, until fn returns
// an error. If a record's private part cannot be read, because its subject was
// erased or its retention has passed, fn gets the public fields and the error.
func (j *Journal) Scan(from, to uint64, fn func(seq uint64, r *Record, err error) error) error {
	to = min(to, j.durable.Load())
	if err := j.waitApplied(context.Background(), to); err != nil {
		return err
	}
	if from < to && to-from <= scanBySingle {
		for seq := from; seq < to; seq++ {
			r, err := j.Get(seq)
			if err != nil && !personalGone(err) {
				return err
			}
			if err := fn(seq, r, err); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, read := context.Background(), recordfile.AllSections
	return j.records.Scan(ctx, from, to, read, func(seq uint64, s recordfile.StoredRecord) error {
		r, _, err := j.open(seq, s)
		if err != nil && !personalGone(err) {
			return err
		}
		return fn(seq, r, err)
	})
}

// ScanLasting is Scan for whoever needs no personal part of the kinds of record that lasting names: of those that have
// a business part, the personal part is not opened, which costs more than all else.
func (j *Journal) ScanLasting(from, to uint64, lasting func(ledger.Kind) bool,
	fn func(seq uint64, r *Record, err error) error) error {
	to = min(to, j.durable.Load())
	if err := j.waitApplied(context.Background(), to); err != nil {
		return err
	}
	ctx, read := context.Background(), recordfile.AllSections
	return j.records.Scan(ctx, from, to, read, func(seq uint64, s recordfile.StoredRecord) error {
		o, err := j.openLasting(seq, s)
		if err != nil {
			return err
		}
		if len(s.Business) == 0 || !lasting(o.Kind) {
			_, err = j.openPersonal(o, seq, s)
		}
		if err != nil && !personalGone(err) {
			return err
		}
		return fn(seq, &o.Record, err)
	})
}

// group reads the commit group that holds a record, and its leaf hashes.
func (j *Journal) group(seq uint64) (*group, []assay.Digest, error) {
	b, err := j.records.Group(seq)
	if err != nil {
		return nil, nil, err
	}
	g := &group{first: b.First, count: b.Count}
	hashes := make([]assay.Digest, b.Count)
	for i := range hashes {
		s, err := b.At(i)
		if err != nil {
			return nil, nil, err
		}
		hashes[i] = ledger.HashLeaf(s.Leaf)
	}
	g.tree.Reset(hashes)
	return g, hashes, j.findSignature(g, &b.Head)
}

// findSignature fills the signature of a group's promise. One that a crash has lost is made again: it is the same.
func (j *Journal) findSignature(g *group, h *recordfile.Head) (err error) {
	if h.Version == 1 {
		g.signature = h.Signature
		return nil
	}
	var ok bool
	if g.signature, ok, err = j.signatures.Find(g.first, g.count); err == nil && !ok {
		g.signature = j.guard.SignPromise(g.first, g.count, g.tree.Root())
	}
	return err
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
	return g.promise(&entry{seq: seq, leafHash: hashes[seq-g.first]}), nil
}
