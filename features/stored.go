// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/snapshot"
)

// Snapshot is a snapshot of a State that is being taken; snapshot.Snapshot says how its rows are.
type Snapshot struct {
	*snapshot.Snapshot
	header []byte
}

// BeginSnapshot begins a snapshot of the state as it is now. The state may be used while it is taken: what is about
// to change is written first. Errors are those of snapshot.Tables.Begin.
func (s *State) BeginSnapshot() (*Snapshot, error) {
	rows, err := s.stored.Begin()
	if err != nil {
		return nil, err
	}
	return &Snapshot{rows, s.header()}, nil
}

// Header returns what RestoreState needs in addition to the rows: numbers that name nobody, a few for each window.
func (n *Snapshot) Header() []byte { return n.header }

// Digest is the digest of the state: of the snapshot's header and of the directory that its Apply has made.
func (n *Snapshot) Digest(d *snapshot.Directory) assay.Digest { return StateDigest(n.header, d) }

// StateDigest is SHA-256("assay/window-state/v1\n" || header || number of rows uint64 || root of the rows).
func StateDigest(header []byte, d *snapshot.Directory) assay.Digest {
	root := d.Root()
	return assay.Sum("assay/window-state/v1\n", header, binary.LittleEndian.AppendUint64(nil, uint64(d.Len())), root[:])
}

const headerTag = "assay/window-header/v1\n"

// header returns the numbers of a state:
//
//	tag      "assay/window-header/v1\n"
//	plan     32 bytes, the digest
//	mark     int64, events uint64, late uint64 (little-endian)
//	tallies  uint32, then for each window and kind of event: fed, late, keyless, valueless, uint64 each
func (s *State) header() []byte {
	le := binary.LittleEndian
	b := append([]byte(headerTag), s.plan.digest[:]...)
	for _, x := range []uint64{uint64(s.mark), s.events, s.late} {
		b = le.AppendUint64(b, x)
	}
	b = le.AppendUint32(b, uint32(len(s.tallies)))
	for _, t := range s.tallies {
		for _, x := range []uint64{t.fed, t.late, t.keyless, t.valueless} {
			b = le.AppendUint64(b, x)
		}
	}
	return b
}

// RestoreState makes the state of a snapshot again from its header and directory. Rows are read when they are needed.
// The error matches assay.ErrCorrupt for a damaged header and assay.ErrPrecondition for the snapshot of another plan.
func (p *Plan) RestoreState(header []byte, d *snapshot.Directory, read snapshot.Reader) (*State, error) {
	s := p.NewState()
	numbers, ok := bytes.CutPrefix(header, []byte(headerTag))
	if !ok || len(numbers) < 32 {
		return nil, fmt.Errorf("not the header of a snapshot of windows: %w", assay.ErrCorrupt)
	}
	if string(numbers[:32]) != string(p.digest[:]) {
		return nil, fmt.Errorf("the snapshot was taken under another plan: %w", assay.ErrPrecondition)
	}
	numbers = numbers[32:]
	if len(numbers) != 28+32*len(s.tallies) || binary.LittleEndian.Uint32(numbers[24:]) != uint32(len(s.tallies)) {
		return nil, fmt.Errorf("the header of a snapshot of windows has %d bytes: %w", len(header), assay.ErrCorrupt)
	}
	next := func() uint64 {
		x := binary.LittleEndian.Uint64(numbers)
		numbers = numbers[8:]
		return x
	}
	s.mark, s.events, s.late = int64(next()), next(), next()
	numbers = numbers[4:]
	for i := range s.tallies {
		s.tallies[i] = feedTally{next(), next(), next(), next()}
	}
	for _, t := range s.tables {
		t.Advance(s.mark)
	}
	if err := s.stored.Restore(d, read); err != nil {
		return nil, err
	}
	return s, nil
}

// Cold returns the rows of an event that are in storage and not in memory, nil if there are none. It is safe for
// concurrent use, also while the state is used: the caller opens the rows (snapshot.ColdRow.Open) before it locks the
// state, and then calls Warm. Rows that are not warmed are read when the event needs them. parties may be nil, as in
// VectorOfParties.
func (s *State) Cold(ev *assay.Event, parties []Party) (rows []snapshot.ColdRow) {
	if s.stored.ColdRows() == 0 || checkParties(ev, parties) != nil {
		return nil
	}
	kind := s.plan.kinds.index(ev.Kind)
	var key []byte
	for t := range s.plan.keys {
		k := &s.plan.keys[t]
		if kind != scored && len(k.fedBy(kind)) == 0 {
			continue
		}
		if key = k.keyOf(key[:0], ev, parties); key != nil {
			rows = s.stored.Cold(rows, t, key)
		}
	}
	return rows
}

// Warm puts rows that Cold returned and that were opened into memory.
func (s *State) Warm(rows []snapshot.ColdRow) { s.stored.Warm(rows) }

// ColdKeys returns how many keys are in storage and not in memory.
func (s *State) ColdKeys() int { return s.stored.ColdRows() }

// RowParties returns the numbers of the parties that a row's key contains. It is safe for concurrent use.
func (s *State) RowParties(row snapshot.Name) [][16]byte {
	return slices.Collect(s.tables[row.Table].PartiesIn(row.Key))
}

// OpenAll reads all rows that are in storage into memory, as Snapshot needs.
func (s *State) OpenAll() error { return s.stored.OpenAll() }
