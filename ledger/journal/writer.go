// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// Bounds of one commit, and so of the wait for it.
const (
	groupLimit   = recordfile.MaxGroupRecords
	groupBytes   = 8 << 20 // one record may be larger
	maxKeptFrame = 8 << 20 // a larger frame's memory is not kept
)

// pipelineMin is how many records make a group while the group before it is being
// synced. With fewer in flight, a second goroutine does not pay: the writer syncs
// by itself, and the records that came meanwhile are the next group.
const pipelineMin = 128

// awaitsNothing is the value of Journal.awaited while the writer waits for no record.
const awaitsNothing = ^uint64(0)

// writer is the state of runWriter: the syncer may have one group while the next
// is made.
type writer struct {
	j          *Journal
	next       uint64 // number of the next record to collect
	batch      []*entry
	size       int             // bytes of it
	unused     []*pendingGroup // to be used again
	toSyncer   chan *pendingGroup
	fromSyncer chan *pendingGroup
	syncing    bool
	err        error
}

// runWriter is the one writer. It returns when ctx has ended and every number
// that was taken is durable, or the drain timeout has passed, or the store failed.
func (j *Journal) runWriter(ctx context.Context) error {
	defer j.sweep()
	w := &writer{j: j, next: j.durable.Load(), unused: []*pendingGroup{{}, {}},
		toSyncer: make(chan *pendingGroup, 1), fromSyncer: make(chan *pendingGroup, 1)}
	var syncer sync.WaitGroup
	syncer.Go(func() {
		for p := range w.toSyncer {
			p.err = j.commit(p)
			w.fromSyncer <- p
		}
	})
	defer syncer.Wait() // before the sweep: it completes the entries that it was given
	defer close(w.toSyncer)
	var deadline <-chan time.Time
	done := ctx.Done()
	for {
		w.collect()
		switch {
		case w.err != nil:
			return w.err
		case w.ready():
			w.closeGroup()
			continue
		case !w.syncing && len(w.batch) == 0 && deadline != nil && w.next == j.taken.Load():
			return nil
		case !w.waitForRecord():
			continue
		}
		select {
		case <-j.wakeWriter:
		case p := <-w.fromSyncer:
			w.onSynced(p)
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
		j.awaited.Store(awaitsNothing)
	}
}

// ready reports whether what was collected should become a group now.
func (w *writer) ready() bool {
	if w.syncing {
		return len(w.batch) >= pipelineMin || w.size >= groupBytes
	}
	return len(w.batch) > 0
}

// closeGroup makes a group of what was collected. It syncs the group itself if that is small and few others are in
// flight; else the syncer does, while the next group is made.
func (w *writer) closeGroup() {
	j := w.j
	if !w.syncing && len(w.batch) < pipelineMin && w.next != j.taken.Load() {
		runtime.Gosched() // on busy processors, let those who are about to append go first
		w.collect()
	}
	p := w.unused[len(w.unused)-1]
	w.unused = w.unused[:len(w.unused)-1]
	p.entries = append(p.entries[:0], w.batch...)
	w.batch, w.size = w.batch[:0], 0
	j.writeMu.RLock() // until it is committed
	if w.err = p.build(j); w.err != nil {
		j.writeMu.RUnlock()
		j.failFiles(w.err)
		return // sweep finds its entries
	}
	if w.syncing {
		w.onSynced(<-w.fromSyncer)
		if w.err != nil {
			j.writeMu.RUnlock()
			return
		}
	}
	if len(p.entries) < pipelineMin && j.taken.Load()-w.next < pipelineMin {
		p.err = j.commit(p)
		w.onSynced(p)
		return
	}
	w.syncing = true
	w.toSyncer <- p
}

// onSynced takes back a group that was committed.
func (w *writer) onSynced(p *pendingGroup) {
	w.syncing = false
	w.err = p.err
	w.unused = append(w.unused, p)
}

// waitForRecord announces the record that the writer waits for; false: it is there already. During a sync, its end
// wakes the writer too.
func (w *writer) waitForRecord() bool {
	j := w.j
	want := w.next
	if w.syncing && len(w.batch) < pipelineMin-1 {
		if last := w.next + uint64(pipelineMin-1-len(w.batch)); j.ring[last%maxInFlight].Load() == nil {
			want = last // when it comes, the others most likely have come too
		}
	}
	j.awaited.Store(want)
	if j.ring[want%maxInFlight].Load() != nil {
		j.awaited.Store(awaitsNothing)
		return false
	}
	return true
}

// collect takes the records that are ready, in unbroken order. They stay in the
// ring until they are durable.
func (w *writer) collect() {
	j := w.j
	for len(w.batch) < groupLimit && w.size < groupBytes {
		e := j.ring[w.next%maxInFlight].Load()
		if e == nil {
			break
		}
		if e.seq != w.next { // appended twice, in the moment of its first commit, or its last time around
			if e.seq < w.next && j.ring[w.next%maxInFlight].CompareAndSwap(e, nil) {
				e.complete(nil, fmt.Errorf("append: number %d was appended before: %w", e.seq, assay.ErrInvalid))
			}
			break
		}
		w.batch, w.size = append(w.batch, e), w.size+len(e.public)+len(e.business)+len(e.personal)
		w.next++
	}
}

// sweep ends the waiting of everybody whose record was not written, when the
// writer has stopped. push does the same for those that come later.
func (j *Journal) sweep() {
	j.swept.Store(true)
	for i := range j.ring {
		if e := j.ring[i].Swap(nil); e != nil {
			e.complete(nil, j.stopError())
		}
	}
}
