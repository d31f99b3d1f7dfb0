// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// checkRequests checks that each index entry leads to a record of that request.
func (c *checker) checkRequests(ctx context.Context) error {
	return c.j.store.Each(ctx, store.Requests, func(k, v []byte) error {
		if len(k) != 16 || len(v) != 8 {
			return c.corrupt("a request's index entry is malformed")
		}
		seq := binary.BigEndian.Uint64(v)
		r, err := c.j.records.Record(seq)
		if err != nil {
			return err
		}
		if !bytes.Equal(r.Tag[:], k) {
			return c.corrupt("a request's index entry leads to record %d, which is of another request", seq)
		}
		c.rep.Requests++
		return nil
	})
}

// keysAtOnce is how many subject keys are unwrapped by one request.
const keysAtOnce = 256

// checkSubjectKeys checks that each key opens, and that no erased one is left.
func (c *checker) checkSubjectKeys(ctx context.Context) error {
	var chunk []vault.WrappedKey
	unwrap := func() error {
		_, err := c.j.master.Unwrap(chunk...)
		c.rep.Keys += uint64(len(chunk))
		chunk = chunk[:0]
		return err
	}
	err := c.j.store.Each(ctx, store.Keys, func(k, v []byte) error {
		if len(k) != 16 {
			return c.corrupt("a key id has %d bytes", len(k))
		}
		id := vault.ID(k)
		if _, err := c.j.store.Row(store.Erased, id); err == nil {
			return c.corrupt("key %x was erased and is still there", id[:4])
		}
		if chunk = append(chunk, vault.WrappedKey{ID: id, Bytes: bytes.Clone(v)}); len(chunk) < keysAtOnce {
			return nil
		}
		return unwrap()
	})
	if err != nil {
		return err
	}
	return unwrap()
}

// checkStoreFiles reads every block of the store's files against its checksum.
func (c *checker) checkStoreFiles(context.Context) error {
	if err := c.j.store.CheckFiles(); err != nil {
		return c.corrupt("the store: %v", err)
	}
	return nil
}
