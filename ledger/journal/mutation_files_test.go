// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
	for _, f := range filesBelow(t, dir, dictionaryDir) {
		rel, _ := filepath.Rel(dir, f)
		paths = append(paths, rel)
	}
	for _, f := range filesBelow(t, dir, "log/tile") {
		rel, _ := filepath.Rel(dir, f)
		if !strings.Contains(rel, ".p/") || strings.HasSuffix(rel, ".p/88") || strings.HasSuffix(rel, "1/000.p/2") {
			paths = append(paths, rel)
		}
	}
	for _, f := range paths {
		for _, o := range byteOperators {
			out = append(out, mutation{f, o.name, func(t *testing.T, d string, rng *rand.Rand) {
				changeFile(t, filepath.Join(d, f), func(b []byte) []byte { return o.fn(rng, b) })
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
			changeFile(t, fs[rng.IntN(len(fs))], func(b []byte) []byte {
				offs := groupOffsets(t, b)
				used := offs[len(offs)-1] // after it there are zeros
				if out := o.fn(rng, b[:used:used]); len(out) < used {
					return out
				}
				return b
			})
		}, false})
		// A signature that is damaged is made again.
		out = append(out, mutation{"signatures", o.name, func(t *testing.T, d string, rng *rand.Rand) {
			changeFile(t, signatureFile(d), func(b []byte) []byte { return o.fn(rng, b) })
		}, true})
		// A store's file also has bytes that are no longer used, and what a torn
		// log of the store loses comes back from the records.
		out = append(out, mutation{"store file", o.name, func(t *testing.T, d string, rng *rand.Rand) {
			var fs []string
			for _, f := range filesBelow(t, d, storeDir) {
				if st, err := os.Stat(f); err == nil && st.Size() > 0 {
					fs = append(fs, f)
				}
			}
			changeFile(t, fs[rng.IntN(len(fs))], func(b []byte) []byte { return o.fn(rng, b) })
		}, true})
	}
	out = append(out, mutation{"signatures", "deleted", func(t *testing.T, d string, _ *rand.Rand) {
		if err := os.Remove(signatureFile(d)); err != nil {
			t.Error(err)
		}
	}, true})
	const forged = "bit flipped, the checksum made right"
	out = append(out, mutation{"signatures", forged, func(t *testing.T, d string, rng *rand.Rand) {
		changeFile(t, signatureFile(d), func(b []byte) []byte {
			entry := b[80*rng.IntN(len(b)/80):][:80]
			flipBit(rng, entry[12:76])
			binary.BigEndian.PutUint32(entry[76:], crc32.Checksum(entry[:76], crc32.MakeTable(crc32.Castagnoli)))
			return b
		})
	}, false})
	out = append(out, mutation{"record file", "deleted", func(t *testing.T, d string, rng *rand.Rand) {
		fs := recordFiles(t, d)
		if err := os.Remove(fs[rng.IntN(len(fs))]); err != nil {
			t.Error(err)
		}
	}, false})
	return out
}

// signatureFile is the one file of signatures of a small journal.
func signatureFile(dir string) string {
	return filepath.Join(dir, signatureDir, "0000000000000000.sig")
}

// groupMutations move whole groups, each of which is authentic.
func groupMutations(t *testing.T, dir string) []mutation {
	older, err := os.ReadFile(filepath.Join(dir, "older-checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	fork := t.TempDir() // the same keys, another history
	copyTree(t, dir, fork)
	appendMore(t, fork, 20)
	// groups changes a file that has at least so many groups.
	groups := func(least int, fn func(rng *rand.Rand, b []byte, offs []int) []byte) func(t *testing.T,
		d string, rng *rand.Rand) {
		return func(t *testing.T, d string, rng *rand.Rand) {
			fs := slices.DeleteFunc(recordFiles(t, d), func(path string) bool {
				b, err := os.ReadFile(path)
				return err != nil || len(groupOffsets(t, b))-1 < least
			})
			changeFile(t, fs[rng.IntN(len(fs))], func(b []byte) []byte { return fn(rng, b, groupOffsets(t, b)) })
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
			changeFile(t, fs[len(fs)-1], func(b []byte) []byte {
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
