// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestKilledWrites kills a process that replaces a key file, again and again.
// After one more write, nothing is left of what it was writing: a copy of an old
// master key would open what an erasure made unreadable.
func TestKilledWrites(t *testing.T) {
	if path := os.Getenv("ASSAY_TEST_WRITE"); path != "" {
		for {
			if err := WriteFile(path, make([]byte, 64<<10)); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "master.json")
	for range 12 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilledWrites$")
		child.Env = append(os.Environ(), "ASSAY_TEST_WRITE="+path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for { // until it writes
			if _, err := os.Stat(path); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(20+rand.IntN(20)) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
		if b, err := os.ReadFile(path); err != nil || len(b) != 64<<10 {
			t.Fatalf("the file has %d bytes, %v", len(b), err)
		}
	}
	if err := WriteFile(path, []byte("last")); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if f.Name() != "master.json" {
			t.Errorf("%s is left", f.Name())
		}
	}
}
