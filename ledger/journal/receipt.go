// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
)

// Receipt makes the receipt of a durable record: under the newest anchored
// checkpoint if that covers it, else under the newest time-stamped or published
// one, else with the promise alone. vault.ErrErased: the openings cannot be read
// any more, because the key was destroyed.
func (j *Journal) Receipt(ctx context.Context, seq uint64) (*assay.Receipt, error) {
	note, anchor, err := j.anchored()
	if err != nil {
		return nil, err
	}
	if cp, err := ledger.ParseCheckpoint(note, j.Key()); note == nil || err != nil || cp.Size <= seq {
		anchor = nil
		var size uint64
		if note, size = j.Checkpoint(); size <= seq {
			note = nil
		}
	}
	stamped, token, err := j.stamped()
	if err != nil {
		return nil, err
	}
	if cp, err := ledger.ParseCheckpoint(stamped, j.Key()); anchor == nil && err == nil && cp.Size > seq {
		note = stamped
	}
	r, err := j.ReceiptAt(ctx, seq, note, anchor)
	if err == nil && note != nil && bytes.Equal(note, stamped) {
		r.Timestamp = token
	}
	return r, err
}

// ReceiptAt makes the receipt under a given checkpoint of this log, with the proof
// of that checkpoint's anchor; both may be nil.
func (j *Journal) ReceiptAt(
	ctx context.Context, seq uint64, note []byte, anchor json.RawMessage,
) (*assay.Receipt, error) {
	s, err := j.stored(ctx, seq)
	if err != nil {
		return nil, err
	}
	r, k, err := j.open(seq, s)
	if err != nil {
		return nil, err
	}
	p, err := j.Promise(ctx, seq)
	if err != nil {
		return nil, err
	}
	kd, kv := k.CommitmentKeys(seq)
	out := &assay.Receipt{
		Version: ledger.ReceiptVersion, Log: j.key.Origin,
		Decision: r.Decision, Vector: r.Vector, DecisionKey: kd[:], VectorKey: kv[:],
		Leaf: s.Leaf, Index: seq, Promise: p.AppendBinary(nil),
	}
	if note == nil {
		return out, nil
	}
	cp, err := ledger.ParseCheckpoint(note, j.Key())
	if err != nil {
		return nil, err
	}
	if out.Inclusion, err = j.inclusion(ctx, seq, ledger.HashLeaf(s.Leaf), cp); err != nil {
		return nil, err
	}
	out.Checkpoint, out.Anchor = note, anchor
	return out, nil
}

// inclusion builds an audit path from the log's tiles and checks it, so that a
// tile that was changed gives an error and not a wrong receipt.
func (j *Journal) inclusion(
	ctx context.Context, seq uint64, leaf assay.Digest, cp ledger.Checkpoint,
) ([][]byte, error) {
	path, err := j.logDir().Inclusion(ctx, seq, cp.Size)
	if err != nil {
		return nil, err
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, seq, cp.Size, leaf[:], path, cp.Root[:]); err != nil {
		return nil, fmt.Errorf("log: the tiles do not prove that entry %d is under the checkpoint of size %d; run "+
			"fsck: %w: %w", seq, cp.Size, err, assay.ErrCorrupt)
	}
	return path, nil
}

// Consistency returns the RFC 9162 consistency proof between two sizes of the log,
// from its tiles. It does not check the proof: whoever uses it compares it with
// the roots, such as those of RootAt.
func (j *Journal) Consistency(ctx context.Context, from, to uint64) ([][]byte, error) {
	if from == 0 || from == to {
		return nil, nil
	}
	return j.logDir().Consistency(ctx, from, to)
}

// RootAt computes the root of the journal's first size records from the
// records themselves. It reads all of them.
func (j *Journal) RootAt(ctx context.Context, size uint64) (assay.Digest, error) {
	if size > j.durable.Load() {
		return assay.Digest{}, fmt.Errorf("journal: size %d: %w", size, assay.ErrNotFound)
	}
	return j.guard.RootAt(ctx, size)
}

// RecordAnchor keeps the newest anchored checkpoint and its proof, for receipts.
// If a newer one is kept already, it changes nothing.
func (j *Journal) RecordAnchor(note []byte, anchor json.RawMessage) error {
	cp, err := ledger.ParseCheckpoint(note, j.Key())
	if err != nil {
		return err
	}
	have, _, err := j.anchored()
	if err != nil {
		return err
	}
	if have != nil {
		if old, err := ledger.ParseCheckpoint(have, j.Key()); err == nil && old.Size > cp.Size {
			return nil
		}
	}
	return j.store.SetProvenCheckpoint(store.Anchor, note, anchor)
}

// anchored returns the newest anchored checkpoint and its proof, nil if none.
func (j *Journal) anchored() (note []byte, anchor json.RawMessage, err error) {
	return j.store.ProvenCheckpoint(store.Anchor)
}

// RecordTimestamp keeps the newest time-stamped checkpoint and its RFC 3161
// token, for receipts. If a newer one is kept already, it changes nothing.
func (j *Journal) RecordTimestamp(note, token []byte) error {
	cp, err := ledger.ParseCheckpoint(note, j.Key())
	if err != nil {
		return err
	}
	have, _, err := j.stamped()
	if err != nil {
		return err
	}
	if old, err := ledger.ParseCheckpoint(have, j.Key()); err == nil && old.Size > cp.Size {
		return nil
	}
	return j.store.SetProvenCheckpoint(store.Timestamp, note, token)
}

// stamped returns the newest time-stamped checkpoint and its token, nil if none.
func (j *Journal) stamped() (note, token []byte, err error) {
	return j.store.ProvenCheckpoint(store.Timestamp)
}
