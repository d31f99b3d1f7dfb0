// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func exists(path string) func(context.Context) error {
	return func(context.Context) error { _, err := os.Stat(path); return err }
}

func TestProcess(t *testing.T) {
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	// The shell's child loops: the usage of both counts, and Kill ends both.
	p, err := Start(t.Context(), exists(ready), []string{"READY=" + ready}, "sh", "-c",
		`(while :; do :; done) & echo hello; touch "$READY"; wait`)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if u := p.Usage(); u.CPU == 0 || u.Memory <= 0 {
		if _, err := os.Stat("/proc/self/stat"); err == nil {
			t.Errorf("usage %+v of a busy loop", u)
		}
	}
	if !strings.Contains(p.Output(), "hello") {
		t.Errorf("output %q", p.Output())
	}
	p.Kill()
	if u := p.Usage(); u.Memory > 1 {
		t.Errorf("after the kill it still uses %+v", u)
	}
	if _, err := Start(t.Context(), exists(filepath.Join(dir, "never")), nil, "sh", "-c",
		"echo no such thing; exit 3"); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("a server that ends at once gave %v", err)
	}
}

func TestStop(t *testing.T) {
	here := func(context.Context) error { return nil }
	p, err := Start(t.Context(), here, nil, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(5 * time.Second); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("stopped with %v", err)
	}
	addr, err := Port()
	if err != nil || Listening(addr)(t.Context()) == nil {
		t.Errorf("somebody listens on %s (%v)", addr, err)
	}
}
