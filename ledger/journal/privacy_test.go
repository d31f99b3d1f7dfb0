// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// TestDictionaryAttack is an attacker who knows everything about a decision except
// its score. It tries every likely score, and looks for the resulting hashes in
// everything that the log publishes. With commitments under the record's own key it
// finds nothing. With plain hashes, or a public key, it would find the decision:
// that is the control. ASSAY_DICTIONARY sets the size.
func TestDictionaryAttack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	add(t, j, 300, 8)
	if err := j.WaitPublished(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	secret, err := j.Get(123)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var public []byte
	for _, f := range filesBelow(t, dir, "log") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, b...)
	}
	d, err := assay.ParseDecision(secret.Decision)
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 32)
	attempts := func(b []byte) [][32]byte {
		return [][32]byte{sha256.Sum256(b), assay.Sum("assay/commit/decision/v1\n", b), ledger.CommitDecision(nil, b),
			ledger.CommitDecision(zero, b), ledger.CommitDecision(d.Plan[:], b)}
	}
	size := repetitions("ASSAY_DICTIONARY", 20_000)
	dictionary := make(map[[32]byte]int, 5*size)
	right := false
	for i := range size {
		guess := d
		guess.Score.PD = float64(i) / float64(size)
		if i == size/2 {
			guess.Score.PD = d.Score.PD // the truth is in the dictionary
		}
		b, err := guess.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		right = right || bytes.Equal(b, secret.Decision)
		for _, h := range attempts(b) {
			dictionary[h] = i
		}
	}
	if !right {
		t.Fatal("the truth is not in the dictionary: the attack cannot succeed")
	}
	search := func(public []byte) (hits int) {
		for i := 0; i+32 <= len(public); i++ {
			if _, ok := dictionary[[32]byte(public[i:i+32])]; ok {
				hits++
			}
		}
		return hits
	}
	if hits := search(public); hits != 0 {
		t.Errorf("%d hits in what is public", hits)
	}
	control := ledger.Leaf{Version: 1, Kind: ledger.Decision, Decision: sha256.Sum256(secret.Decision)}
	if hits := search(append(bytes.Clone(public), control.AppendBinary(nil)...)); hits != 1 {
		t.Errorf("the control with a plain hash: %d hits, want 1", hits)
	}
	t.Logf("%d guesses, %d public bytes: 0 hits; control without salt: 1", size, len(public))
}

// TestNothingIsLeftOfAnErasedSubject searches every file for the subject's
// data before and after the erasure, and opens an older copy of the store with
// today's keys.
func TestNothingIsLeftOfAnErasedSubject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	add(t, j, 100, 4)
	const name = "Wilhelmina Featherstonehaugh"
	seq := j.Take()
	r := decision(seq, name)
	r.Private = []byte("applicant: " + name)
	if _, err := j.Append(t.Context(), seq, r); err != nil {
		t.Fatal(err)
	}
	owner, err := j.store.Subject(name)
	if err != nil {
		t.Fatal(err)
	}
	id := owner.Key().ID()
	if err := j.waitApplied(t.Context(), seq+1); err != nil {
		t.Fatal(err)
	}
	wrapped, err := j.store.Row(store.Keys, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.WaitPublished(t.Context(), seq+1); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old")
	if err := j.Backup(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := j.Erase(t.Context(), name, "on request"); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	needles := map[string][]byte{"name": []byte(name), "request id": []byte(r.RequestID), "decision": r.Decision,
		"vector": r.Vector[32:]}
	for _, d := range []string{dir, old} {
		for _, f := range filesBelow(t, d, ".") {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for what, n := range needles {
				if bytes.Contains(b, n) {
					t.Errorf("%s holds the subject's %s", f, what)
				}
			}
			if d == dir && filepath.Ext(f) == ".sst" && bytes.Contains(b, wrapped) {
				t.Errorf("%s still holds the wrapped key", f)
			}
		}
	}
	m, err := vault.OpenMaster(filepath.Join(dir, "keys", "master.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Unwrap(vault.WrappedKey{ID: id, Bytes: wrapped}); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("the erased key of an older copy opens under today's master key: %v", err)
	}
	// The backup's records with today's keys: the erased subject's record does not
	// open, all others do.
	copyTree(t, filepath.Join(dir, "keys"), filepath.Join(old, "keys"))
	if _, err := Open(t.Context(), old, Config{Logger: j.cfg.Logger}); !errors.Is(err, assay.ErrCorrupt) {
		t.Fatalf("an older copy opened with today's master key: %v", err)
	}
	if err := fsckOnce(t, dir); err != nil {
		t.Error(err)
	}
}

// TestErasureIsResumed cuts an erasure short between the deletion and the
// replacement of the master key: the next start finishes it.
func TestErasureIsResumed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	add(t, j, 40, 4)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	m, err := vault.OpenMaster(filepath.Join(dir, "keys", "master.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Rotate(); err != nil { // begun, and cut
		t.Fatal(err)
	}
	j, stop = start(t, dir, Config{})
	if err := j.WaitPublished(t.Context(), 41); err != nil { // 40 and the rotation's own
		t.Fatal(err)
	}
	if r, err := j.Get(40); err != nil || r.Kind != ledger.KeyRotation {
		t.Fatalf("record 40: %+v, %v", r, err)
	}
	if j.master.Rotating() {
		t.Error("the old master key is still kept")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var n int
	editStore(t, dir, func(db *pebble.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{byte(store.Keys)},
			UpperBound: []byte{byte(store.Keys) + 1}})
		if err != nil {
			return err
		}
		m, err := vault.OpenMaster(filepath.Join(dir, "keys", "master.json"), nil)
		for ok := it.First(); ok && err == nil; ok = it.Next() {
			n++
			_, err = m.Unwrap(vault.WrappedKey{ID: vault.ID(it.Key()[1:]), Bytes: it.Value()})
		}
		return errors.Join(err, it.Close())
	})
	if n != 18 { // 17 subjects and the system's
		t.Error(fmt.Errorf("%d keys open, want 18", n))
	}
}
