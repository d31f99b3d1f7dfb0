// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// retireChunk is how many records are rewritten in one commit.
const retireChunk = 512

// Retire drops the private parts of all records before a number, because their
// retention has passed, and returns how many it dropped. Leaves, promises and
// the log stay, receipts that are in somebody's hands still verify, and request
// ids are still known. It may be called while the journal runs.
func (j *Journal) Retire(ctx context.Context, before uint64) (n int, err error) {
	before = min(before, j.durable.Load())
	for from := uint64(0); from < before; from += retireChunk {
		b := j.db.NewBatch()
		m := 0
		err := j.scan(ctx, from, min(before, from+retireChunk), func(seq uint64, v []byte) error {
			s, err := parseStored(v)
			if err != nil || len(s.sealed) == 0 {
				return err
			}
			m++
			return set(b, seqKey(prefixRecord, seq), bytes.Clone(v[:len(v)-len(s.sealed)]))
		})
		if err == nil && m > 0 {
			err = b.Commit(pebble.Sync)
		}
		if err = errors.Join(err, b.Close()); err != nil {
			return n, fmt.Errorf("retire: %w", err)
		}
		n += m
	}
	if n == 0 {
		return 0, nil
	}
	if err := j.db.Flush(); err != nil {
		return n, fmt.Errorf("retire: %w", err)
	}
	if err := j.db.Compact(ctx, seqKey(prefixRecord, 0), seqKey(prefixRecord, before), false); err != nil {
		return n, fmt.Errorf("retire: %w", err)
	}
	return n, nil
}
