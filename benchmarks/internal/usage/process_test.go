// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestProcesses(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; { // use some processor time
	}
	all, own := Processes(), os.Getpid()
	i := slices.IndexFunc(all, func(p Process) bool { return p.PID == own })
	if i < 0 || all[i].Parent != os.Getppid() || all[i].CPU <= 0 || all[i].Resident < 1<<20 {
		t.Fatalf("this process is number %d of %+v", i, all)
	}
	if cpu := CPU(own); cpu < all[i].CPU {
		t.Errorf("processor time went from %v to %v", all[i].CPU, cpu)
	}
	if cpu := CPU(1 << 30); cpu != 0 {
		t.Errorf("a process that does not exist used %v", cpu)
	}
}

// TestReadStat: a process's name may hold blanks and parentheses.
func TestReadStat(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stat")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("7 (a) b (c) S 3 4 0 0 -1 0 0 0 0 0 12 30 0 0 20 0 1 0 5 0 2 0\n")
	want := Process{PID: 7, Parent: 3, Group: 4, CPU: 420 * time.Millisecond, Resident: float64(2 * os.Getpagesize())}
	if p, err := readStat(file); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "7 (a) S 3", "x (c) S 3 4 0 0 -1 0 0 0 0 0 12 30 0 0 20 0 1 0 5 0 2 0\n"} {
		write(bad)
		if p, err := readStat(file); err == nil {
			t.Errorf("%q was read as %+v", bad, p)
		}
	}
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 10, "b/c": 5} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if n, err := Disk(dir); err != nil || n != 15 {
		t.Errorf("%d bytes, %v; want 15", n, err)
	}
	if _, err := Disk(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that does not exist has a size")
	}
}
