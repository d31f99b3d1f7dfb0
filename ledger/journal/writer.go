// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
)

// groupLimit bounds one commit, and so the wait behind it.
const (
	groupLimit = 4096
	groupBytes = 8 << 20 // one record may be larger
	keptBuffer = 8 << 20 // a larger frame's memory is not kept
)

// pipelineMin is how many records make a group while the one before it is
// being synced. With fewer in flight it is not worth another goroutine's turn:
// the writer syncs by itself, and all that came meanwhile is the next group.
const pipelineMin = 128

// nobody is the wake number of a writer that does not wait for a record.
const nobody = ^uint64(0)

// writer is the state of write: one group may be at the syncer while the next
// is made.
type writer struct {
	j       *Journal
	next    uint64 // number of the next record to collect
	batch   []*entry
	size    int         // bytes of it
	spare   []*draft    // not in use
	todo    chan *draft // to the syncer
	synced  chan *draft // back from it
	syncing bool
	err     error
}

// write is the one writer. It returns when ctx has ended and everything that
// was taken is durable, or the drain timeout has passed, or the store failed.
func (j *Journal) write(ctx context.Context) error {
	defer j.sweep()
	w := &writer{j: j, next: j.durable.Load(), spare: []*draft{{}, {}}, todo: make(chan *draft, 1), synced: make(chan *draft, 1)}
	var syncer sync.WaitGroup
	syncer.Go(func() {
		for d := range w.todo {
			d.err = j.flush(d)
			w.synced <- d
		}
	})
	defer syncer.Wait() // before the sweep: it settles what it was given
	defer close(w.todo)
	var deadline <-chan time.Time
	done := ctx.Done()
	for {
		w.collect()
		switch {
		case w.err != nil:
			return w.err
		case w.ready():
			w.commit()
			continue
		case !w.syncing && len(w.batch) == 0 && deadline != nil && w.next == j.taken.Load():
			return nil
		case !w.park():
			continue
		}
		select {
		case <-j.kick:
		case d := <-w.synced:
			w.back(d)
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
		j.wake.Store(nobody)
	}
}

// ready reports whether what was collected should become a group now.
func (w *writer) ready() bool {
	if w.syncing {
		return len(w.batch) >= pipelineMin || w.size >= groupBytes
	}
	return len(w.batch) > 0
}

// commit makes a group of what was collected. It is synced here if it is small
// and few others are in flight, else by the syncer while the next group is made.
func (w *writer) commit() {
	j := w.j
	if !w.syncing && len(w.batch) < pipelineMin && w.next != j.taken.Load() {
		runtime.Gosched() // on busy processors: who is about to append goes first
		w.collect()
	}
	d := w.spare[len(w.spare)-1]
	w.spare = w.spare[:len(w.spare)-1]
	d.entries = append(d.entries[:0], w.batch...)
	w.batch, w.size = w.batch[:0], 0
	j.writeMu.RLock() // until flush
	if w.err = d.build(j); w.err != nil {
		j.writeMu.RUnlock()
		j.kill(w.err)
		return // sweep finds its entries
	}
	if w.syncing {
		w.back(<-w.synced)
		if w.err != nil {
			j.writeMu.RUnlock()
			return
		}
	}
	if len(d.entries) < pipelineMin && j.taken.Load()-w.next < pipelineMin {
		d.err = j.flush(d)
		w.back(d)
		return
	}
	w.syncing = true
	w.todo <- d
}

// back takes a draft that was flushed.
func (w *writer) back(d *draft) {
	w.syncing = false
	w.err = d.err
	w.spare = append(w.spare, d)
}

// park announces the record that the writer waits for; false: it is there.
// Behind a sync the end of that wakes it too.
func (w *writer) park() bool {
	j := w.j
	want := w.next
	if w.syncing && len(w.batch) < pipelineMin-1 {
		if last := w.next + uint64(pipelineMin-1-len(w.batch)); j.ring[last%window].Load() == nil {
			want = last // then the others have most likely come too
		}
	}
	j.wake.Store(want)
	if j.ring[want%window].Load() != nil {
		j.wake.Store(nobody)
		return false
	}
	return true
}

// collect takes the records that are ready, in unbroken order. They stay in the
// ring until they are durable.
func (w *writer) collect() {
	j := w.j
	for len(w.batch) < groupLimit && w.size < groupBytes {
		e := j.ring[w.next%window].Load()
		if e == nil {
			break
		}
		if e.seq != w.next { // appended twice, in the moment of its first commit, or its last time around
			if e.seq < w.next && j.ring[w.next%window].CompareAndSwap(e, nil) {
				e.settle(nil, fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid))
			}
			break
		}
		w.batch, w.size = append(w.batch, e), w.size+len(e.public)+len(e.sealed)
		w.next++
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
