// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/features/window"
)

// State holds the windows of a plan after the calls to Plan.Observe so far. It is
// made by Plan.NewState, and must not be used concurrently.
type State struct {
	plan     *Plan
	mark     int64 // the latest event time observed, microseconds
	lateness int64
	events   uint64
	late     uint64
	tables   []*window.Table
	key      []byte      // buffer for one key
	tallies  []feedTally // by window and kind: Plan.tallyOf
	behind   int64       // how far the event observed last is behind mark, 0 if it was not late
	derived  *derivedRow
	missedBy []int // windows that did not count the event observed last because it was late
	stored   *snapshot.Tables
}

// NewState returns a State that has observed no event.
func (p *Plan) NewState() *State {
	lateness, _ := eventtime.ParseSpan(p.spec.Lateness) // plancheck.Check has parsed it
	s := &State{plan: p, mark: math.MinInt64, lateness: lateness, derived: p.derivation.newRow()}
	for _, k := range p.keys {
		configs := make([]window.Config, len(k.windows))
		for j, i := range k.windows {
			configs[j] = p.config(i)
		}
		t := window.New(lateness, configs)
		t.PartyKeys(k.roles())
		s.tables = append(s.tables, t)
	}
	s.stored = snapshot.New(s.tables)
	s.tallies = make([]feedTally, len(p.feeds)*len(p.kinds))
	return s
}

// Roles returns the roles that events may have.
func (p *Plan) Roles() []string { return slices.Clone(p.spec.Entities) }

// HasWindows reports whether the plan has windows, and so needs a State.
func (p *Plan) HasWindows() bool { return len(p.feeds) > 0 }

// readWindows fills the slots of the window features from st.
func (p *Plan) readWindows(sc *scratch, ev *assay.Event, parties []Party, st *State) error {
	if len(p.feeds) == 0 {
		return nil
	}
	if st == nil || st.plan.digest != p.digest {
		return errOtherState()
	}
	at := ev.Time.UnixMicro()
	for t := range p.keys {
		var err error
		if sc.found[t], err = p.find(t, sc, ev, parties, st); err != nil {
			return err
		}
	}
	for t := range p.keys {
		if sc.found[t].has {
			sc.warm += st.tables[t].Prefetch(sc.found[t].cursor)
		}
	}
	for t := range p.keys {
		p.readTable(t, sc, sc.found[t], at, st)
	}
	return nil
}

// keyLookup is the result of looking up an event's key of one kind.
type keyLookup struct {
	cursor window.Cursor
	has    bool // the event has such a key
}

// find looks up the event's key of one kind, and reads its row from storage if need be.
func (p *Plan) find(t int, sc *scratch, ev *assay.Event, parties []Party, st *State) (keyLookup, error) {
	key := p.keys[t].keyOf(sc.key[:0], ev, parties)
	if key == nil {
		return keyLookup{}, nil
	}
	sc.key = key
	cursor := st.tables[t].Find(key)
	if !cursor.Found() && st.stored.ColdRows() > 0 {
		if err := st.stored.Open(t, key, false); err != nil {
			return keyLookup{}, err
		}
		cursor = st.tables[t].Find(key)
	}
	return keyLookup{cursor, true}, nil
}

// readTable fills the slots of the window features of one kind of key.
func (p *Plan) readTable(t int, sc *scratch, key keyLookup, at int64, st *State) {
	if !key.has {
		for _, i := range p.keys[t].windows {
			sc.seen[i], sc.counts[i] = false, math.NaN()
			for _, r := range p.feeds[i].features {
				sc.cols[r.slot][0] = math.NaN()
			}
		}
		return
	}
	for _, i := range p.keys[t].windows {
		f := &p.feeds[i]
		if len(f.features) == 0 {
			continue
		}
		st.tables[t].Read(key.cursor, f.place, at, &sc.reading)
		sc.seen[i], sc.counts[i] = sc.reading.Seen, sc.reading.Count
		for _, r := range f.features {
			sc.cols[r.slot][0] = kernels.Finite(r.read(&sc.reading, at, r.learned))
		}
	}
}

// Observe applies an event to the windows of st, which later events read. An event that comes later than the plan
// allows is counted in State.Late and changes nothing else. The event must have passed Validate.
//
// After an error that matches snapshot.ErrErased, the event is applied to all rows but those that are erased by a later
// record. After any other error that is not of the arguments, the state must be discarded.
func (p *Plan) Observe(ev *assay.Event, st *State) error { return p.observe(ev, nil, st) }

func (p *Plan) observe(ev *assay.Event, parties []Party, st *State) error {
	if len(p.feeds) == 0 {
		return nil
	}
	if st == nil || st.plan.digest != p.digest {
		return errOtherState()
	}
	at := ev.Time.UnixMicro()
	st.events++
	st.mark = max(st.mark, at)
	st.behind, st.missedBy = 0, st.missedBy[:0]
	if at < st.mark-st.lateness {
		st.late++
		st.behind = st.mark - at
	}
	kind := p.kinds.index(ev.Kind)
	var erased error
	for t := range p.keys {
		err := p.observeTable(t, ev, parties, kind, at, st)
		if err != nil && !errors.Is(err, snapshot.ErrErased) {
			return err
		}
		erased = cmp.Or(erased, err)
	}
	return erased
}

// observeTable applies an event to the windows of one kind of key. An error that matches snapshot.ErrErased says that
// the key's row could not be read.
func (p *Plan) observeTable(t int, ev *assay.Event, parties []Party, kind int, at int64, st *State) (erased error) {
	table := st.tables[t]
	table.Advance(at)
	windows := p.keys[t].fedBy(kind)
	if len(windows) == 0 {
		return nil
	}
	if p.keys[t].derives {
		p.derive(ev, st.derived)
	}
	late, looked, have := table.Late(at), false, false
	key := st.key[:0]
	var held window.Cursor
	for _, i := range windows {
		f, n := &p.feeds[i], p.tallyOf(st, i, kind)
		if !f.takes(ev, st.derived) {
			continue
		}
		x, ok := f.valueOf(ev, st.derived)
		if !ok {
			n.valueless++
			continue
		}
		var member uint64
		if f.member.name != "" {
			if member, ok = f.member.memberOf(ev, parties); !ok {
				n.valueless++
				continue
			}
		}
		if !looked {
			looked, key = true, p.keys[t].keyOf(key, ev, parties)
		}
		switch {
		case key == nil:
			n.keyless++
			continue
		case late:
			n.late++
			st.missedBy = append(st.missedBy, i)
			continue
		case !have:
			if err := st.openToAdd(t, key); errors.Is(err, snapshot.ErrErased) {
				erased = err
			} else if err != nil {
				return err
			} else {
				held = table.FindOrAdd(key)
			}
			have = true
		}
		n.fed++
		if erased == nil {
			table.Put(held, f.place, at, x, member)
		}
	}
	if have { // for each event that adds to the table, look at two entries that may be removed
		table.Evict(2)
	}
	if key != nil {
		st.key = key
	}
	return erased
}

// openToAdd reads the row of a key from storage if it is not in memory.
func (s *State) openToAdd(table int, key []byte) error {
	if s.stored.ColdRows() == 0 || s.tables[table].Find(key).Found() {
		return nil
	}
	return s.stored.Open(table, key, true)
}

// Events returns how many events were observed, late ones included.
func (s *State) Events() uint64 { return s.events }

// Late returns how many events came later than the plan's lateness allows; no
// window counted them.
func (s *State) Late() uint64 { return s.late }

// Keys returns how many keys are in memory, over all kinds of key. ColdKeys are not among them.
func (s *State) Keys() int {
	n := 0
	for _, t := range s.tables {
		n += t.Len()
	}
	return n
}

// Tags of snapshots. Version 1 lacks what distinct and share have needed since.
const (
	snapshotTag   = "assay/windows/v2\n"
	snapshotTagV1 = "assay/windows/v1\n"
)

// Snapshot returns the state as bytes: equal states give equal bytes. The error matches assay.ErrPrecondition if keys
// are in storage and not in memory (ColdKeys). The bytes lack what no read can see any more; a state that is restored
// from them gives the same readings, and BeginSnapshot other digests than one that is made again by RestoreState.
//
//	tag      "assay/windows/v2\n"
//	plan     32 bytes, the digest
//	mark     int64, events uint64, late uint64 (little-endian)
//	tables   as window.Table.Snapshot writes them
//	digest   32 bytes, SHA-256(tag || all before)
func (s *State) Snapshot() ([]byte, error) {
	if n := s.ColdKeys(); n > 0 {
		return nil, fmt.Errorf("%d keys are in storage: take a snapshot by BeginSnapshot: %w", n, assay.ErrPrecondition)
	}
	b := append([]byte(snapshotTag), s.plan.digest[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.mark))
	b = binary.LittleEndian.AppendUint64(b, s.events)
	b = binary.LittleEndian.AppendUint64(b, s.late)
	for _, t := range s.tables {
		b = t.Snapshot(b)
	}
	d := assay.Sum(snapshotTag, b)
	return append(b, d[:]...), nil
}

// Restore replaces the state by a snapshot. The error matches assay.ErrCorrupt
// for damaged bytes and assay.ErrPrecondition for the snapshot of another plan
// or of an earlier version, after which the caller has to replay the events. After
// an error the state is unchanged.
func (s *State) Restore(b []byte) error {
	const head = len(snapshotTag) + 32 + 24
	if bytes.HasPrefix(b, []byte(snapshotTagV1)) {
		return fmt.Errorf("the snapshot of windows is of version 1 and lacks what version 2 keeps: replay the "+
			"events: %w", assay.ErrPrecondition)
	}
	if len(b) < head+32 || string(b[:len(snapshotTag)]) != snapshotTag {
		return fmt.Errorf("not a snapshot of windows: %w", assay.ErrCorrupt)
	}
	body, sum := b[:len(b)-32], b[len(b)-32:]
	if d := assay.Sum(snapshotTag, body); string(d[:]) != string(sum) {
		return fmt.Errorf("the snapshot's digest does not match its bytes: %w", assay.ErrCorrupt)
	}
	if string(body[len(snapshotTag):len(snapshotTag)+32]) != string(s.plan.digest[:]) {
		return fmt.Errorf("the snapshot was taken under another plan: %w", assay.ErrPrecondition)
	}
	numbers, rest := body[len(snapshotTag)+32:head], body[head:]
	fresh := s.plan.NewState()
	fresh.mark = int64(binary.LittleEndian.Uint64(numbers))
	fresh.events = binary.LittleEndian.Uint64(numbers[8:])
	fresh.late = binary.LittleEndian.Uint64(numbers[16:])
	for _, t := range fresh.tables {
		var err error
		if rest, err = t.Restore(rest); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes follow the snapshot: %w", len(rest), assay.ErrCorrupt)
	}
	*s = *fresh
	return nil
}
