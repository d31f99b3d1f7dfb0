// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// storeMutations change keys and values of the store below the journal.
func storeMutations() (out []mutation) {
	add := func(file, operator string, heals bool, fn func(t *testing.T, db *pebble.DB, rng *rand.Rand) error) {
		out = append(out, mutation{file, operator, func(t *testing.T, d string, rng *rand.Rand) {
			edit(t, d, func(db *pebble.DB) error { return fn(t, db, rng) })
		}, heals})
	}
	for _, p := range []struct {
		prefix byte
		name   string
	}{{prefixRequest, "request index"}, {prefixKey, "subject key"}, {prefixSubject, "subject"}, {prefixErased, "erasure"}} {
		add(p.name, "bit flipped", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := pick(t, db, p.prefix, rng)
			v[rng.IntN(len(v))] ^= 1 << rng.IntN(8)
			return db.Set(k, v, pebble.Sync)
		})
		add(p.name, "cut short", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := pick(t, db, p.prefix, rng)
			return db.Set(k, v[:rng.IntN(len(v))], pebble.Sync)
		})
		add(p.name, "deleted", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, _ := pick(t, db, p.prefix, rng)
			return db.Delete(k, pebble.Sync)
		})
		add(p.name, "name changed", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := pick(t, db, p.prefix, rng)
			other := bytes.Clone(k)
			other[1+rng.IntN(len(k)-1)] ^= 1 << rng.IntN(8)
			return errors.Join(db.Delete(k, pebble.Sync), db.Set(other, v, pebble.Sync))
		})
		if p.prefix == prefixErased {
			continue // there is one
		}
		add(p.name, "two swapped", false, func(t *testing.T, db *pebble.DB, rng *rand.Rand) error {
			k, v := pick(t, db, p.prefix, rng)
			for {
				k2, v2 := pick(t, db, p.prefix, rng)
				if !bytes.Equal(v2, v) && !bytes.Equal(k, k2) {
					return errors.Join(db.Set(k, v2, pebble.Sync), db.Set(k2, v, pebble.Sync))
				}
			}
		})
	}
	for _, name := range []string{metaVersion, metaSystem, metaTree, metaAnchor} {
		add("mark: "+name, "bit flipped", false, func(_ *testing.T, db *pebble.DB, rng *rand.Rand) error {
			v, err := get(db, metaKey(name))
			if err != nil {
				return err
			}
			n := len(v)
			if name == metaAnchor {
				n = 4 + int(binary.BigEndian.Uint32(v)) // the proof is ledger/anchor's to check
			}
			v[rng.IntN(n)] ^= 1 << rng.IntN(8)
			return db.Set(metaKey(name), v, pebble.Sync)
		})
	}
	for _, name := range []string{metaIndexed, metaTagged, metaPublic, metaFinal} { // smaller ones cost only work
		add("mark: "+name, "bit flipped", true, func(_ *testing.T, db *pebble.DB, rng *rand.Rand) error {
			v, err := get(db, metaKey(name))
			if err != nil {
				return err
			}
			v[rng.IntN(len(v))] ^= 1 << rng.IntN(8)
			return db.Set(metaKey(name), v, pebble.Sync)
		})
	}
	add("mark: "+metaRetired, "set back", false, func(_ *testing.T, db *pebble.DB, rng *rand.Rand) error {
		return db.Set(metaKey(metaRetired), binary.BigEndian.AppendUint64(nil, rng.Uint64N(40)), pebble.Sync)
	})
	return out
}

// pick returns a random key under a prefix, and its value.
func pick(t *testing.T, db *pebble.DB, prefix byte, rng *rand.Rand) (k, v []byte) {
	t.Helper()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
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
