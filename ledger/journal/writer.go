// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// groupLimit bounds one commit, and so the wait behind it.
const (
	groupLimit = 4096
	groupBytes = 8 << 20 // one record may be larger
	keptBuffer = 2 << 20 // a larger frame's memory is not kept
)

// write is the one writer. It returns when ctx has ended and everything that
// was taken is durable, or the drain timeout has passed, or the store failed.
func (j *Journal) write(ctx context.Context) error {
	defer j.sweep()
	var batch []*entry
	var buf []byte
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
		g, err := j.commit(batch, &buf)
		if err != nil {
			j.kill(err)
			for _, e := range batch { // so that sweep does not find them again
				j.ring[e.seq%window].CompareAndSwap(e, nil)
			}
		}
		for _, e := range batch {
			e.settle(g, err)
		}
		if err != nil {
			return err
		}
	}
}

// sweep ends the waiting of whoever appended and was not served: the writer
// has stopped. push does it for those that come later.
func (j *Journal) sweep() {
	j.halted.Store(true)
	for i := range j.ring {
		if e := j.ring[i].Swap(nil); e != nil {
			e.settle(nil, j.stopError())
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
	size := 0
	for seq := j.durable.Load(); len(batch) < groupLimit && size < groupBytes; seq++ {
		e := j.ring[seq%window].Load()
		if e == nil {
			break
		}
		if e.seq != seq { // appended twice, in the moment of its first commit
			j.ring[seq%window].Store(nil)
			e.settle(nil, fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid))
			break
		}
		batch, size = append(batch, e), size+len(e.public)+len(e.sealed)
	}
	return batch
}

// commit makes one group of the entries and writes it with one sync. Only then
// is the durable end advanced, and only then is the store told.
func (j *Journal) commit(entries []*entry, buf *[]byte) (*group, error) {
	j.writeMu.Lock()
	defer j.writeMu.Unlock()
	g := &group{first: entries[0].seq, count: uint32(len(entries)), tags: make([]Tag, len(entries))}
	leaves := make([]assay.Digest, len(entries))
	for i, e := range entries {
		leaves[i], g.tags[i] = e.hash, e.tag
		if e.tag != (Tag{}) {
			j.seen.add(e.tag)
		}
		if err := j.gather(g, e); err != nil {
			return nil, fmt.Errorf("journal: %w: %w", err, assay.ErrUnavailable)
		}
	}
	g.tree.Reset(leaves)
	copy(g.signature[:], ed25519.Sign(j.signer, ledger.PromiseMessage(j.key.Origin, g.first, g.count, g.tree.Root())))
	b, err := g.build(j.rec.auth, (*buf)[:0], entries)
	if err == nil {
		err = j.rec.append(b, g, !j.cfg.NoSync)
	}
	if err != nil {
		return nil, fmt.Errorf("journal: commit: %w: %w", err, assay.ErrUnavailable)
	}
	if *buf = b; cap(b) > keptBuffer {
		*buf = nil
	}
	for _, e := range entries {
		j.ring[e.seq%window].Store(nil)
	}
	j.durable.Store(g.first + uint64(g.count))
	if j.index.add(g) > indexLimit {
		if err := j.waitIndexed(context.Background(), g.first); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// gather notes what a record does to subject keys: its own may be new, and an
// erasure destroys one.
func (j *Journal) gather(g *group, e *entry) error {
	if s := e.owner; !s.written.Load() && !s.dead.Load() {
		if gen := j.master.Generation(); s.generation != gen {
			w, err := j.master.Wrap(s.key)
			if err != nil {
				return err
			}
			s.wrapped, s.generation = w, gen
		}
		s.written.Store(true)
		g.ops = append(g.ops, keyOp{kind: opNewKey, tag: s.tag, id: s.key.ID(), wrapped: s.wrapped, name: e.name, owner: s})
	}
	if s := e.erases; s != nil {
		g.ops = append(g.ops, keyOp{kind: opErase, tag: s.tag, id: s.key.ID(), sequence: e.seq})
	}
	return nil
}
