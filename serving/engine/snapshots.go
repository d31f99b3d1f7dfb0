// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/journal/statefile"
	"github.com/assayrisk/assay/ledger/vault"
)

const (
	// defaultSnapshotRecords is how many records lie between two snapshots: a start replays fewer.
	defaultSnapshotRecords = 1 << 17
	// stepRows is how many rows of a table are written under one lock, some 100 microseconds.
	stepRows = 64
	// maxChain bounds how many snapshots a start reads: the newest whole one, and the changes since.
	maxChain = 32
	// spareBytes of rows that no snapshot needs any more are kept until they are more than the others.
	spareBytes = 64 << 20
)

// snapshots takes snapshots of the state while requests go on, so that a start replays the newest records alone.
type snapshots struct {
	every uint64                       // records between two
	files *statefile.Files             // where they lie
	begun chan *takenState             // to run
	sizes map[uint64]uint64            // bytes of each file of rows
	chain []uint64                     // numbers of the snapshots that the newest needs, itself included
	bytes struct{ whole, changes int } // of directories, in the chain

	// In the critical section:
	taking bool
	last   uint64 // number of the newest, or of the last attempt
}

func newSnapshots(every uint64, files *statefile.Files) *snapshots {
	if every == 0 {
		every = defaultSnapshotRecords
	}
	return &snapshots{every: every, files: files, begun: make(chan *takenState, 1), sizes: map[uint64]uint64{}}
}

// resume goes on after the snapshot that a start has read, and drops the others, which may be of records that were
// there once.
func (s *snapshots) resume(stored *storedState) error {
	s.last = stored.number
	s.chain = append(slices.Clone(stored.head.Chain), stored.number)
	s.bytes.whole, s.bytes.changes = stored.sizes.whole, stored.sizes.changes
	for _, d := range stored.folded {
		for x := range d.All() {
			s.sizes[x.Place[0]] += uint64(statefile.Place(x.Place).Len())
		}
	}
	return s.files.Drop(s.chain, slices.Collect(maps.Keys(s.sizes)))
}

// takenState is a snapshot that is being taken: the state after the records below number.
type takenState struct {
	number   uint64
	acts     []byte
	retired  uint64
	late     [][]storedLate
	lastLeaf assay.Digest // hash of the leaf of the last record before number
	windows  []*takenWindows
}

// takenWindows are the windows of one plan in a snapshot.
type takenWindows struct {
	*Windows
	taken   *features.Snapshot
	changed []snapshot.Entry
	dir     *snapshot.Directory
	changes *snapshot.Changes
	whole   bool // changes lead from an empty directory
}

// snapshotLocked begins a snapshot if it is time for one; mu is held. It is called before anything that changes the
// state takes its number: so the state is that after all records that have one.
func (e *Engine) snapshotLocked() {
	s := e.snapshots
	number := e.journal.Taken()
	if s.taking || number < s.last+s.every {
		return
	}
	s.last = number
	t := &takenState{number: number, retired: e.mu.state.retired}
	var err error
	if t.acts, err = e.mu.state.acts.marshal(); err == nil {
		err = t.begin(e.mu.state)
	}
	if err != nil {
		e.log.Warn("no snapshot was begun; the next is tried later", "number", number, "error", err)
		return
	}
	s.taking = true
	s.begun <- t
}

// begin begins the snapshots of all windows, or of none.
func (t *takenState) begin(s *State) error {
	for _, w := range s.windows {
		if !w.plan.HasWindows() {
			continue
		}
		taken, err := w.state.BeginSnapshot()
		if err != nil {
			for _, x := range t.windows {
				x.taken.Abandon()
			}
			return err
		}
		t.windows = append(t.windows, &takenWindows{Windows: w, taken: taken, whole: w.directory == nil})
	}
	return nil
}

// runSnapshots writes the snapshots that are begun, until ctx ends.
func (e *Engine) runSnapshots(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-e.snapshots.begun:
			began := time.Now()
			err := e.writeSnapshot(ctx, t)
			e.mu.Lock()
			if err != nil {
				for _, w := range t.windows {
					w.taken.Abandon()
				}
			}
			e.snapshots.taking = false
			e.mu.Unlock()
			if err == nil {
				err = e.recordSnapshot(ctx, t)
			}
			switch {
			case err != nil && ctx.Err() == nil:
				e.log.Warn("a snapshot was not kept: the next start replays more records", "number", t.number,
					"error", err)
			case err == nil:
				e.log.Info("snapshot", "number", t.number, "took", time.Since(began).Round(time.Millisecond))
			}
		}
	}
}

// writeSnapshot stores a snapshot's rows, then its state. After an error, the caller abandons it.
func (e *Engine) writeSnapshot(ctx context.Context, t *takenState) (err error) {
	s := e.snapshots
	if err := e.journal.WaitApplied(ctx, t.number); err != nil { // nothing of a record that a crash may still take away
		return err
	}
	if t.lastLeaf, err = e.journal.LeafHash(t.number - 1); err != nil {
		return err
	}
	t.late = e.late.stored(t.number)
	out, err := s.files.Begin(t.number)
	if err != nil {
		return err
	}
	for _, w := range t.windows {
		if err := e.writeRows(ctx, w, out); err != nil {
			return errors.Join(err, out.Abandon())
		}
	}
	whole := s.bytes.changes > s.bytes.whole || len(s.chain) >= maxChain
	for _, w := range t.windows {
		var moved []snapshot.Entry
		if whole && !w.whole {
			if moved, err = s.moveRows(w, out); err != nil {
				return errors.Join(err, out.Abandon())
			}
		}
		w.dir, w.changes = w.taken.Apply(w.changed, moved)
		if w.whole = w.whole || whole; whole {
			w.changes = wholeDirectory(w.dir, w.changes.Horizon)
		}
	}
	state, err := t.marshal(s.chain)
	if err != nil {
		return errors.Join(err, out.Abandon())
	}
	size := out.Size()
	if err := out.Finish(state); err != nil {
		return err
	}
	s.sizes[t.number] = uint64(size)
	e.mu.Lock()
	for _, w := range t.windows {
		w.taken.Done()
		w.directory = w.dir
	}
	e.mu.Unlock()
	if err := s.keep(t, len(state), whole || len(s.chain) == 0); err != nil { // the snapshot counts all the same
		e.log.Warn("files of snapshots that no start needs are still there", "error", err)
	}
	return nil
}

// wholeDirectory are the changes that lead from an empty directory to this one.
func wholeDirectory(d *snapshot.Directory, horizon int64) *snapshot.Changes {
	c := &snapshot.Changes{Horizon: horizon}
	for e := range d.All() {
		c.Changed = append(c.Changed, *e)
	}
	return c
}

// writeRows stores the rows of one plan's windows that have changed.
func (e *Engine) writeRows(ctx context.Context, w *takenWindows, out *statefile.Writer) error {
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.mu.Lock()
		done = w.taken.Step(stepRows)
		rows := w.taken.Take()
		e.mu.Unlock()
		if err := w.store(rows, out); err != nil {
			return err
		}
	}
	cleaned, err := w.taken.Clean()
	if err != nil {
		return err
	}
	e.mu.Lock()
	rows := w.taken.End()
	e.mu.Unlock()
	return errors.Join(w.store(cleaned, out), w.store(rows, out))
}

// store stores rows. One of which a party was erased in the meantime has an entry and no place: it cannot be sealed.
func (w *takenWindows) store(rows []snapshot.Row, out *statefile.Writer) error {
	for i := range rows {
		name := snapshot.Name{Table: rows[i].Table, Key: rows[i].Key}
		at, err := out.Add(w.parties(name), w.label(name), rows[i].Bytes)
		if err != nil && !errors.Is(err, vault.ErrErased) {
			return err
		}
		w.changed = append(w.changed, rows[i].Entry(snapshot.Place(at)))
	}
	return nil
}

// parties are those whose keys a row is sealed under.
func (w *Windows) parties(n snapshot.Name) []vault.ID {
	var out []vault.ID
	for _, p := range w.state.RowParties(n) {
		out = append(out, vault.ID(p))
	}
	return out
}

// label says which row it is: the plan's digest, the table's number (4 bytes, big-endian), the key.
func (w *Windows) label(n snapshot.Name) []byte {
	digest := w.plan.Digest()
	b := make([]byte, 0, len(digest)+4+len(n.Key))
	b = binary.BigEndian.AppendUint32(append(b, digest[:]...), uint32(n.Table))
	return append(b, n.Key...)
}

// moveRows writes rows of older files again, if more bytes there are unused than used.
func (s *snapshots) moveRows(w *takenWindows, out *statefile.Writer) (moved []snapshot.Entry, err error) {
	used, all := uint64(0), uint64(0)
	for x := range w.directory.All() {
		used += uint64(statefile.Place(x.Place).Len())
	}
	for _, n := range s.sizes {
		all += n
	}
	if all <= 2*used+spareBytes {
		return nil, nil
	}
	for x := range w.directory.All() {
		if x.Place == (snapshot.Place{}) {
			continue
		}
		at, err := out.Copy(statefile.Place(x.Place))
		if err != nil {
			return nil, err
		}
		again := *x
		again.Place = snapshot.Place(at)
		moved = append(moved, again)
	}
	return moved, nil
}

// keep notes a snapshot that is stored, and drops what no start needs any more.
func (s *snapshots) keep(t *takenState, bytes int, whole bool) error {
	if !whole {
		s.chain = append(s.chain, t.number)
		s.bytes.changes += bytes
		return nil
	}
	s.chain = []uint64{t.number}
	s.bytes.whole, s.bytes.changes = bytes, 0
	needed := []uint64{t.number}
	for _, w := range t.windows {
		for x := range w.dir.All() {
			if n := x.Place[0]; n != needed[len(needed)-1] && !slices.Contains(needed, n) {
				needed = append(needed, n)
			}
		}
	}
	for n := range s.sizes {
		if !slices.Contains(needed, n) {
			delete(s.sizes, n)
		}
	}
	return s.files.Drop(s.chain, needed)
}

// SnapshotNote is the opening of the leaf of a snapshot's record, in deterministic CBOR: it states the digests of the
// state after the records below Number.
type SnapshotNote struct {
	Version uint8            `cbor:"0,keyasint"`
	Number  uint64           `cbor:"1,keyasint"`
	Windows []SnapshotDigest `cbor:"2,keyasint"` // by plan
}

// SnapshotDigest is the digest of the windows of one plan.
type SnapshotDigest struct {
	Plan   assay.Digest `cbor:"0,keyasint"`
	Digest assay.Digest `cbor:"1,keyasint"` // see features.StateDigest
}

// recordSnapshot records a snapshot's digests, so that an audit can compare them with those of a replay.
func (e *Engine) recordSnapshot(ctx context.Context, t *takenState) error {
	note := SnapshotNote{Version: 1, Number: t.number}
	for _, w := range t.windows {
		note.Windows = append(note.Windows, SnapshotDigest{w.plan.Digest(), w.taken.Digest(w.dir)})
	}
	raw, err := assay.MarshalCBOR(&note)
	if err != nil {
		return err
	}
	if err := e.journal.Ready(); err != nil {
		return err
	}
	seq, micros := e.journal.TakeAt()
	_, err = e.journal.Append(context.WithoutCancel(ctx), seq,
		&journal.Record{Kind: ledger.Snapshot, Micros: micros, Decision: raw})
	if err != nil {
		return fmt.Errorf("the record of a snapshot: %w", err)
	}
	return nil
}
