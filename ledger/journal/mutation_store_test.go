// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/assayrisk/assay/ledger/journal/store"
)

// storeMutations change keys and values of the store below the journal.
func storeMutations() (out []mutation) {
	add := func(file, operator string, heals bool, fn func(t *testing.T, db *pebble.DB, rng *rand.Rand) error) {
		out = append(out, mutation{file, operator, func(t *testing.T, d string, rng *rand.Rand) {
			editStore(t, d, func(db *pebble.DB) error { return fn(t, db, rng) })
		}, heals})
	}
	for _, p := range []struct {
		table store.Table
		name  string
	}{{store.Requests, "request index"}, {store.Keys, "subject key"}, {store.Subjects, "subject"},
		{store.Erased, "erasure"}, {store.Columns, "columns of lists"}, {store.Outlines, "outline of lists"},
		{store.Parties, "party's records"}} {
		add(p.name, "bit flipped", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := randomRow(t, db, p.table, rng)
			v[rng.IntN(len(v))] ^= 1 << rng.IntN(8)
			return db.Set(k, v, pebble.Sync)
		})
		add(p.name, "cut short", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := randomRow(t, db, p.table, rng)
			return db.Set(k, v[:rng.IntN(len(v))], pebble.Sync)
		})
		add(p.name, "deleted", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, _ := randomRow(t, db, p.table, rng)
			return db.Delete(k, pebble.Sync)
		})
		derived := p.table == store.Columns || p.table == store.Outlines // made again when they go beyond their mark
		add(p.name, "name changed", derived, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := randomRow(t, db, p.table, rng)
			other := bytes.Clone(k)
			other[1+rng.IntN(len(k)-1)] ^= 1 << rng.IntN(8)
			return errors.Join(db.Delete(k, pebble.Sync), db.Set(other, v, pebble.Sync))
		})
		if p.table == store.Erased || derived {
			continue // there is one
		}
		add(p.name, "two swapped", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := randomRow(t, db, p.table, rng)
			for {
				k2, v2 := randomRow(t, db, p.table, rng)
				if !bytes.Equal(v2, v) && !bytes.Equal(k, k2) {
					return errors.Join(db.Set(k, v2, pebble.Sync), db.Set(k2, v, pebble.Sync))
				}
			}
		})
	}
	for _, name := range []store.Mark{store.Version, store.System, store.Tree, store.Anchor} {
		add("mark: "+string(name), "bit flipped", false, func(_ *testing.T, db *pebble.DB, rng *rand.Rand) error {
			v, err := markValue(db, name)
			if err != nil {
				return err
			}
			n := len(v)
			if name == store.Anchor {
				n = 4 + int(binary.BigEndian.Uint32(v)) // the proof is ledger/anchor's to check
			}
			v[rng.IntN(n)] ^= 1 << rng.IntN(8)
			return db.Set(markKey(name), v, pebble.Sync)
		})
	}
	// smaller ones cost only work
	for _, name := range []store.Mark{store.Indexed, store.Tagged, store.Published, store.Final, store.Listed} {
		add("mark: "+string(name), "bit flipped", true, func(_ *testing.T, db *pebble.DB, rng *rand.Rand) error {
			v, err := markValue(db, name)
			if err != nil {
				return err
			}
			v[rng.IntN(len(v))] ^= 1 << rng.IntN(8)
			return db.Set(markKey(name), v, pebble.Sync)
		})
	}
	add("mark: "+string(store.Retired), "set back", false, func(_ *testing.T, db *pebble.DB, rng *rand.Rand) error {
		return db.Set(markKey(store.Retired), binary.BigEndian.AppendUint64(nil, rng.Uint64N(40)), pebble.Sync)
	})
	return out
}

// randomRow returns a random key of a table, and its value.
func randomRow(t *testing.T, db *pebble.DB, table store.Table, rng *rand.Rand) (k, v []byte) {
	t.Helper()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{byte(table)}, UpperBound: []byte{byte(table) + 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; rng.IntN(n) == 0 {
			k, v = bytes.Clone(it.Key()), bytes.Clone(it.Value())
		}
	}
	return k, v
}

// markKey is the key of a mark, as docs/formats/journal.md draws it.
func markKey(m store.Mark) []byte { return append([]byte{'m'}, m...) }

// markValue returns a copy of a mark's value.
func markValue(db *pebble.DB, m store.Mark) ([]byte, error) {
	v, c, err := db.Get(markKey(m))
	if err != nil {
		return nil, err
	}
	return bytes.Clone(v), c.Close()
}
