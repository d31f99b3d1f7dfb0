// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// mutation is one operator on one kind of file or field.
type mutation struct {
	file, operator string
	harm           func(t *testing.T, d string, rng *rand.Rand)
	// heals says that the file is derived from others: a tamper is found, or
	// the next start repairs it so that the check finds nothing missing.
	heals bool
}

// TestFsckFindsEveryTamper is the mutation score of the directory: each operator
// on each kind of file and field, at random positions, must be found by the
// check. ASSAY_TAMPERS sets the positions of each; the default is 1. ASSAY_SEED
// takes others, so that a long run can be made in parts. It prints a table.
func TestFsckFindsEveryTamper(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := storied(t)
	positions, first := times("ASSAY_TAMPERS", 1), times("ASSAY_SEED", 0)
	type row struct {
		injected, found, healed int
		by                      map[string]int
	}
	var mu sync.Mutex
	rows := map[string]*row{}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	all := slices.Concat(fileMutations(t, dir), groupMutations(t, dir), fieldMutations(), storeMutations())
	scratch := t.TempDir()
	for i, m := range all {
		for p := range positions {
			g.Go(func() error {
				d := filepath.Join(scratch, fmt.Sprintf("%d-%d", i, p))
				defer os.RemoveAll(d)
				copyTree(t, dir, d)
				m.harm(t, d, rand.New(rand.NewPCG(uint64(i), uint64(first+p))))
				err := fsckOnce(t, d)
				mu.Lock()
				defer mu.Unlock()
				name := m.file + " | " + m.operator
				r := rows[name]
				if r == nil {
					r = &row{by: map[string]int{}}
					rows[name] = r
				}
				r.injected++
				switch {
				case err != nil:
					r.found++
					r.by[foundBy(err)]++
				case m.heals:
					r.healed++
				default:
					t.Errorf("%s, position %d: not found", name, p)
				}
				return nil
			})
		}
	}
	_ = g.Wait()
	injected, found, healed := 0, 0, 0
	t.Log("| file or field | operator | injected | found | repaired | by |")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		injected, found, healed = injected+r.injected, found+r.found, healed+r.healed
		var by []string
		for _, k := range slices.Sorted(maps.Keys(r.by)) {
			by = append(by, fmt.Sprintf("%s %d", k, r.by[k]))
		}
		t.Logf("| %s | %d | %d | %d | %s |", name, r.injected, r.found, r.healed, strings.Join(by, ", "))
	}
	t.Logf("%d operators on files and fields, %d tampers injected, %d found, %d repaired from the records, %d "+
		"missed", len(all), injected, found, healed, injected-found-healed)
}

// foundBy names the check that an error is of.
func foundBy(err error) string {
	s := err.Error()
	if rest, ok := strings.CutPrefix(s, "fsck: "); ok {
		name, _, _ := strings.Cut(rest, ":")
		return "fsck " + name
	}
	for _, p := range []string{"fork guard", "records", "store", "log key", "master key", "subject key", "journal"} {
		if strings.HasPrefix(s, p) {
			return "open: " + p
		}
	}
	return "open"
}

// storied makes a directory whose history has everything: several record
// files, an erased subject, retired records, an anchored checkpoint.
func storied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cfg := Config{Origin: "log.example/tamper", fileBytes: 128 << 10}
	j, stop := start(t, dir, cfg)
	add(t, j, 300, 16)
	if _, _, err := j.Erase(t.Context(), "subject-3", "asked"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Retire(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	if err := j.WaitPublished(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	if older, _ := j.Checkpoint(); os.WriteFile(filepath.Join(dir, "older-checkpoint"), older, 0o600) != nil {
		t.Fatal("the checkpoint could not be kept")
	}
	n := 600 - int(j.Stats().Taken)
	add(t, j, n, 16)
	if err := j.WaitPublished(t.Context(), 600); err != nil {
		t.Fatal(err)
	}
	note, _ := j.Checkpoint()
	if err := j.RecordAnchor(note, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := fsckOnce(t, dir); err != nil {
		t.Fatalf("the honest directory: %v", err)
	}
	return dir
}

// change rewrites a file by fn until its bytes are others.
func change(t *testing.T, path string, fn func(b []byte) []byte) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	b := fn(bytes.Clone(old))
	for range 100 {
		if !bytes.Equal(b, old) {
			break
		}
		b = fn(bytes.Clone(old))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Error(err)
	}
}

// byteOperators change bytes wherever they are.
var byteOperators = []struct {
	name string
	fn   func(rng *rand.Rand, b []byte) []byte
}{
	{"bit flipped", func(rng *rand.Rand, b []byte) []byte { b[rng.IntN(len(b))] ^= 1 << rng.IntN(8); return b }},
	{"cut short", func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] }},
	{"run of bytes zeroed", func(rng *rand.Rand, b []byte) []byte {
		at := rng.IntN(len(b))
		clear(b[at:min(len(b), at+1+rng.IntN(64))])
		return b
	}},
}

// fileMutations harm files as bytes.
func fileMutations(t *testing.T, dir string) (out []mutation) {
	paths := []string{"guard/high-water", "keys/log.key", "keys/master.json", "log/checkpoint", "log/.state/treeState"}
	for _, f := range files(t, dir, "log/tile") {
		rel, _ := filepath.Rel(dir, f)
		if !strings.Contains(rel, ".p/") || strings.HasSuffix(rel, ".p/88") || strings.HasSuffix(rel, "1/000.p/2") {
			paths = append(paths, rel)
		}
	}
	for _, f := range paths {
		for _, o := range byteOperators {
			out = append(out, mutation{f, o.name, func(t *testing.T, d string, rng *rand.Rand) {
				change(t, filepath.Join(d, f), func(b []byte) []byte { return o.fn(rng, b) })
			}, false})
		}
		out = append(out, mutation{f, "deleted", func(t *testing.T, d string, _ *rand.Rand) {
			if err := os.Remove(filepath.Join(d, f)); err != nil {
				t.Error(err)
			}
		}, false})
	}
	for _, o := range byteOperators {
		out = append(out, mutation{"record file", o.name, func(t *testing.T, d string, rng *rand.Rand) {
			fs := recordFiles(t, d)
			change(t, fs[rng.IntN(len(fs))], func(b []byte) []byte {
				offs := groupOffsets(t, b)
				used := offs[len(offs)-1] // after it there are zeros
				if out := o.fn(rng, b[:used:used]); len(out) < used {
					return out
				}
				return b
			})
		}, false})
		// A store's file also holds bytes that mean nothing any more, and what
		// a torn log of it loses comes back from the records.
		out = append(out, mutation{"store file", o.name, func(t *testing.T, d string, rng *rand.Rand) {
			var fs []string
			for _, f := range files(t, d, storeDir) {
				if st, err := os.Stat(f); err == nil && st.Size() > 0 {
					fs = append(fs, f)
				}
			}
			change(t, fs[rng.IntN(len(fs))], func(b []byte) []byte { return o.fn(rng, b) })
		}, true})
	}
	out = append(out, mutation{"record file", "deleted", func(t *testing.T, d string, rng *rand.Rand) {
		fs := recordFiles(t, d)
		if err := os.Remove(fs[rng.IntN(len(fs))]); err != nil {
			t.Error(err)
		}
	}, false})
	return out
}

// groupMutations move whole groups, each of which is authentic.
func groupMutations(t *testing.T, dir string) []mutation {
	older, err := os.ReadFile(filepath.Join(dir, "older-checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	fork := t.TempDir() // the same keys, another history
	copyTree(t, dir, fork)
	grow(t, fork, 20)
	// groups changes a file that holds at least so many groups.
	groups := func(least int, fn func(rng *rand.Rand, b []byte, offs []int) []byte) func(t *testing.T,
		d string, rng *rand.Rand) {
		return func(t *testing.T, d string, rng *rand.Rand) {
			fs := slices.DeleteFunc(recordFiles(t, d), func(path string) bool {
				b, err := os.ReadFile(path)
				return err != nil || len(groupOffsets(t, b))-1 < least
			})
			change(t, fs[rng.IntN(len(fs))], func(b []byte) []byte { return fn(rng, b, groupOffsets(t, b)) })
		}
	}
	two := func(rng *rand.Rand, offs []int) (a, b int) {
		a = rng.IntN(len(offs) - 1)
		b = (a + 1 + rng.IntN(len(offs)-2)) % (len(offs) - 1)
		return min(a, b), max(a, b)
	}
	return []mutation{
		{"record file", "group left out", groups(1, func(rng *rand.Rand, b []byte, offs []int) []byte {
			i := rng.IntN(len(offs) - 1)
			return slices.Delete(b, offs[i], offs[i+1])
		}), false},
		{"record file", "group twice", groups(1, func(rng *rand.Rand, b []byte, offs []int) []byte {
			i := rng.IntN(len(offs) - 1)
			return slices.Insert(b, offs[i], b[offs[i]:offs[i+1]]...)
		}), false},
		{"record file", "two groups swapped", groups(2, func(rng *rand.Rand, b []byte, offs []int) []byte {
			i, k := two(rng, offs)
			return slices.Concat(b[:offs[i]], b[offs[k]:offs[k+1]], b[offs[i+1]:offs[k]],
				b[offs[i]:offs[i+1]], b[offs[k+1]:])
		}), false},
		{"record file", "last groups dropped", func(t *testing.T, d string, rng *rand.Rand) {
			fs := recordFiles(t, d)
			change(t, fs[len(fs)-1], func(b []byte) []byte {
				offs := groupOffsets(t, b)
				return b[:offs[rng.IntN(len(offs)-1)]]
			})
		}, false},
		{"log/checkpoint", "older one put back", func(t *testing.T, d string, _ *rand.Rand) {
			if err := os.WriteFile(filepath.Join(d, "log", "checkpoint"), older, 0o600); err != nil {
				t.Error(err)
			}
		}, false},
		{"record files", "of a fork, with its store", func(t *testing.T, d string, _ *rand.Rand) {
			copyTree(t, filepath.Join(fork, "journal"), filepath.Join(d, "journal"))
			copyTree(t, filepath.Join(fork, "log"), filepath.Join(d, "log"))
		}, false},
	}
}

// fieldMutations change one field of one record and make all checksums and
// authentication codes right again: what an insider with the system key can do.
func fieldMutations() (out []mutation) {
	flip := func(rng *rand.Rand, b []byte) { b[rng.IntN(len(b))] ^= 1 << rng.IntN(8) }
	insider := func(name string, fn func(rng *rand.Rand, f *recordfile.Head, body []byte) bool) {
		out = append(out, mutation{"record, by an insider", name, func(t *testing.T, d string, rng *rand.Rand) {
			auth := authOf(t, d)
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
				if !fn(rng, &f, raw[recordfile.HeadBytes:]) {
					continue // this group has no such field
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
			t.Errorf("%s: no group has it", name)
		}, false})
	}
	// inPublic flips a bit between two offsets of a record's public part.
	inPublic := func(from, to int) func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		return func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
			b, _ := parts(f, body, rng.IntN(int(f.Count)))
			if to > 0 {
				b = b[:to]
			}
			flip(rng, b[from:])
			return true
		}
	}
	insider("key id", inPublic(0, 16))
	insider("request tag", inPublic(16, 32))
	insider("leaf", inPublic(recordfile.PublicPrefix, 0))
	insider("table", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		flip(rng, body[:8*f.Count])
		return true
	})
	insider("sealed part", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		i := rng.IntN(int(f.Count))
		_, b := parts(f, body, i)
		if len(b) == 0 || (f.First+uint64(i))%17 == 3 { // what was erased opens for nobody, changed or not
			return false
		}
		flip(rng, b)
		return true
	})
	insider("signature", func(rng *rand.Rand, f *recordfile.Head, _ []byte) bool {
		flip(rng, f.Signature[:])
		return true
	})
	insider("first", func(rng *rand.Rand, f *recordfile.Head, _ []byte) bool {
		f.First ^= 1 << rng.IntN(40)
		return true
	})
	insider("two leaves swapped", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		if f.Count < 2 {
			return false
		}
		x, _ := parts(f, body, 0)
		y, _ := parts(f, body, 1)
		if len(x) != len(y) {
			return false
		}
		tmp := bytes.Clone(x)
		copy(x, y)
		copy(y, tmp)
		return true
	})
	insider("tag of a new key", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		b := ops(f, body)
		if len(b) == 0 || b[0] != recordfile.NewKey {
			return false
		}
		flip(rng, b[1:17])
		return true
	})
	insider("id of a new key or of an erased one", func(rng *rand.Rand, f *recordfile.Head, body []byte) bool {
		b := ops(f, body)
		if len(b) == 0 {
			return false
		}
		flip(rng, b[17:33])
		return true
	})
	return out
}

// parts returns record i's public and sealed parts within a group's body, by the format's description: a table of 8
// bytes a record, which says where each part ends.
func parts(f *recordfile.Head, body []byte, i int) (public, sealed []byte) {
	at := func(i, k int) int {
		if i < 0 {
			return 0
		}
		return int(binary.BigEndian.Uint32(body[8*i+k:]))
	}
	n := int(f.Count)
	publics := body[8*n:]
	sealeds := publics[at(n-1, 0):]
	return publics[at(i-1, 0):at(i, 0)], sealeds[at(i-1, 4):at(i, 4)]
}

// ops returns what follows the sealed parts in a group's body.
func ops(f *recordfile.Head, body []byte) []byte {
	last := 8 * (int(f.Count) - 1)
	n := int(binary.BigEndian.Uint32(body[last:])) + int(binary.BigEndian.Uint32(body[last+4:]))
	return body[8*int(f.Count)+n:]
}

// authOf returns the directory's authenticator, as who has its keys can make it.
func authOf(t *testing.T, dir string) *vault.Authenticator {
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
