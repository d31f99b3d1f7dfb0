// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"runtime"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/ledger/journal"
)

// Bounds of a replay: how many records are read at a time, and by how many
// goroutines at most. At most two chunks for each goroutine are read ahead.
const (
	chunkRecords = 1024
	maxReaders   = 8
)

// recordChunk is a range of records and, once a goroutine has read them, what
// they hold.
type recordChunk struct {
	from, to uint64
	records  []Transition
	err      error
	filled   chan struct{} // closed when records and err are set
}

// readTransitions calls fn with the records in [from, to), in order and in the caller's goroutine, after rows in
// storage that they need were opened. Opening costs ten times as much as fn does with a record, so several goroutines
// read ahead.
func (s *State) readTransitions(ctx context.Context, j *journal.Journal, from, to uint64,
	fn func(t *Transition) error) error {
	to = min(to, j.Stats().Durable)
	ctx, cancel := context.WithCancel(ctx)
	readers := min(runtime.GOMAXPROCS(0), maxReaders)
	work, order := make(chan *recordChunk, readers), make(chan *recordChunk, readers)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(order)
		defer close(work)
		for at := from; at < to; at += chunkRecords {
			p := &recordChunk{from: at, to: min(at+chunkRecords, to), filled: make(chan struct{})}
			for _, c := range [...]chan *recordChunk{work, order} {
				select {
				case c <- p:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	ended := make(chan struct{}, readers)
	for range readers {
		go func() {
			defer func() { ended <- struct{}{} }()
			for p := range work {
				p.err = p.fill(ctx, s, j)
				close(p.filled)
			}
		}()
	}
	defer func() { // no goroutine outlives the call
		cancel()
		<-done
		for range readers {
			<-ended
		}
	}()
	for p := range order {
		<-p.filled
		if p.err != nil {
			return p.err
		}
		for i := range p.records {
			if err := fn(&p.records[i]); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// fill reads the chunk's records.
func (p *recordChunk) fill(ctx context.Context, s *State, j *journal.Journal) error {
	p.records = make([]Transition, 0, p.to-p.from)
	number := NumbersIn(j)
	return j.ScanLasting(p.from, p.to, FeedsWindows, func(seq uint64, r *journal.Record, unreadable error) error {
		t, err := ReadTransition(seq, r, unreadable, number)
		if err != nil {
			return err
		}
		if t.Event != nil {
			s.openCold(&t)
		}
		p.records = append(p.records, t)
		return ctx.Err()
	})
}

// openCold opens the rows in storage that an event needs: by the goroutines that read ahead.
func (s *State) openCold(t *Transition) {
	for i, w := range s.windows {
		rows := w.state.Cold(t.Event, t.Parties)
		if len(rows) == 0 {
			continue
		}
		if t.cold == nil {
			t.cold = make([][]snapshot.ColdRow, len(s.windows))
		}
		for k := range rows {
			rows[k].Open()
		}
		t.cold[i] = rows
	}
}

// replay applies the records in [from, to) to a state, in sequence order, as the
// engine did then, and remembers which events came late.
func (s *State) replay(ctx context.Context, j *journal.Journal, from, to uint64, late *lateEvents) error {
	err := s.readTransitions(ctx, j, from, to, func(t *Transition) error {
		for i, w := range s.windows {
			if i < len(t.cold) {
				w.state.Warm(t.cold[i])
			}
		}
		l, err := s.Apply(t)
		late.remember(t.Sequence, l)
		return err
	})
	if err != nil {
		return fmt.Errorf("serving: acts and windows from the journal: %w", err)
	}
	return nil
}

// decider is the model, plan and policy that a record names. The zero value is
// none.
type decider struct{ model, plan, policy assay.Digest }
