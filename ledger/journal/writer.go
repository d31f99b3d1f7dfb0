// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// groupLimit bounds one commit, and so the wait behind it.
const groupLimit = 4096

// write is the one writer. It returns when ctx has ended and everything that
// was taken is durable, or the drain timeout has passed, or the store failed.
func (j *Journal) write(ctx context.Context) error {
	var batch []*entry
	var leaves []assay.Digest
	var deadline <-chan time.Time
	done := ctx.Done()
	for {
		batch = j.collect(batch[:0])
		if len(batch) == 0 {
			if deadline != nil && j.durable.Load() == j.taken.Load() {
				return nil
			}
			if !j.park() {
				continue
			}
			select {
			case <-j.kick:
			case <-done:
				done = nil
				j.closing.Store(true)
				t := time.NewTimer(j.cfg.DrainTimeout)
				defer t.Stop()
				deadline = t.C
			case <-deadline:
				j.cfg.Logger.Warn("journal: numbers were taken and not appended",
					"from", j.durable.Load(), "taken", j.taken.Load())
				return nil
			case <-j.failed.done:
				return j.failed.get()
			}
			j.parked.Store(false)
			continue
		}
		leaves = leaves[:0]
		for _, e := range batch {
			leaves = append(leaves, e.hash)
		}
		g := &group{first: batch[0].seq, count: uint32(len(batch))}
		g.tree.Reset(leaves)
		copy(g.signature[:], ed25519.Sign(j.signer, ledger.PromiseMessage(j.key.Origin, g.first, g.count, g.tree.Root())))
		err := j.commit(g, batch)
		if err != nil {
			j.failed.set(err)
		}
		for _, e := range batch {
			e.group, e.err = g, err
			e.done <- struct{}{}
		}
		if err != nil {
			return err
		}
	}
}

// park announces that the writer will sleep; false: there is work after all.
func (j *Journal) park() bool {
	j.parked.Store(true)
	if j.ring[j.durable.Load()%window].Load() != nil {
		j.parked.Store(false)
		return false
	}
	return true
}

// collect takes the records that are ready, in unbroken order.
func (j *Journal) collect(batch []*entry) []*entry {
	for seq := j.durable.Load(); len(batch) < groupLimit; seq++ {
		e := j.ring[seq%window].Load()
		if e == nil {
			break
		}
		if e.seq != seq { // appended twice, in the moment of its first commit
			j.ring[seq%window].Store(nil)
			e.err = fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid)
			e.done <- struct{}{}
			break
		}
		batch = append(batch, e)
	}
	return batch
}

// commit writes the group with one sync and advances the durable end. A store
// that fails ends its goroutine: commit runs in one of its own only then.
func (j *Journal) commit(g *group, entries []*entry) error {
	size, keys := 128, false
	for _, e := range entries {
		size += len(e.value) + 64
		keys = keys || e.erases != nil || !e.owner.durable.Load()
	}
	if keys {
		j.keyMu.Lock()
		defer j.keyMu.Unlock()
	}
	b := j.db.NewBatchWithSize(size)
	defer b.Close()
	if err := j.fill(b, g, entries); err != nil {
		return fmt.Errorf("journal: %w: %w", err, assay.ErrUnavailable)
	}
	opt := pebble.Sync
	if j.cfg.NoSync {
		opt = pebble.NoSync
	}
	if err := b.Commit(opt); err != nil {
		return fmt.Errorf("journal: commit: %w: %w", err, assay.ErrUnavailable)
	}
	for _, e := range entries {
		if !e.owner.durable.Load() {
			j.keys.settled(e.name, e.owner)
		}
		j.ring[e.seq%window].Store(nil)
	}
	j.durable.Store(g.first + uint64(g.count))
	select {
	case j.grown <- struct{}{}:
	default:
	}
	return nil
}

func (j *Journal) fill(b *pebble.Batch, g *group, entries []*entry) error {
	var k [17]byte
	var v [8]byte
	for _, e := range entries {
		if err := set(b, appendSeq(k[:0], prefixRecord, e.seq), e.value); err != nil {
			return err
		}
		if e.indexed {
			j.seen.add(e.request)
			k[0] = prefixRequest
			copy(k[1:], e.request[:])
			binary.BigEndian.PutUint64(v[:], e.seq)
			if err := set(b, k[:], v[:]); err != nil {
				return err
			}
		}
		if !e.owner.durable.Load() && !e.owner.dead.Load() {
			if err := j.fillKey(b, e.owner); err != nil {
				return err
			}
		}
		if e.erases != nil {
			if err := j.fillErasure(b, e); err != nil {
				return err
			}
		}
	}
	gv := binary.BigEndian.AppendUint32(make([]byte, 0, 68), g.count)
	return set(b, appendSeq(k[:0], prefixGroup, g.first), append(gv, g.signature[:]...))
}

func appendSeq(dst []byte, prefix byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, prefix), seq)
}

func set(b *pebble.Batch, key, value []byte) error { return b.Set(key, value, nil) }
