// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	assay "github.com/assayrisk/assay"
)

func TestExpandIsHKDF(t *testing.T) {
	t.Parallel()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{0, 1, 1 << 40} {
		info := string(binary.BigEndian.AppendUint64([]byte(recordInfo), seq))
		want, err := hkdf.Expand(sha256.New, k.secret[:], info, 64)
		if err != nil {
			t.Fatal(err)
		}
		d, v := k.CommitmentKeys(seq)
		if !bytes.Equal(append(d[:], v[:]...), want) {
			t.Errorf("keys of record %d are not HKDF-Expand's", seq)
		}
	}
}

func TestTagSeparatesItsParts(t *testing.T) {
	t.Parallel()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if k.Tag("ab", "c") == k.Tag("a", "bc") || k.Tag("a") == k.Tag("a", "") {
		t.Error("two texts share a tag")
	}
	long := string(bytes.Repeat([]byte{'x'}, 5000))
	if again := strings.Clone(long); k.Tag(again) != k.Tag(long) || k.Tag(long) == k.Tag(long+"x") {
		t.Error("a long text's tag")
	}
}

func TestSealBindsItsContext(t *testing.T) {
	t.Parallel()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	sealed := k.Seal(nil, []byte("a decision"), []byte("record 7"))
	if len(sealed) != len("a decision")+Overhead {
		t.Errorf("%d bytes, want %d", len(sealed), len("a decision")+Overhead)
	}
	if p, err := k.Open(nil, sealed, []byte("record 7")); err != nil || string(p) != "a decision" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, err := k.Open(nil, sealed, []byte("record 8")); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("another record's place: %v", err)
	}
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		if _, err := k.Open(nil, b, []byte("record 7")); !errors.Is(err, assay.ErrCorrupt) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		if _, err := k.Open(nil, sealed[:i], []byte("record 7")); !errors.Is(err, assay.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
}

func wrapOne(m Keys, k *Key) ([]byte, error) {
	w, err := m.Wrap(k)
	if err != nil {
		return nil, err
	}
	return w[0], nil
}

func unwrapOne(m Keys, id ID, wrapped []byte) (*Key, error) {
	k, err := m.Unwrap(WrappedKey{id, wrapped})
	if err != nil {
		return nil, err
	}
	return k[0], nil
}

func TestMasterRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.json")
	open := func() *Master {
		t.Helper()
		m, err := OpenMaster(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := open()
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("master key file: %v, %v", st.Mode(), err)
	}
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	old, err := wrapOne(m, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unwrapOne(m, ID{1}, old); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("a wrapped key opened under another id: %v", err)
	}
	g := m.Generation()
	if err := m.Rotate(); err != nil {
		t.Fatal(err)
	}
	if m.Generation() == g || !open().Rotating() {
		t.Error("a rotation that was begun does not show after a restart")
	}
	if _, err := unwrapOne(open(), k.ID(), old); err != nil {
		t.Fatalf("the old key is gone before Retire: %v", err)
	}
	again, err := wrapOne(m, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DestroyOldKeys(); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Master{m, open()} {
		if m.Rotating() {
			t.Error("still rotating after Retire")
		}
		if _, err := unwrapOne(m, k.ID(), old); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("what the old master key wrapped still opens: %v", err)
		}
		if k2, err := unwrapOne(m, k.ID(), again); err != nil || k2.secret != k.secret {
			t.Errorf("what the new master key wrapped does not open: %v", err)
		}
	}
}

// TestMasterUnderAnotherKey encrypts the file under a key of the caller's: a
// second master key takes the place of a KMS.
func TestMasterUnderAnotherKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kms, err := OpenMaster(filepath.Join(dir, "kms.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "master.json")
	m, err := OpenMaster(path, kms.mu.aead)
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w, err := wrapOne(m, k)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = OpenMaster(path, kms.mu.aead); err != nil {
		t.Fatal(err)
	}
	if _, err := unwrapOne(m, k.ID(), w); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMaster(path, nil); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("an encrypted master key was read as one in clear: %v", err)
	}
}
