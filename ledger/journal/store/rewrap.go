// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// rewrapChunk is how many keys are wrapped again by one request to the master keys, and written by one sync.
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

// rewrapFrom wraps one chunk again and returns where the next begins, nil at the end. The master keys may be far away:
// new keys and erasures wait only while the chunk is written, and a key that was erased meanwhile stays so.
func (s *Store) rewrapFrom(from []byte) (next []byte, n uint64, err error) {
	old, next, err := s.wrappedKeys(from)
	if err != nil {
		return nil, 0, err
	}
	keys, err := s.master.Unwrap(old...)
	if err != nil {
		return nil, 0, err
	}
	renewed, err := s.master.Wrap(keys...)
	if err != nil {
		return nil, 0, err
	}
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	for i, w := range old {
		v, err := get(s.db, Keys.key(w.ID))
		if errors.Is(err, assay.ErrNotFound) {
			continue
		}
		if err == nil && bytes.Equal(v, w.Bytes) {
			err = set(b, Keys.key(w.ID), renewed[i])
		}
		if err != nil {
			return nil, 0, fmt.Errorf("store: %w", err)
		}
		n++
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return nil, 0, fmt.Errorf("store: %w", err)
	}
	return next, n, nil
}

// wrappedKeys reads a chunk of the subject keys, and where the next begins, nil at the end.
func (s *Store) wrappedKeys(from []byte) (chunk []vault.WrappedKey, next []byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{byte(Keys) + 1}})
	if err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if len(chunk) == rewrapChunk {
			return chunk, bytes.Clone(it.Key()), nil
		}
		if len(it.Key()) != 17 {
			return nil, nil, fmt.Errorf("store: a key id of %d bytes: %w", len(it.Key())-1, assay.ErrCorrupt)
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, nil, fmt.Errorf("store: %w", err)
		}
		chunk = append(chunk, vault.WrappedKey{ID: vault.ID(it.Key()[1:]), Bytes: bytes.Clone(v)})
	}
	if err := it.Error(); err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	return chunk, nil, nil
}

// patience is how long a group waits for master keys that are out of reach: when it cannot be made, the journal stops.
const patience = 30 * time.Second

// wrapPatiently wraps a key that was wrapped before a rotation and is not durable yet.
func (s *Store) wrapPatiently(k *vault.Key) ([]byte, error) {
	for since := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		w, err := s.master.Wrap(k)
		if err == nil {
			return w[0], nil
		}
		if !errors.Is(err, assay.ErrUnavailable) || time.Since(since) > patience {
			return nil, err
		}
		s.opts.Logger.Warn("store: a subject's key must be wrapped again, and the master keys are out of reach",
			"error", err)
	}
}

// Purge removes deleted keys from the store's files, where they would still be readable.
func (s *Store) Purge(ctx context.Context) error {
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for _, t := range []Table{Keys, Subjects, Columns} {
		if err := s.db.Compact(ctx, []byte{byte(t)}, []byte{byte(t) + 1}, false); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return s.purgeParties(ctx)
}

// purgeParties removes the deleted rows of the parties whose erasures are not final yet.
func (s *Store) purgeParties(ctx context.Context) error {
	final, err := s.Number(Final)
	if err != nil {
		return err
	}
	return s.Each(ctx, Erased, func(k, v []byte) error {
		if len(k) != 16 || len(v) != 8 || binary.BigEndian.Uint64(v) < final {
			return nil
		}
		from, to := partyBounds(vault.ID(k))
		if err := s.db.Compact(ctx, from, to, false); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		return nil
	})
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
