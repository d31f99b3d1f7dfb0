// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// rewrapChunk is how many keys are wrapped again while new keys and erasures wait.
const rewrapChunk = 256

// Rewrap wraps every subject key in the store under the newest master key. It returns how many there are.
func (s *Store) Rewrap(ctx context.Context) (n uint64, err error) {
	from := []byte{byte(Keys)}
	for from != nil {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		var done uint64
		if from, done, err = s.rewrapFrom(from); err != nil {
			return n, err
		}
		n += done
	}
	return n, nil
}

// rewrapFrom wraps one chunk again and returns where the next begins, nil at
// the end.
func (s *Store) rewrapFrom(from []byte) (next []byte, n uint64, err error) {
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{byte(Keys) + 1}})
	if err != nil {
		return nil, 0, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	b := s.db.NewBatch()
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
		k, err := s.master.Unwrap(vault.ID(it.Key()[1:]), v)
		if err != nil {
			return nil, 0, err
		}
		w, err := s.master.Wrap(k)
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

// Purge removes deleted keys from the store's files, where they would still be readable.
func (s *Store) Purge(ctx context.Context) error {
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, t := range []Table{Keys, Subjects} {
		if err := s.db.Compact(ctx, []byte{byte(t)}, []byte{byte(t) + 1}, false); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// NewestErasure returns the largest sequence number of an erasure.
func (s *Store) NewestErasure() (newest uint64, ok bool, err error) {
	err = s.Each(context.Background(), Erased, func(_, v []byte) error {
		if len(v) == 8 { // fsck names one that is not
			newest, ok = max(newest, binary.BigEndian.Uint64(v)), true
		}
		return nil
	})
	return newest, ok, err
}

// CopyTo copies the store. The copy has the keys of exactly the records below upto.
func (s *Store) CopyTo(dst string) (upto uint64, err error) {
	s.keyMu.Lock() // applyGroups waits
	defer s.keyMu.Unlock()
	if upto, err = s.Number(Indexed); err != nil {
		return 0, err
	}
	return upto, s.db.Checkpoint(dst, pebble.WithFlushedWAL())
}
