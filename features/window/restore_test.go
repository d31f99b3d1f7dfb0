// SPDX-License-Identifier: Apache-2.0

package window

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assayrisk/assay"
)

// busyTable has windows of several kinds and keys, with lists beyond their bounds.
func busyTable(events int) *Table {
	t := New(20, busyWindows())
	feedBusy(t, 0, events, rand.New(rand.NewPCG(4, 5)))
	return t
}

func busyWindows() []Config {
	return []Config{{Length: 100, Hop: 10, Needs: everything, Members: 6, Samples: 9, Recent: 3},
		{Needs: Count | Sum | Latest}, {Length: 40, Hop: 7, Offset: 30, Needs: Share | Tally, Members: 4},
		{Length: 2, Calendar: weeks{}, Needs: Distinct | Spread, Members: 5}}
}

// feedBusy adds events from number n on: about one a unit of time, out of order.
func feedBusy(t *Table, n, events int, rng *rand.Rand) {
	for i := n; i < n+events; i++ {
		at := int64(i) - rng.Int64N(20)
		key, member := fmt.Appendf(nil, "key %d", rng.IntN(5)), Hash(fmt.Sprint(rng.IntN(30)))
		value := float64(rng.IntN(200) - 50)
		t.Advance(at)
		for w := range t.windows {
			if rng.IntN(3) > 0 {
				t.Add(key, w, at, value, member)
			}
		}
	}
}

// readAll is what every window says of every key at some times, bit for bit.
func readAll(t *Table, now int64) []uint64 {
	var out []uint64
	for k := range 6 { // the last key has no events
		for w := range t.windows {
			for _, at := range []int64{now, now - 15, now + 25, now + 70} {
				var r Reading
				t.Read(t.Find(fmt.Appendf(nil, "key %d", k)), w, at, &r)
				out = append(out, bitsOf(&r)...)
			}
		}
	}
	return out
}

// TestRestoreAtAnyPoint: a table that is written and read at random moments says what one that never was does, and
// goes on to do so.
func TestRestoreAtAnyPoint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		stop := rand.New(rand.NewPCG(seed, 77)).IntN(400)
		plain, other := New(20, busyWindows()), New(20, busyWindows())
		feedBusy(plain, 0, stop, rand.New(rand.NewPCG(seed, 1)))
		feedBusy(other, 0, 50, rand.New(rand.NewPCG(seed, 9))) // a state that Restore must forget
		rest, err := other.Restore(append(plain.Snapshot(nil), "what follows"...))
		if err != nil || string(rest) != "what follows" {
			t.Fatalf("seed %d, %d events: %q is left, error %v", seed, stop, rest, err)
		}
		if !slices.Equal(readAll(plain, int64(stop)), readAll(other, int64(stop))) {
			t.Fatalf("seed %d: a table restored after %d events reads differently", seed, stop)
		}
		for _, table := range []*Table{plain, other} {
			feedBusy(table, stop, 150, rand.New(rand.NewPCG(seed, 2)))
		}
		if !slices.Equal(readAll(plain, int64(stop)+150), readAll(other, int64(stop)+150)) ||
			!bytes.Equal(plain.Snapshot(nil), other.Snapshot(nil)) {
			t.Fatalf("seed %d: a table restored after %d events goes another way", seed, stop)
		}
	}
}

// TestSnapshotIsAppended: a snapshot follows what the buffer holds, and is the same whatever the order of keys was.
func TestSnapshotIsAppended(t *testing.T) {
	t.Parallel()
	tables := [2]*Table{}
	for i := range tables {
		tables[i] = New(10, []Config{{Length: 100, Hop: 10, Needs: Count | Max}})
		tables[i].Advance(5)
		for k := range 40 {
			if i == 1 {
				k = 39 - k
			}
			tables[i].Add(fmt.Appendf(nil, "k%d", k), 0, 5, float64(k), 0)
		}
	}
	first := tables[0].Snapshot([]byte("before"))
	if !bytes.HasPrefix(first, []byte("before")) || !bytes.Equal(first[6:], tables[1].Snapshot(nil)) {
		t.Error("tables with equal states give other snapshots")
	}
}

// TestRestoreRefusesEveryPrefix: a snapshot that was cut off anywhere is refused and leaves an empty table, which
// can be used.
func TestRestoreRefusesEveryPrefix(t *testing.T) {
	t.Parallel()
	good := busyTable(60).Snapshot(nil)
	table := New(20, busyWindows())
	for n := range len(good) {
		feedBusy(table, 0, 3, rand.New(rand.NewPCG(1, uint64(n))))
		_, err := table.Restore(good[:n])
		if !errors.Is(err, assay.ErrCorrupt) {
			t.Fatalf("%d of %d bytes: error %v, want one that matches assay.ErrCorrupt", n, len(good), err)
		}
		if table.Len() != 0 {
			t.Fatalf("%d of %d bytes leave %d keys", n, len(good), table.Len())
		}
	}
	if _, err := table.Restore(good); err != nil {
		t.Errorf("the whole snapshot is refused after all its prefixes: %v", err)
	}
}

// words writes a snapshot by hand: numbers of 8 bytes, counts of 4 (uint32) and keys.
func words(items ...any) []byte {
	var b []byte
	for _, item := range items {
		switch x := item.(type) {
		case int:
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, x)
		case string:
			b = binary.LittleEndian.AppendUint16(b, uint16(len(x)))
			b = append(b, x...)
		}
	}
	return b
}

// TestRestoreRefusesDamage writes snapshots by hand, whole and then damaged in one place.
func TestRestoreRefusesDamage(t *testing.T) {
	t.Parallel()
	const two, one, none = uint32(2), uint32(1), uint32(0)
	cuts := make([]any, 0, 140)
	for range 65 {
		cuts = append(cuts, 5, 3)
	}
	list := func(needs Needs) []Config { return []Config{{Length: 100, Hop: 10, Needs: needs, Recent: 2}} }
	pane := []any{8, one, "k", one, 7} // watermark, one key, one pane without columns: number 7
	after := func(items ...any) []byte { return words(append(slices.Clone(pane), items...)...) }
	for _, c := range []struct {
		name    string
		windows []Config
		whole   bool
		bytes   []byte
	}{
		{"no keys", list(Count), true, words(8, none)},
		{"before the first event", list(Count), true, words(math.MinInt64, none)},
		{"a watermark too late", list(Count), false, words(maxWatermark+1, none)},
		{"a watermark too early", list(Count), false, words(-maxWatermark-1, none)},
		{"the latest watermark", list(Count), true, words(maxWatermark, none)},
		{"two keys", list(Count), true, words(8, two, "a", one, 0, 4, "b", one, 0, 1)},
		{"keys not sorted", list(Count), false, words(8, two, "b", one, 0, 4, "a", one, 0, 1)},
		{"a key twice", list(Count), false, words(8, two, "a", one, 0, 4, "a", one, 0, 1)},
		{"an empty key", list(Count), false, words(8, one, "", one, 0, 4)},
		{"more keys than bytes", list(Count), false, words(8, uint32(1<<31), "a", one, 0, 4)},
		{"more panes than bytes", list(Count), false, words(8, one, "a", uint32(1<<31), 0, 4)},
		{"two panes", list(Count), true, words(8, one, "a", two, -1, 4, 0, 1)},
		{"panes not sorted", list(Count), false, words(8, one, "a", two, 0, 4, -1, 1)},
		{"a pane twice", list(Count), false, words(8, one, "a", two, 0, 4, 0, 1)},

		{"members", list(Distinct), true, after(two, 3, 7, 9, 7, none)},
		{"members not sorted", list(Distinct), false, after(two, 9, 7, 3, 7, none)},
		{"a member twice", list(Distinct), false, after(two, 3, 6, 3, 7, none)},
		{"more members than bytes", list(Distinct), false, after(uint32(1<<30), 3, 7, none)},
		{"cuts", list(Distinct), true, after(none, two, 5, 3, 6, 2)},
		{"cuts not sorted", list(Distinct), false, after(none, two, 6, 2, 5, 3)},
		{"64 cuts", list(Distinct), true, after(append([]any{none, uint32(64)}, cuts[:128]...)...)},
		{"65 cuts", list(Distinct), false, after(append([]any{none, uint32(65)}, cuts...)...)},

		{"counts", list(Tally), true, after(two, 3, 6, 0, 3, 7, 0)},
		{"counts of panes not sorted", list(Tally), false, after(two, 3, 7, 0, 3, 6, 0)},
		{"counts of members not sorted", list(Tally), false, after(two, 4, 6, 0, 3, 7, 0)},
		{"counts of a pane twice", list(Tally), false, after(two, 3, 7, 0, 3, 7, 0)},

		{"a sample", list(Sample), true, after(9, two, 3, 7, 0, 4, 6, 0, none)},
		{"a sample not sorted", list(Sample), false, after(9, two, 4, 7, 0, 3, 6, 0, none)},
		{"a sample without its cuts", list(Sample), false, after(9, two, 3, 7, 0, 4, 6, 0)},

		{"recent events", list(Recents), true, after(two, 70, 0, 7, 70, 0, 7)},
		{"recent events not sorted", list(Recents), false, after(two, 71, 0, 7, 70, 0, 7)},
		{"recent events in panes not sorted", list(Recents), false, after(two, 70, 0, 7, 71, 0, 6)},
		{"too many recent events", list(Recents), false, after(uint32(3), 70, 0, 7, 70, 0, 7, 70, 0, 7)},
	} {
		table := New(0, c.windows)
		switch rest, err := table.Restore(c.bytes); {
		case c.whole && (err != nil || len(rest) != 0):
			t.Errorf("%s: error %v, %d bytes left", c.name, err, len(rest))
		case !c.whole && !errors.Is(err, assay.ErrCorrupt):
			t.Errorf("%s: error %v, want one that matches assay.ErrCorrupt", c.name, err)
		case !c.whole && table.Len() != 0:
			t.Errorf("%s: %d keys are left after the error", c.name, table.Len())
		}
	}
}
