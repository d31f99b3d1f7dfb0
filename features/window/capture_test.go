// SPDX-License-Identifier: Apache-2.0

package window

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// step is one thing that happens to a table: an event of a key, or an erasure.
type step struct {
	key    []byte
	run    func(t *Table)
	erased bool
	role   string
	party  Party
}

// history is a random stream of steps.
type history struct {
	people *erasable
	now    int64
}

func newHistory(seed uint64) *history {
	people := &erasable{rng: rand.New(rand.NewPCG(5, seed)), pool: 40}
	for b := range people.buyers {
		people.newBuyer(b)
	}
	return &history{people: people}
}

func (h *history) next(windows int) step {
	rng := h.people.rng
	if h.now += rng.Int64N(4); rng.IntN(60) == 0 {
		h.now += 90
	}
	if rng.IntN(25) == 0 {
		role, p := h.people.erase()
		return step{erased: true, role: role, party: p, run: func(t *Table) { t.Forget(role, p) }}
	}
	key, at := h.key(), h.now-rng.Int64N(25)
	value, member := float64(rng.IntN(1000))/8, Hash(fmt.Sprint("member ", rng.IntN(h.people.pool)))
	h.people.latest = member
	feeds := rng.IntN(1 << windows)
	return step{key: key, run: func(t *Table) {
		t.Advance(at)
		for w := range windows {
			if feeds>>w&1 != 0 {
				t.Add(key, w, at, value, member)
			}
		}
	}}
}

// key is of one of few buyers, and of one of many texts now and then.
func (h *history) key() []byte {
	key := h.people.key(h.people.rng.IntN(len(h.people.buyers)))
	if h.people.rng.IntN(3) == 0 {
		key[len(key)-1] = byte('c' + h.people.rng.IntN(20))
	}
	return key
}

// storedTable is a table with what its snapshots have written.
type storedTable struct {
	*Table
	rows   map[string]Row  // as of the latest snapshot
	cold   map[string]bool // keys that have not been installed since the start
	upto   uint32          // erasures that rows are cleaned of
	mark   int64           // the watermark of the latest snapshot
	since  []step          // erasures since
	warmed int
}

// warm installs a key if it is cold.
func (s *storedTable) warm(t *testing.T, key string) {
	t.Helper()
	r, there := s.rows[key]
	if !s.cold[key] || !there || r.DeadFrom <= s.Horizon() || s.KeyForgotten(key, s.upto) {
		return
	}
	d, err := s.DecodeRow(r.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s.InstallRow(key, d, s.upto)
	delete(s.cold, key)
	s.warmed++
}

func (s *storedTable) step(t *testing.T, x step) {
	t.Helper()
	if x.erased {
		s.since = append(s.since, x)
	} else {
		s.warm(t, string(x.key))
	}
	x.run(s.Table)
}

// merge is what is stored after a snapshot before which the given erasures were: its rows, and those of before that
// are not erased and not dead. What is cold is cleaned without being installed.
func (s *storedTable) merge(t *testing.T, rows []Row, erased []step, horizon int64) map[string]Row {
	t.Helper()
	out := map[string]Row{}
	for key, r := range s.rows {
		names := Filter(0)
		if slices.ContainsFunc(erased, func(x step) bool { return bytes.Contains([]byte(key), x.party.Key[:]) }) {
			continue
		}
		for _, x := range erased {
			if r.Names.May(MemberFilter(x.party.Member)) {
				names |= MemberFilter(x.party.Member)
			}
		}
		if s.cold[key] && names != 0 {
			b, names, err := s.CleanRow(key, r.Bytes, func(role string, hash uint64) bool {
				return slices.ContainsFunc(erased, func(x step) bool {
					return x.role == role && x.party.Member == hash
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			if b != nil {
				r.Bytes, r.Names = b, names
			}
		}
		out[key] = r
	}
	for _, r := range rows {
		out[r.Key] = r
	}
	maps.DeleteFunc(out, func(_ string, r Row) bool { return r.DeadFrom <= horizon })
	return out
}

// snapshot takes a snapshot while the history goes on. It returns the steps since it began, and false if it was lost.
func (s *storedTable) snapshot(t *testing.T, h *history, twin *Table) (log []step, kept bool) {
	t.Helper()
	rng, want := h.people.rng, allRows(twin)
	s.BeginRows()
	erased, upto, horizon, mark := s.since, s.Erasures(), s.Horizon(), s.watermark
	s.since = nil
	var rows []Row
	for more := true; more; {
		x := h.next(len(s.windows))
		log = append(log, x)
		x.run(twin)
		s.step(t, x)
		if key := h.key(); rng.IntN(2) == 0 {
			s.warm(t, string(key))
			s.Find(key)
		}
		if all := slices.Sorted(maps.Keys(s.cold)); len(all) > 0 {
			s.warm(t, all[rng.IntN(len(all))])
		}
		s.Evict(rng.IntN(3))
		more = s.WalkRows(rng.IntN(2))
		rows = append(rows, s.TakeRows()...)
	}
	merged := s.merge(t, rows, erased, horizon)
	s.EndRows()
	if rng.IntN(10) == 0 {
		s.AbandonRows()
		s.since = append(erased, s.since...)
		return log, false
	}
	compareRows(t, merged, want)
	s.rows, s.upto, s.mark = merged, upto, mark
	s.StoredUpTo(upto)
	return log, true
}

// allRows is the slow twin of a snapshot: every key is cleaned and written at once.
func allRows(t *Table) map[string]string {
	out := map[string]string{}
	for p := range t.keys {
		if t.keys[p].name == "" {
			continue
		}
		if t.settle(int32(p)); t.alive(p) {
			out[t.keys[p].name] = string(t.appendRow(nil, t.cellsAt(int32(p))))
		}
	}
	return out
}

func erasableWindows() []Config {
	return []Config{
		{Length: 100, Hop: 10, Needs: everything, Members: 6, Samples: 9, Recent: 3, MemberRole: "seller"},
		{Length: 40, Hop: 7, Offset: 30, Needs: Share | Tally | LatestMember, Members: 4, MemberRole: "seller"},
		{Length: 2, Calendar: weeks{}, Needs: Distinct | Spread, Members: 5, MemberRole: "buyer"},
		{Length: 60, Hop: 20, Needs: Count | Sum | Latest},
	}
}

func erasableTable() *Table {
	t := New(25, erasableWindows())
	t.PartyKeys([]bool{true, false})
	return t
}

// TestRowsOfSnapshots takes snapshots of a random history while it goes on, and starts anew from them now and then,
// installing rows when they are needed. The rows that are then stored must be those of a twin that was fed from the
// beginning, never evicted from and never restored, and that writes every key at the snapshot's moment.
func TestRowsOfSnapshots(t *testing.T) {
	snapshots, restarts, warmed, cold := 0, 0, 0, 0
	for seed := range uint64(8) {
		h, twin := newHistory(seed), erasableTable()
		live := &storedTable{Table: erasableTable(), mark: math.MinInt64}
		var log []step // since the snapshot that is stored
		for range 100 {
			for range h.people.rng.IntN(30) {
				x := h.next(len(twin.windows))
				log = append(log, x)
				x.run(twin)
				live.step(t, x)
				live.Evict(h.people.rng.IntN(4))
			}
			since, kept := live.snapshot(t, h, twin)
			if kept {
				snapshots++
				log = nil
			}
			log = append(log, since...)
			if h.people.rng.IntN(4) == 0 {
				restarts, warmed = restarts+1, warmed+live.warmed
				mark := live.mark
				live = &storedTable{Table: erasableTable(), rows: live.rows, cold: map[string]bool{}}
				live.mark = mark
				live.Advance(mark)
				live.StoredUpTo(0)
				for key := range live.rows {
					live.cold[key] = true
				}
				for _, x := range log {
					live.step(t, x)
				}
				cold += len(live.cold)
			}
		}
	}
	if snapshots < 400 || restarts < 100 || warmed < 300 || cold < 300 {
		t.Errorf("%d snapshots, %d restarts, %d rows installed, %d not: too few", snapshots, restarts, warmed, cold)
	}
}

func compareRows(t *testing.T, got map[string]Row, want map[string]string) {
	t.Helper()
	for key, r := range got {
		if b, ok := want[key]; !ok || b != string(r.Bytes) {
			t.Fatalf("the row of %x differs from the twin's (which has it: %v)", key, ok)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows are stored, want %d", len(got), len(want))
	}
}

// TestRowsAreFrozen: the bytes of rows are what they have always been. Digests of them are recorded: if they have to
// change, their tags change too.
func TestRowsAreFrozen(t *testing.T) {
	tab, h := erasableTable(), sha256.New()
	for n := range int64(2000) {
		at := 3*n - n*n%40
		if n%150 == 149 {
			tab.Forget("seller", Party{Key: [16]byte{9}, Member: Hash(fmt.Sprint(n * n % 23))})
		}
		tab.Advance(at)
		key := fmt.Appendf(nil, "\x10party number%4d\x02eu", n*7%5)
		for w := range tab.windows {
			if (n>>w)%3 != 0 {
				tab.Add(key, w, at, float64(n*n%91)/4, Hash(fmt.Sprint(n*n%23)))
			}
		}
	}
	rows := allRows(tab)
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(h, "%d %s %d %s", len(key), key, len(rows[key]), rows[key])
	}
	const want = "78c907fce23e7004053c931876ee905e25259ff3b7ebdc9dfba569beedb76ce4"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("%d rows with the digest %s, want %s", len(rows), got, want)
	}
}

// TestDeadFrom: the horizon from which a pane is dead is the first one whose lowest pane is after it.
func TestDeadFrom(t *testing.T) {
	for _, c := range append(erasableWindows(), Config{Length: 3, Calendar: weeks{}, Offset: 2},
		Config{Length: 1, Calendar: weeks{}}, Config{Length: 97, Hop: 13, Offset: 20}) {
		l := &New(0, []Config{c}).windows[0]
		var last paneSpan
		lowest := func(horizon int64) int64 { return l.pane(&last, horizon-l.reach) - l.panesBefore }
		for pane := int64(-30); pane < 30; pane++ {
			if from := l.deadFrom(pane); lowest(from) <= pane || lowest(from-1) > pane {
				t.Errorf("%+v: pane %d is dead from %d: the lowest panes are then %d, and %d before", c, pane, from,
					lowest(from), lowest(from-1))
			}
		}
	}
}

// FuzzRow gives damaged rows to the decoder: an error, or a row that can be written, read,
// fed and cleaned.
func FuzzRow(f *testing.F) {
	h, tab := newHistory(1), erasableTable()
	for range 300 {
		h.next(len(tab.windows)).run(tab)
	}
	for _, b := range allRows(tab) {
		f.Add([]byte(b))
		f.Add([]byte(b[:len(b)/2]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, key := erasableTable(), "\x10numberofnumber..\x03eur"
		d, err := tab.DecodeRow(slices.Clone(b))
		if err != nil {
			return
		}
		again := tab.appendRow(nil, d.cells)
		if d, err := tab.DecodeRow(again); err != nil || !bytes.Equal(tab.appendRow(nil, d.cells), again) {
			t.Fatalf("a row that was read is not written as it was: %v", err)
		}
		cleaned, _, err := tab.CleanRow(key, b, func(_ string, hash uint64) bool { return hash%2 == 0 })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tab.DecodeRow(cleaned); cleaned != nil && err != nil {
			t.Fatalf("a cleaned row is refused: %v", err)
		}
		tab.BeginRows()
		tab.InstallRow(key, d, 0)
		var r Reading
		for w := range tab.windows {
			tab.Read(tab.Find([]byte(key)), w, 50, &r)
		}
		tab.WalkRows(1)
		tab.EndRows()
		tab.Advance(60)
		for w := range tab.windows {
			tab.Add([]byte(key), w, 60, 1, 1)
		}
		tab.BeginRows()
		tab.WalkRows(1)
	})
}
