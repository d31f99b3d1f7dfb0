// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/assayrisk/assay/ledger/vault"
)

// requests checks that each index entry leads to a record of that request.
func (c *checker) requests(ctx context.Context) error {
	return c.each(ctx, prefixRequest, func(k, v []byte) error {
		if len(k) != 16 || len(v) != 8 {
			return c.bad("a request's index entry is malformed")
		}
		seq := binary.BigEndian.Uint64(v)
		r, err := c.j.rec.record(seq)
		if err != nil {
			return err
		}
		if !bytes.Equal(r.tag[:], k) {
			return c.bad("a request's index entry leads to record %d, which is of another request", seq)
		}
		c.rep.Requests++
		return nil
	})
}

// subjectKeys checks that each key opens, and that no erased one is left.
func (c *checker) subjectKeys(ctx context.Context) error {
	return c.each(ctx, prefixKey, func(k, v []byte) error {
		if len(k) != 16 {
			return c.bad("a key id has %d bytes", len(k))
		}
		id := vault.ID(k)
		if _, err := get(c.j.db, idKey(prefixErased, id)); err == nil {
			return c.bad("key %x was erased and is still there", id[:4])
		}
		if _, err := c.j.master.Unwrap(id, v); err != nil {
			return err
		}
		c.rep.Keys++
		return nil
	})
}

// files reads every block of the store's files against its checksum.
func (c *checker) files(context.Context) error {
	if err := c.j.db.CheckLevels(nil); err != nil {
		return c.bad("the store: %v", err)
	}
	return nil
}

func (c *checker) each(ctx context.Context, prefix byte, fn func(k, v []byte) error) (err error) {
	it, err := c.j.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := fn(it.Key()[1:], v); err != nil {
			return err
		}
	}
	return it.Error()
}
