// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
)

// Retire drops the private parts of all subjects' records before a number, because
// their retention has passed, and returns how many it dropped. The system's own
// records stay whole: they are about no subject, and a start reads in them which
// model and policy are in force. Leaves, promises and the log stay, receipts that
// were issued still verify, and request ids are still known. It may be called
// while the journal runs, and again after it was interrupted. That retention has
// passed should be a record first, which the caller makes.
func (j *Journal) Retire(ctx context.Context, before uint64) (n int, err error) {
	before = min(before, j.durable.Load())
	if err := j.raiseMark(store.Retired, before); err != nil {
		return 0, err
	}
	dropped, err := j.Dropped()
	if err == nil {
		err = j.unlistRetired(ctx, dropped, before)
	}
	if err != nil {
		return 0, fmt.Errorf("retire: %w", err)
	}
	j.filesMu.Lock()
	defer j.filesMu.Unlock()
	firsts := j.records.FirstSequences()
	for _, first := range firsts {
		if first >= before {
			break
		}
		m, err := j.retireFile(ctx, first, before, first == firsts[len(firsts)-1])
		if n += m; err != nil {
			return n, fmt.Errorf("retire: %w", err)
		}
	}
	return n, j.raiseMark(store.Dropped, before)
}

// raiseMark sets a mark to a number, unless it is that large already.
func (j *Journal) raiseMark(m store.Mark, to uint64) error {
	now, err := j.store.Number(m)
	if err == nil && to > now {
		err = j.store.SetNumber(m, to, true)
	}
	if err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	return nil
}

// Dropped returns the number below which Retire has dropped all that it should.
func (j *Journal) Dropped() (uint64, error) { return j.store.Number(store.Dropped) }

// unlistRetired takes the outcomes of the records that are retired out of the index of lists.
func (j *Journal) unlistRetired(ctx context.Context, from, before uint64) error {
	var seqs []uint64
	unlist := func() error {
		err := j.store.Unlist(seqs)
		seqs = seqs[:0]
		return err
	}
	system := j.store.System().ID()
	err := j.records.Scan(ctx, from, before, recordfile.PublicSections,
		func(seq uint64, s recordfile.StoredRecord) error {
			if s.Key == system {
				return nil
			}
			if seqs = append(seqs, seq); len(seqs) < store.ListingRun {
				return nil
			}
			return unlist()
		})
	if err != nil {
		return err
	}
	return unlist()
}

// retireFile drops the private parts of one record file. If it is the last one, the writer waits meanwhile.
func (j *Journal) retireFile(ctx context.Context, first, before uint64, last bool) (n int, err error) {
	if last {
		j.writeMu.Lock()
		defer j.writeMu.Unlock()
		if err := j.records.Roll(); err != nil {
			return 0, err
		}
	}
	return j.records.DropPersonal(ctx, first, before, j.store.System().ID())
}

// errFound ends a scan.
var errFound = errors.New("found")

// OldestOfSubject returns the first durable record, from a number on, that is sealed under a subject's key, and its
// time. If there is none, ok is false and seq is the number after the last durable record.
func (j *Journal) OldestOfSubject(ctx context.Context, from uint64) (seq uint64, at time.Time, ok bool, err error) {
	end, system := j.durable.Load(), j.store.System().ID()
	seq = max(from, end)
	err = j.records.Scan(ctx, from, end, recordfile.PublicSections,
		func(number uint64, s recordfile.StoredRecord) error {
			if s.Key == system {
				return nil
			}
			leaf, err := ledger.ParseLeaf(s.Leaf)
			if err != nil {
				return err
			}
			seq, at, ok = number, time.UnixMicro(leaf.Micros), true
			return errFound
		})
	if err != nil && !errors.Is(err, errFound) {
		return 0, at, false, fmt.Errorf("journal: %w", err)
	}
	return seq, at, ok, nil
}

// FirstAfter returns the number of the first durable record, from a number on, whose time is after t; if there is
// none, the number after the last. Times are in the order of numbers, but for records of programs from before
// 2026-12: among them it finds one such place of several.
func (j *Journal) FirstAfter(from uint64, t time.Time) (uint64, error) {
	var failed error
	n := sort.Search(int(j.durable.Load()-from), func(i int) bool {
		s, err := j.records.Record(from + uint64(i))
		var leaf ledger.Leaf
		if err == nil {
			leaf, err = ledger.ParseLeaf(s.Leaf)
		}
		failed = errors.Join(failed, err)
		return err == nil && leaf.Micros > t.UnixMicro()
	})
	return from + uint64(n), failed
}
