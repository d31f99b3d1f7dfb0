// SPDX-License-Identifier: Apache-2.0

//go:build unix

package models

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assayrisk/assay/internal/testbound"
)

// otherThings puts in a bundle's place what is no file.
var otherThings = map[string]func(t *testing.T, path string) error{
	"pipe":               func(_ *testing.T, path string) error { return syscall.Mkfifo(path, 0o644) },
	"pipe with a writer": pipeWithAWriter,
	"link to a pipe with a writer": func(t *testing.T, path string) error {
		return errors.Join(pipeWithAWriter(t, path+".pipe"), os.Symlink(path+".pipe", path))
	},
	"device without an end": func(_ *testing.T, path string) error { return os.Symlink("/dev/zero", path) },
	"empty device":          func(_ *testing.T, path string) error { return os.Symlink("/dev/null", path) },
	"directory":             func(_ *testing.T, path string) error { return os.Mkdir(path, 0o755) },
	"link to a directory":   func(t *testing.T, path string) error { return os.Symlink(t.TempDir(), path) },
	"link to itself":        func(_ *testing.T, path string) error { return os.Symlink(path, path) },
	"socket": func(t *testing.T, path string) error {
		at := filepath.Join(t.TempDir(), "s") // a socket's name is short
		l, err := net.Listen("unix", at)
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		return os.Symlink(at, path)
	},
	"file of two gigabytes": func(_ *testing.T, path string) error {
		return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 2<<30))
	},
}

// pipeWithAWriter makes a pipe that somebody holds open and writes nothing to.
func pipeWithAWriter(t *testing.T, path string) error {
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		t.Cleanup(func() { f.Close() })
	}
	return err
}

// TestBundleOfOtherThings: what is no file, or is too large, in place of a
// bundle's file is refused for what it is, before anything is read: nobody writes
// to the pipe, and the device never ends.
func TestBundleOfOtherThings(t *testing.T) {
	says := map[string]string{"socket": "open ", "link to itself": "symbolic links",
		"file of two gigabytes": "is larger than"}
	for _, name := range []string{ManifestFile, PlanFile, ModelFile, CalibrationFile, PolicyFile} {
		for kind, place := range otherThings {
			dir := filepath.Join(t.TempDir(), "b")
			if err := WriteBundle(dir, testBundle()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := place(t, path); err != nil {
				t.Fatal(err)
			}
			stop := testbound.Watch(t, name+" as a "+kind, testbound.Limits{Time: 20 * time.Second, Bytes: 4 << 20})
			_, err := ReadBundle(dir)
			stop()
			want := says[kind]
			if want == "" {
				want = "is not a regular file"
			}
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s as a %s: %v, want an error that says %q", name, kind, err, want)
			}
		}
	}
}
