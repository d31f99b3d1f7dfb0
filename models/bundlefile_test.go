// SPDX-License-Identifier: Apache-2.0

//go:build unix

package models

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBundleOfOtherThings: a pipe, a device, a directory or a file without an
// end in place of a bundle's file is refused at once: nobody writes to the pipe,
// and the device never ends.
func TestBundleOfOtherThings(t *testing.T) {
	for _, name := range []string{ManifestFile, PlanFile, ModelFile, CalibrationFile, PolicyFile} {
		for kind, place := range map[string]func(path string) error{
			"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o644) },
			"device":    func(path string) error { return os.Symlink("/dev/zero", path) },
			"directory": func(path string) error { return os.Mkdir(path, 0o755) },
			"file of two gigabytes": func(path string) error {
				if err := os.WriteFile(path, nil, 0o644); err != nil {
					return err
				}
				return os.Truncate(path, 2<<30)
			},
		} {
			dir := filepath.Join(t.TempDir(), "b")
			if err := WriteBundle(dir, testBundle()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := place(path); err != nil {
				t.Fatal(err)
			}
			read := make(chan error, 1)
			go func() {
				_, err := ReadBundle(dir)
				read <- err
			}()
			select {
			case err := <-read:
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s as a %s: %v", name, kind, err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s as a %s: the reader hangs", name, kind)
			}
		}
	}
}
