// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// rewrapChunk is how many keys are wrapped again under one hold of the lock
// that keeps the writer from committing keys and erasures.
const rewrapChunk = 256

// RotationNote is the opening of a key rotation's leaf, in deterministic CBOR.
type RotationNote struct {
	Version uint8  `cbor:"0,keyasint"`
	Keys    uint64 `cbor:"1,keyasint"` // subject keys wrapped again
}

// RotateMaster replaces the master key and wraps every living subject key
// again. It returns when the old master key is destroyed. Run must be running.
func (j *Journal) RotateMaster(ctx context.Context) error {
	if err := j.Ready(); err != nil {
		return err
	}
	return j.scrub.wait(ctx, j)
}

// rotateMaster replaces the master key. It can be cut short anywhere: while two
// master keys are kept, the next start begins again.
func (j *Journal) rotateMaster(ctx context.Context) error {
	j.writeMu.Lock() // after this, no group that is written holds a key wrapped by the old one
	upto := j.durable.Load()
	err := j.master.Rotate()
	j.writeMu.Unlock()
	if err != nil {
		return err
	}
	// What the old one wrapped in groups is in the store, and is wrapped again
	// there; the copy in the record files dies with the old one.
	if err := j.waitIndexed(ctx, j.durable.Load()); err != nil {
		return err
	}
	n, err := j.rewrap(ctx)
	if err != nil {
		return err
	}
	// Deleted keys leave the store's files, not only its view.
	if err := j.db.Flush(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, p := range []byte{prefixKey, prefixSubject} {
		if err := j.db.Compact(ctx, []byte{p}, []byte{p + 1}, false); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := j.master.Retire(); err != nil {
		return err
	}
	if err := j.db.Set(metaKey(metaFinal), binary.BigEndian.AppendUint64(nil, upto), pebble.Sync); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	j.scrub.final.Store(upto)
	text, err := assay.MarshalCBOR(&RotationNote{Version: 1, Keys: n})
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	_, err = j.Append(ctx, j.Take(), &Record{Kind: ledger.KeyRotation, Micros: j.cfg.Now().UnixMicro(), Decision: text})
	return err
}

// rewrap wraps every subject key in the store under the newest master key.
func (j *Journal) rewrap(ctx context.Context) (n uint64, err error) {
	from := []byte{prefixKey}
	for from != nil {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		var done uint64
		if from, done, err = j.rewrapFrom(from); err != nil {
			return n, err
		}
		n += done
	}
	return n, nil
}

// rewrapFrom wraps one chunk again and returns where the next begins, nil at
// the end.
func (j *Journal) rewrapFrom(from []byte) (next []byte, n uint64, err error) {
	j.keyMu.Lock()
	defer j.keyMu.Unlock()
	it, err := j.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{prefixKey + 1}})
	if err != nil {
		return nil, 0, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	b := j.db.NewBatch()
	defer b.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if n == rewrapChunk {
			next = bytes.Clone(it.Key())
			break
		}
		if len(it.Key()) != 17 {
			return nil, 0, fmt.Errorf("store: a key id of %d bytes: %w", len(it.Key())-1, assay.ErrCorrupt)
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, 0, fmt.Errorf("store: %w", err)
		}
		k, err := j.master.Unwrap(vault.ID(it.Key()[1:]), v)
		if err != nil {
			return nil, 0, err
		}
		w, err := j.master.Wrap(k)
		if err != nil {
			return nil, 0, err
		}
		if err := set(b, it.Key(), w); err != nil {
			return nil, 0, fmt.Errorf("store: %w", err)
		}
		n++
	}
	if err := it.Error(); err != nil {
		return nil, 0, fmt.Errorf("store: %w", err)
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return nil, 0, fmt.Errorf("store: %w", err)
	}
	return next, n, nil
}
