// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("SAY_PEAK") != "" {
		fmt.Print(PeakBytes())
		return
	}
	os.Exit(m.Run())
}

// TestOwnPeak: a process reports its own peak, not that of the process that started it.
func TestOwnPeak(t *testing.T) {
	const ballast = 256 << 20
	held := make([]byte, ballast)
	for i := range held {
		held[i] = byte(i)
	}
	defer runtime.KeepAlive(held)
	if got := PeakBytes(); got < ballast {
		t.Fatalf("with %d bytes touched the peak is %.0f", ballast, got)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]*exec.Cmd{"Go": exec.Command(self)}
	if python, err := exec.LookPath("python3"); err == nil {
		programs["Python"] = exec.Command(python, "-c", "import peak; print(peak.peak_bytes())")
	}
	for name, child := range programs {
		child.Env = append(os.Environ(), "SAY_PEAK=1", "PYTHONPATH=../../peers")
		out, err := child.Output()
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil || got <= 0 || got > ballast/2 {
			t.Errorf("a small program in %s reports a peak of %s bytes (%v)", name, out, err)
		}
	}
}
