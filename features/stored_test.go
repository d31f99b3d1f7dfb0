// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/features/window"
)

// record is an event with its parties, or the erasure of one.
type record struct {
	ev      assay.Event
	parties []features.Party
	role    string // of an erasure
	erased  features.Party
}

// recordsOf makes records of events, and erases a party of a recent event now and then; most of them come back.
func recordsOf(events []assay.Event, rng *rand.Rand, every int) []record {
	generation := map[string]byte{}
	var out []record
	for i := range events {
		ev := &events[i]
		out = append(out, record{ev: *withoutNames(ev), parties: partiesOf(ev, generation)})
		if of := &events[max(i-rng.IntN(20), 0)]; rng.IntN(every) == 0 && len(of.Entities) > 0 {
			n := rng.IntN(len(of.Entities))
			e := of.Entities[n]
			out = append(out, record{role: e.Role, erased: partiesOf(of, generation)[n]})
			generation[e.Role+":"+e.ID]++
		}
	}
	return out
}

// apply applies a record to a state and returns the vector of a scored event. An event may meet a row that is erased by
// a later record.
func (r *record) apply(t *testing.T, p *features.Plan, st *features.State, wantVector bool) (v assay.Vector) {
	t.Helper()
	if r.role != "" {
		st.Forget(r.role, r.erased)
		return v
	}
	if wantVector && r.ev.Kind == p.Event() {
		fields, err := p.Read(nil, &r.ev)
		if err != nil {
			t.Fatal(err)
		}
		if v, err = p.VectorOfParties(nil, fields, &r.ev, r.parties, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.ObserveParties(&r.ev, r.parties, st); err != nil && !errors.Is(err, snapshot.ErrErased) {
		t.Fatal(err)
	}
	return v
}

// store is where the test stores rows. A row cannot be read when the key of one of its parties is destroyed.
type store struct {
	mu        sync.Mutex
	rows      [][]byte
	destroyed map[[16]byte]bool
	plan      *features.State // to find the parties in keys
	reads     int
}

func (s *store) put(rows []snapshot.Row) (entries []snapshot.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range rows {
		entries = append(entries, rows[i].Entry(snapshot.Place{uint64(len(s.rows))}))
		s.rows = append(s.rows, bytes.Clone(rows[i].Bytes))
	}
	return entries
}

func (s *store) read(e *snapshot.Entry) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for _, p := range s.plan.RowParties(e.Name) {
		if s.destroyed[p] {
			return nil, fmt.Errorf("no key: %w", snapshot.ErrErased)
		}
	}
	return s.rows[e.Place[0]], nil
}

// taken is a snapshot that is stored.
type taken struct {
	number int // of the records that it contains
	header []byte
	dir    *snapshot.Directory
	digest assay.Digest
}

// digestOfAll is the digest after records are replayed from nothing, computed from the definition.
func digestOfAll(t *testing.T, p *features.Plan, records []record) assay.Digest {
	t.Helper()
	st := p.NewState()
	for i := range records {
		records[i].apply(t, p, st, false)
	}
	for !st.Sweep(1 << 20) {
	}
	snap, err := st.BeginSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	for !snap.Step(1 << 20) {
	}
	rows := snap.End()
	slices.SortFunc(rows, func(a, b snapshot.Row) int {
		return cmpBytes(binary.BigEndian.AppendUint32(nil, uint32(a.Table)), []byte(a.Key),
			binary.BigEndian.AppendUint32(nil, uint32(b.Table)), []byte(b.Key))
	})
	sum := func(tag string, b ...[]byte) []byte {
		d := sha256.Sum256(append([]byte(tag), bytes.Join(b, nil)...))
		return d[:]
	}
	le := binary.LittleEndian
	var groups, group [][]byte
	for i, r := range rows {
		head := le.AppendUint32(le.AppendUint32(nil, uint32(r.Table)), uint32(len(r.Key)))
		group = append(group, sum("assay/window-row/v1\n", head, []byte(r.Key), r.Bytes))
		if window.Hash(r.Key)%32 == 0 || i == len(rows)-1 {
			groups, group = append(groups, sum("assay/window-rows/v1\n", group...)), nil
		}
	}
	var root func(nodes [][]byte) []byte
	root = func(nodes [][]byte) []byte {
		if len(nodes) == 1 {
			return nodes[0]
		}
		half := 1 << int(math.Ceil(math.Log2(float64(len(nodes))))-1)
		return sum("assay/window-node/v1\n", root(nodes[:half]), root(nodes[half:]))
	}
	top := sum("assay/window-node/v1\n")
	if len(groups) > 0 {
		top = root(groups)
	}
	return assay.Digest(sum("assay/window-state/v1\n", snap.Header(), le.AppendUint64(nil, uint64(len(rows))), top))
}

func cmpBytes(a1, a2, b1, b2 []byte) int {
	if c := bytes.Compare(a1, b1); c != 0 {
		return c
	}
	return bytes.Compare(a2, b2)
}

// node is a server that stores its windows.
type node struct {
	plan   *features.Plan
	state  *features.State
	store  *store
	taking *features.Snapshot
	number int // of the record at which taking began
	walked bool
	rows   []snapshot.Entry
	latest taken
	opened []snapshot.ColdRow // read some time ago, and not warmed yet
}

// advance goes one step further with the snapshot that is being taken, and reports whether it is stored now.
func (n *node) advance(t *testing.T, rng *rand.Rand) (done bool) {
	t.Helper()
	if !n.walked {
		n.walked = n.taking.Step(1 + rng.IntN(3))
		n.rows = append(n.rows, n.store.put(n.taking.Take())...)
		return false
	}
	cleaned, err := n.taking.Clean()
	if err != nil && !errors.Is(err, snapshot.ErrErased) {
		t.Fatal(err)
	}
	n.rows = append(n.rows, n.store.put(append(cleaned, n.taking.End()...))...)
	if err != nil || rng.IntN(8) == 0 { // the store has failed
		n.taking.Abandon()
		n.taking, n.rows = nil, nil
		return false
	}
	var moved []snapshot.Entry
	for e := range n.latest.dir.All() {
		if rng.IntN(10) == 0 {
			m := *e
			m.Place = snapshot.Place{uint64(len(n.store.rows))}
			n.store.rows = append(n.store.rows, n.store.rows[e.Place[0]])
			moved = append(moved, m)
		}
	}
	before := n.latest.dir
	dir, changes := n.taking.Apply(n.rows, moved)
	again, err := snapshot.ReadChanges(changes.Append(nil))
	if err != nil || before.Apply(again).Root() != dir.Root() {
		t.Fatalf("changes that are written and read make another directory: %v", err)
	}
	n.taking.Done()
	n.latest = taken{n.number, n.taking.Header(), before.Apply(again), n.taking.Digest(dir)}
	n.taking, n.rows = nil, nil
	return true
}

func (n *node) begin(t *testing.T, number int) {
	t.Helper()
	var err error
	if n.taking, err = n.state.BeginSnapshot(); err != nil {
		if !errors.Is(err, snapshot.ErrErased) {
			t.Fatal(err)
		}
		n.taking = nil
		return
	}
	n.number, n.walked = number, false
}

// takeNow takes a snapshot of so many records.
func (n *node) takeNow(t *testing.T, number int, rng *rand.Rand) {
	t.Helper()
	for n.latest.number != number {
		if n.begin(t, number); n.taking == nil {
			t.Fatal("no snapshot can be taken")
		}
		for n.taking != nil && !n.advance(t, rng) {
		}
	}
}

// restart makes the state again from the latest snapshot and the records since.
func (n *node) restart(t *testing.T, records []record, rng *rand.Rand) {
	t.Helper()
	n.taking, n.rows, n.opened = nil, nil, nil
	var err error
	if n.state, err = n.plan.RestoreState(n.latest.header, n.latest.dir, n.store.read); err != nil {
		t.Fatal(err)
	}
	for i := n.latest.number; i < len(records); i++ {
		r := &records[i]
		if rng.IntN(2) == 0 && r.role == "" {
			cold := n.state.Cold(&r.ev, r.parties)
			for j := range cold {
				cold[j].Open()
			}
			n.state.Warm(cold)
		}
		r.apply(t, n.plan, n.state, false)
	}
}

// TestHistories runs random histories of events and erasures through a state that takes snapshots at random moments
// and is made again from them at others. Its vectors must be those of a state that keeps everything in memory, and
// the digest of each snapshot that of a replay from nothing.
func TestHistories(t *testing.T) {
	t.Parallel()
	stored, restarts, left := 0, 0, 0
	worlds := 30
	if testing.Short() {
		worlds = 6
	}
	seeds := []int{119, 329} // a cold row that dies while a snapshot has to clean it
	for seed := range worlds {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		w := featurestest.Random(uint64(seed))
		p, _ := w.Fit(t)
		rng := rand.New(rand.NewPCG(uint64(seed), 22))
		records := recordsOf(w.Events, rng, 12)
		n := &node{plan: p, state: p.NewState(), store: &store{destroyed: map[[16]byte]bool{}, plan: p.NewState()},
			latest: taken{header: nil, dir: snapshot.NewDirectory()}}
		plain := p.NewState()
		for i := range records {
			want, got := records[i].apply(t, p, plain, true), records[i].apply(t, p, n.state, true)
			if want.Digest() != got.Digest() {
				t.Fatalf("%s: record %d of %d: another vector (snapshot of %d)", w.Name, i, len(records),
					n.latest.number)
			}
			if records[i].role != "" {
				n.store.destroyed[records[i].erased.Key] = true
			}
			switch {
			case n.taking == nil && rng.IntN(4) == 0:
				n.begin(t, i+1)
			case n.taking != nil && n.advance(t, rng):
				stored++
				if want := digestOfAll(t, p, records[:n.latest.number]); n.latest.digest != want {
					t.Fatalf("%s: the snapshot of %d records has another digest than a replay", w.Name, n.latest.number)
				}
			}
			if j := rng.IntN(len(records)); len(n.opened) == 0 && records[j].role == "" {
				n.opened = n.state.Cold(&records[j].ev, records[j].parties)
				for j := range n.opened {
					n.opened[j].Open()
				}
			} else if rng.IntN(15) == 0 {
				n.state.Warm(n.opened)
				n.opened = nil
			}
			if rng.IntN(15) == 0 && n.latest.number > 0 {
				restarts++
				left += n.state.ColdKeys()
				n.restart(t, records[:i+1], rng)
			}
		}
	}
	if stored < 5*worlds || restarts < 5*worlds || left < 20*worlds {
		t.Errorf("%d snapshots, %d restarts, %d rows never read: too few", stored, restarts, left)
	}
}
