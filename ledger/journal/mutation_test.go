// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"fmt"
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
)

// mutation is one operator on one kind of file or field.
type mutation struct {
	file, operator string
	harm           func(t *testing.T, d string, rng *rand.Rand)
	// heals says that the file is derived from others: the check finds the change,
	// or the next start repairs it so that nothing is missing.
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
	dir := directoryWithHistory(t)
	positions, first := repetitions("ASSAY_TAMPERS", 1), repetitions("ASSAY_SEED", 0)
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

// foundBy names the check that returned an error.
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

// directoryWithHistory makes a directory with everything in its history: several
// record files, an erased subject, retired records, an anchored checkpoint.
func directoryWithHistory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cfg := Config{Origin: "log.example/tamper", fileBytes: 128 << 10}
	j, stop := start(t, dir, cfg)
	useTestDictionary(t, j)
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

// changeFile applies fn to a file until its bytes differ.
func changeFile(t *testing.T, path string, fn func(b []byte) []byte) {
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
