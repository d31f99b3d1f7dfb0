// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// fieldChange changes one field of a group; false: the group has no such field.
type fieldChange func(rng *rand.Rand, f *recordfile.Head, body []byte) bool

// fieldMutations change one field of one record and make all checksums and
// authentication codes right again: what an insider with the system key can do.
func fieldMutations() (out []mutation) {
	for _, x := range []struct {
		field  string
		change fieldChange
	}{
		{"key id", flipPublic(0, 16)},
		{"request tag", flipPublic(16, 32)},
		{"leaf", flipPublic(recordfile.PublicPrefix, 0)},
		{"table", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
			return flipBit(rng, body[:tableRow*f.Count])
		}},
		{"personal part", flipPersonal},
		{"business part", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
			_, b, _ := recordParts(f, body, rng.IntN(int(f.Count)))
			return len(b) > 0 && flipBit(rng, b)
		}},
		{"first", func(rng *rand.Rand, f *recordfile.Head, _ []byte) bool {
			f.First ^= 1 << rng.IntN(40)
			return true
		}},
		{"two leaves swapped", swapLeaves},
		{"tag of a new key", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
			b := groupKeyOps(f, body)
			return len(b) > 0 && b[0] == recordfile.NewKey && flipBit(rng, b[1:17])
		}},
		{"id of a new key or of an erased one", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
			b := groupKeyOps(f, body)
			return len(b) > 0 && flipBit(rng, b[17:33])
		}},
	} {
		out = append(out, mutation{"record, by an insider", x.field, func(t *testing.T, d string, rng *rand.Rand) {
			changeAsInsider(t, d, rng, x.field, x.change)
		}, false})
	}
	return out
}

// changeAsInsider changes a field of a group of a directory that has it.
func changeAsInsider(t *testing.T, d string, rng *rand.Rand, field string, change fieldChange) {
	auth := authenticatorOf(t, d)
	for range 1000 {
		fs := recordFiles(t, d)
		path := fs[rng.IntN(len(fs))]
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		offs := groupOffsets(t, b)
		i := rng.IntN(len(offs) - 1)
		f, err := recordfile.ParseHead(b[offs[i]:])
		if err != nil {
			t.Error(err)
			return
		}
		raw := bytes.Clone(b[offs[i] : offs[i+1]-vault.MACSize])
		if !change(rng, &f, raw[f.HeadLen():]) {
			continue
		}
		if raw, err = f.Seal(auth, raw); err != nil {
			t.Error(err)
			return
		}
		copy(b[offs[i]:], raw)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("%s: no group has it", field)
}

func flipBit(rng *rand.Rand, b []byte) bool {
	b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	return true
}

// flipPublic flips a bit between two offsets of a record's public part; to 0 is
// its end.
func flipPublic(from, to int) fieldChange {
	return func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		b, _, _ := recordParts(f, body, rng.IntN(int(f.Count)))
		if to > 0 {
			b = b[:to]
		}
		return flipBit(rng, b[from:])
	}
}

// flipPersonal flips a bit of a personal part that can be opened: nobody can open
// what was erased, changed or not.
func flipPersonal(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
	i := rng.IntN(int(f.Count))
	_, _, b := recordParts(f, body, i)
	return len(b) > 0 && (f.First+uint64(i))%17 != 3 && flipBit(rng, b)
}

func swapLeaves(_ *rand.Rand, f *recordfile.Head, body []byte) bool {
	if f.Count < 2 {
		return false
	}
	x, _, _ := recordParts(f, body, 0)
	y, _, _ := recordParts(f, body, 1)
	if len(x) != len(y) {
		return false
	}
	tmp := bytes.Clone(x)
	copy(x, y)
	copy(y, tmp)
	return true
}

// tableRow is the length of a record's row in the table of a group.
const tableRow = 12

// sectionEnds returns where record i's parts end within their sections, by the format's description: a row of the
// table.
func sectionEnds(body []byte, i int) (ends [3]int) {
	for k := range ends {
		if i >= 0 {
			ends[k] = int(binary.BigEndian.Uint32(body[tableRow*i+4*k:]))
		}
	}
	return ends
}

// recordParts returns record i's parts within a group's body.
func recordParts(f *recordfile.Head, body []byte, i int) (public, business, personal []byte) {
	n := int(f.Count)
	from, to, section := sectionEnds(body, i-1), sectionEnds(body, i), sectionEnds(body, n-1)
	publics := body[tableRow*n:]
	businesses := publics[section[0]:]
	personals := businesses[section[1]:]
	return publics[from[0]:to[0]], businesses[from[1]:to[1]], personals[from[2]:to[2]]
}

// groupKeyOps returns what follows the sealed parts in a group's body.
func groupKeyOps(f *recordfile.Head, body []byte) []byte {
	n := int(f.Count)
	section := sectionEnds(body, n-1)
	return body[tableRow*n+section[0]+section[1]+section[2]:]
}

// authenticatorOf returns the directory's authenticator, which anybody with its keys can make.
func authenticatorOf(t *testing.T, dir string) *vault.Authenticator {
	t.Helper()
	var auth *vault.Authenticator
	cfg := Config{Logger: slog.New(slog.DiscardHandler)}
	cfg.setDefaults()
	db, err := store.Open(filepath.Join(dir, storeDir), cfg.store(func(error) {}))
	if err == nil {
		var m *vault.Master
		if m, err = vault.OpenMaster(filepath.Join(dir, "keys", "master.json"), nil); err == nil {
			if err = db.OpenKeys(m); err == nil {
				auth, err = db.System().Authenticator()
			}
		}
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Error(err)
	}
	return auth
}
