// SPDX-License-Identifier: Apache-2.0

package window

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// forget erases a party from the events: its own go, in others it is no member any more.
func (n *naive) forget(role string, p Party) {
	for key, events := range n.events {
		if bytes.Contains([]byte(key), p.Key[:]) {
			delete(n.events, key)
			continue
		}
		for i := range events {
			if role == n.cfg.MemberRole && events[i].member == p.Member {
				events[i].member = 0
			}
		}
	}
}

// erasable is a population of parties, some of which are erased and come back with other numbers.
type erasable struct {
	rng    *rand.Rand
	number uint64
	buyers [4]Party
	pool   int
	latest uint64 // the member of the latest event
}

func (e *erasable) newBuyer(i int) {
	e.number++
	binary.LittleEndian.PutUint64(e.buyers[i].Key[:], e.number)
	binary.LittleEndian.PutUint64(e.buyers[i].Key[8:], e.rng.Uint64())
	e.buyers[i].Member = Hash(fmt.Sprint("member ", i))
}

// key is of a buyer and a text.
func (e *erasable) key(i int) []byte {
	key := append([]byte{16}, e.buyers[i].Key[:]...)
	return append(key, 3, 'e', 'u', byte('a'+i%2))
}

// erase chooses whom to erase: a buyer, or a seller that is nobody's key. A buyer has the name of a seller.
func (e *erasable) erase() (role string, p Party) {
	if i := e.rng.IntN(len(e.buyers)); e.rng.IntN(3) == 0 {
		p = e.buyers[i]
		e.newBuyer(i)
		return "buyer", p
	}
	e.number++
	binary.LittleEndian.PutUint64(p.Key[:], e.number)
	if p.Member = e.latest; e.rng.IntN(2) == 0 {
		p.Member = Hash(fmt.Sprint("member ", e.rng.IntN(e.pool)))
	}
	return "seller", p
}

// TestForgetAgainstNaive erases parties while random streams are fed to three tables. In one, every key is cleaned
// at once; one cleans two with each event; one only what is read or fed. All must give equal readings and
// snapshots, and the readings that a table of the events without the erased parties gives.
func TestForgetAgainstNaive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for i, c := range shapes {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			cfg := Config{
				Length: c.length, Hop: c.hop, Offset: c.offset, Calendar: c.calendar, Needs: everything, Recent: 4,
				HalfLife: 60, Members: c.members, Samples: c.samples, MemberRole: "seller",
			}
			if c.offset > 0 {
				cfg.Needs &^= Distinct | Recents
			}
			cfg = cfg.withDefaults()
			people := &erasable{rng: rand.New(rand.NewPCG(7, uint64(i))), pool: 40}
			for b := range people.buyers {
				people.newBuyer(b)
			}
			twin := &naive{cfg: cfg, lateness: c.lateness, mark: math.MinInt64, events: map[string][]event{}}
			var tables [3]*Table
			for j := range tables {
				ofTexts := cfg
				ofTexts.MemberRole = ""
				tables[j] = New(c.lateness, []Config{cfg, ofTexts})
				tables[j].PartyKeys([]bool{true, false})
			}
			testForgetting(t, people, twin, tables)
		})
	}
}

func testForgetting(t *testing.T, people *erasable, twin *naive, tables [3]*Table) {
	rng, now, erased, unknown := people.rng, int64(0), 0, 0
	for n := range 1500 {
		now += rng.Int64N(4)
		key := people.key(rng.IntN(len(people.buyers)))
		at := now - rng.Int64N(twin.lateness+1)
		var r [3]Reading
		for j, tab := range tables {
			tab.Read(tab.Find(key), 0, at, &r[j])
		}
		want := twin.read(string(key), at)
		if twin.cfg.Offset > 0 {
			want.Distinct, want.Recent = 0, nil
		}
		if want.Seen && want.LastMember == 0 {
			unknown++
		}
		if twin.cfg.Members < people.pool { // then lists depend on what was in them before: only tables are compared
			want.Distinct, want.Share, want.Sums, want.Counts =
				r[0].Distinct, r[0].Share, slices.Clone(r[0].Sums), slices.Clone(r[0].Counts)
		}
		checkReadings(t, n, r, want, math.MaxInt, twin.cfg.Samples)
		e := event{at, float64(rng.IntN(1000)-200) / 8, Hash(fmt.Sprint("member ", rng.IntN(people.pool)))}
		people.latest = e.member
		twin.mark = max(twin.mark, at)
		twin.add(string(key), e)
		for _, tab := range tables {
			tab.Advance(at)
			tab.Add(key, 0, e.at, e.value, e.member)
			tab.Add(key, 1, e.at, e.value, e.member)
		}
		if rng.IntN(20) == 0 {
			erased++
			role, p := people.erase()
			twin.forget(role, p)
			for _, tab := range tables {
				tab.Forget(role, p)
			}
		}
		tables[0].Evict(len(tables[0].keys))
		tables[1].Evict(2)
		if n%61 == 0 {
			checkCleaned(t, tables)
		}
	}
	if erased == 0 || unknown == 0 {
		t.Errorf("%d erasures, %d readings of an erased latest member: the test does not reach both", erased, unknown)
	}
}

// checkCleaned compares the bytes of tables, of copies that are not cleaned by it, and restores one of them.
func checkCleaned(t *testing.T, tables [3]*Table) {
	t.Helper()
	want := tables[0].Snapshot(nil)
	for j, tab := range tables[1:] {
		if got := tab.Snapshot(nil); !bytes.Equal(got, want) {
			t.Fatalf("a table of %d keys that is cleaned %s gives other bytes", tab.Len(),
				[]string{"with each event", "when it is read"}[j])
		}
	}
	again := New(tables[0].lateness, []Config{tables[0].windows[0].Config, tables[0].windows[1].Config})
	if rest, err := again.Restore(want); err != nil || len(rest) > 0 {
		t.Fatalf("restore: %v", err)
	}
	if !bytes.Equal(again.Snapshot(nil), want) {
		t.Fatal("a restored table gives other bytes")
	}
}

// TestForgetLeavesNothing looks for the hash of an erased member, and for its number, in the bytes of a table
// whose lists are far beyond their bounds.
func TestForgetLeavesNothing(t *testing.T) {
	cfg := Config{Length: 1000, Hop: 10, Needs: everything, Members: 5, Samples: 9, MemberRole: "seller"}
	tab := New(10, []Config{cfg})
	tab.PartyKeys([]bool{true})
	keys := make([][]byte, 3)
	for k := range keys {
		keys[k] = append([]byte{16}, bytes.Repeat([]byte{byte('A' + k)}, 16)...)
	}
	rng := rand.New(rand.NewPCG(3, 9))
	for at := range int64(2000) {
		tab.Advance(at)
		tab.Add(keys[rng.IntN(3)], 0, at, 1, Hash(fmt.Sprint(rng.IntN(200))))
	}
	hashIn := func(m int) bool {
		return bytes.Contains(tab.Snapshot(nil), binary.LittleEndian.AppendUint64(nil, Hash(fmt.Sprint(m))))
	}
	found := 0
	for m := range 200 {
		if hashIn(m) {
			found++
		}
		if tab.Forget("buyer", Party{Member: Hash(fmt.Sprint(m))}); found == 1 && !hashIn(m) {
			t.Error("a buyer's name was erased among sellers")
		}
		if tab.Forget("seller", Party{Key: [16]byte{1, byte(m)}, Member: Hash(fmt.Sprint(m))}); hashIn(m) {
			t.Fatalf("member %d is still there", m)
		}
	}
	if found < 20 {
		t.Fatalf("%d members were in the table: the test does not reach its subject", found)
	}
	tab.Forget("buyer", Party{Key: [16]byte(keys[1][1:])})
	if b := tab.Snapshot(nil); bytes.Contains(b, keys[1]) || !bytes.Contains(b, keys[0]) {
		t.Error("want the erased party's key gone and the others kept")
	}
	for range 3 {
		tab.Evict(len(tab.keys))
	}
	if tab.Len() != 2 || !tab.Forgotten() || len(tab.erasures.parties) > 0 || len(tab.erasures.members) > 0 {
		t.Errorf("%d keys, %d erasures kept after all keys were seen twice", tab.Len(), len(tab.erasures.kept))
	}
}
