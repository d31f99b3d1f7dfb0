// SPDX-License-Identifier: Apache-2.0

package models

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/yamltext"
)

func testBundle() *Bundle {
	return &Bundle{
		Manifest: Manifest{
			Name: "test", Plan: assay.Sum("plan"), Params: map[string]string{"num_leaves": "7"}, Seed: 42,
			Model:   ModelFacts{Trainer: "assay", Objective: "binary", Trees: 1, Features: 2},
			Data:    DataFacts{Name: "rows", Label: "target", Rows: 10, BadRate: 0.3},
			Metrics: map[string]float64{"valid.auc": 0.75},
		},
		Plan: []byte("{}"), ModelText: []byte("tree\n"), Policy: []byte("cutoffs: {}\n"),
		Calibration: Calibration{Method: CalibrationPlatt, A: 1, B: 0.5}, Scale: DefaultScale(),
	}
}

func TestBundleRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	b := testBundle()
	if err := WriteBundle(dir, b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadBundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != b.Digest || got.Digest.IsZero() || string(got.ModelText) != string(b.ModelText) ||
		got.Manifest.Seed != 42 {
		t.Errorf("read %+v", got)
	}
	if s := got.Score(0.25); s.PD != b.Calibration.Apply(0.25) || s.Model != b.Digest || s.Grade == "" {
		t.Errorf("score %+v", s)
	}
	// The same content gives the same digest; a second write replaces the first.
	again := testBundle()
	if err := WriteBundle(dir, again); err != nil {
		t.Fatal(err)
	}
	if again.Digest != b.Digest {
		t.Errorf("digest %s, then %s for the same bundle", b.Digest.Short(), again.Digest.Short())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".bundle-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBundleRefusesEveryFlippedFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	b := testBundle()
	if err := WriteBundle(dir, b); err != nil {
		t.Fatal(err)
	}
	for _, name := range b.Manifest.FileNames() {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBundle(dir); !errors.Is(err, ErrBundle) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s changed: error %v, want one that names it", name, err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBundle(dir); !errors.Is(err, ErrBundle) {
			t.Errorf("%s removed: error %v", name, err)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadBundle(dir); err != nil {
		t.Errorf("the restored bundle: %v", err)
	}
}

func TestBundleRefusals(t *testing.T) {
	if _, err := ReadBundle(t.TempDir()); !errors.Is(err, ErrBundle) {
		t.Errorf("empty directory: %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "precious"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteBundle(full, testBundle()); err == nil {
		t.Error("a directory with other files was overwritten")
	}
	b := testBundle()
	b.Calibration.Method = "magic"
	if err := WriteBundle(filepath.Join(t.TempDir(), "x"), b); !errors.Is(err, ErrBundle) {
		t.Errorf("unknown calibration: %v", err)
	}
	for _, man := range []string{"", "{", `{"format":"assay/bundle/v9"}`, `{"format":"assay/bundle/v1","surprise":1}`,
		`{"format":"assay/bundle/v1"} {}`, `{"format":"assay/bundle/v1"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ManifestFile), []byte(man), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBundle(dir); !errors.Is(err, ErrBundle) {
			t.Errorf("manifest %q: error %v", man, err)
		}
	}
}

func FuzzReadBundle(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "b")
	if err := WriteBundle(dir, testBundle()); err != nil {
		f.Fatal(err)
	}
	man, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(man)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := t.TempDir()
		if err := os.WriteFile(filepath.Join(d, ManifestFile), data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBundle(d); err == nil {
			t.Error("a bundle without files was accepted")
		}
	})
}

// TestReplaceBundle: a reader finds a whole bundle at any time while it is
// replaced, and a file that is in the way stays.
func TestReplaceBundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	if err := WriteBundle(dir, testBundle()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := os.Stat(filepath.Join(dir, ManifestFile)); err != nil {
				done <- err
				return
			}
		}
	}()
	times := 50
	if testing.Short() {
		times = 10
	}
	for range times {
		if err := WriteBundle(dir, testBundle()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-done; err != nil && runtime.GOOS == "linux" {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	file := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteBundle(file, testBundle()); err == nil {
		t.Error("a file was replaced")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file in the way: %q, %v", b, err)
	}
}

// TestBundlePolicyLimit: a bundle holds every policy that may be written, and
// none that is longer.
func TestBundlePolicyLimit(t *testing.T) {
	for extra := range 2 {
		dir, b := filepath.Join(t.TempDir(), "bundle"), testBundle()
		b.Policy = bytes.Repeat([]byte("#"), yamltext.Policy.Bytes+extra)
		err := WriteBundle(dir, b)
		if err == nil {
			_, err = ReadBundle(dir)
		}
		if (err != nil) != (extra > 0) {
			t.Errorf("a policy %d bytes over the limit of policies: %v", extra, err)
		}
	}
}
