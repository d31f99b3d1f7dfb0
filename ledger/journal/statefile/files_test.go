// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// world is a directory in memory with the keys of some parties.
type world struct {
	*testing.T
	fs        vfs.FS
	programme *vault.Key
	keys      map[vault.ID]*vault.Key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	k, err := vault.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, vfs.NewMem(), k, map[vault.ID]*vault.Key{}}
}

func (w *world) party() vault.ID {
	w.Helper()
	k, err := vault.NewKey()
	if err != nil {
		w.Fatal(err)
	}
	w.keys[k.ID()] = k
	return k.ID()
}

func (w *world) open() *Files {
	w.Helper()
	f, err := Open(w.fs, "state", w.programme, func(id vault.ID) (*vault.Key, error) {
		if k := w.keys[id]; k != nil {
			return k, nil
		}
		return nil, vault.ErrErased
	})
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// testRow is a row with its place.
type testRow struct {
	parties      []vault.ID
	label, bytes []byte
	at           Place
}

// write writes a snapshot of the rows and notes their places.
func (w *world) write(f *Files, number uint64, rows []testRow) {
	w.Helper()
	out, err := f.Begin(number)
	if err != nil {
		w.Fatal(err)
	}
	for i := range rows {
		if rows[i].at, err = out.Add(rows[i].parties, rows[i].label, rows[i].bytes); err != nil {
			w.Fatal(err)
		}
	}
	if err := out.Finish([]byte(fmt.Sprint("state of ", number))); err != nil {
		w.Fatal(err)
	}
}

func (w *world) rows(n int) (rows []testRow) {
	a, b := w.party(), w.party()
	for i := range n {
		parties := [][]vault.ID{nil, {a}, {b}, {a, b}}[i%4]
		rows = append(rows, testRow{parties: parties, label: fmt.Append(nil, "row ", i),
			bytes: bytes.Repeat([]byte{byte(i)}, i)})
	}
	return rows
}

// TestRows reads rows back, from a directory that was opened again and after they were copied to a later snapshot.
func TestRows(t *testing.T) {
	w := newWorld(t)
	rows := w.rows(100)
	w.write(w.open(), 7, rows)
	f := w.open()
	if got := f.Numbers(); !slices.Equal(got, []uint64{7}) {
		t.Fatalf("snapshots %v", got)
	}
	if b, err := f.State(7); err != nil || string(b) != "state of 7" {
		t.Fatalf("%q, %v", b, err)
	}
	out, err := f.Begin(9)
	if err != nil {
		t.Fatal(err)
	}
	moved := slices.Clone(rows)
	for i := range moved {
		if moved[i].at, err = out.Copy(rows[i].at); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Finish(nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Concat(rows, moved) {
		if b, err := f.Read(r.at, r.parties, r.label); err != nil || !bytes.Equal(b, r.bytes) {
			t.Fatalf("%s: %d bytes, %v", r.label, len(b), err)
		}
	}
	if err := f.Drop([]uint64{9}, []uint64{9}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(rows[5].at, rows[5].parties, rows[5].label); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("a row of a snapshot that was dropped: %v", err)
	}
	if b, err := f.Read(moved[5].at, moved[5].parties, moved[5].label); err != nil || !bytes.Equal(b, rows[5].bytes) {
		t.Errorf("%v", err)
	}
}

// TestErased destroys the key of a party: no row that is about it opens any more, alone or with another.
func TestErased(t *testing.T) {
	w := newWorld(t)
	rows := w.rows(8)
	f := w.open()
	w.write(f, 1, rows)
	gone := rows[1].parties[0]
	delete(w.keys, gone)
	for _, r := range rows {
		_, err := f.Read(r.at, r.parties, r.label)
		if about := slices.Contains(r.parties, gone); about != errors.Is(err, vault.ErrErased) || !about && err != nil {
			t.Errorf("%s: %v", r.label, err)
		}
	}
	// Somebody who has the other keys, and gives another party in the place of the one that is gone.
	for _, parties := range [][]vault.ID{nil, {rows[2].parties[0]}, {rows[2].parties[0], rows[2].parties[0]}} {
		if _, err := f.Read(rows[3].at, parties, rows[3].label); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("opened under %d other keys: %v", len(parties), err)
		}
	}
}

// TestDamage flips each bit of the rows and of the state.
func TestDamage(t *testing.T) {
	w := newWorld(t)
	rows := w.rows(3)
	w.write(w.open(), 1, rows)
	for _, suffix := range []string{rowsSuffix, stateSuffix} {
		path := w.open().path(1, suffix)
		whole, err := w.open().readFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := 8 * len(rowsMagic); bit < 8*len(whole); bit++ {
			b := bytes.Clone(whole)
			b[bit/8] ^= 1 << (bit % 8)
			w.replace(path, b)
			f := w.open()
			_, bad := f.State(1)
			for _, r := range rows {
				if _, err := f.Read(r.at, r.parties, r.label); err != nil {
					bad = err
				}
			}
			if !errors.Is(bad, assay.ErrCorrupt) {
				t.Fatalf("%s, bit %d: %v", suffix, bit, bad)
			}
		}
		w.replace(path, whole)
	}
}

func (w *world) replace(path string, b []byte) {
	w.Helper()
	f, err := w.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(b)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		w.Fatal(err)
	}
}

// TestUnfinished leaves a snapshot before its state is written: it does not count, and its number can be taken again.
func TestUnfinished(t *testing.T) {
	w := newWorld(t)
	rows := w.rows(10)
	f := w.open()
	out, err := f.Begin(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Add(nil, []byte("lost"), make([]byte, 3*writeBytes)); err != nil {
		t.Fatal(err)
	}
	f = w.open()
	if len(f.Numbers()) != 0 {
		t.Fatalf("snapshots %v", f.Numbers())
	}
	w.write(f, 3, rows)
	for _, r := range rows {
		if b, err := w.open().Read(r.at, r.parties, r.label); err != nil || !bytes.Equal(b, r.bytes) {
			t.Fatalf("%s: %v", r.label, err)
		}
	}
}
