// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/featurestest"
)

// goldenKernels is the hash of every kernel over windows, by their version. A
// kernel that computes something else raises features.WindowKernels and has a
// line in Plan.CorrectedSince: audits use it to explain why an older decision differs.
var goldenKernels = map[int]string{2: "083a15a98c41179d851c4cbd1a2cab58"}

// golden is the hash of every vector and of the plans of TestGoldenVectors. It
// must be the same on every architecture. It changes when a kernel, a plan or
// the synthetic world does, and then so does every model's plan digest.
// goldenWindows is that of the windows after it: it changes with the format of
// snapshots, too.
const (
	golden        = "66f972299818191762fbe744278a9aff"
	goldenWindows = "955fa58714caa75c715abbd28a639adc"
)

// TestGoldenVectors hashes the frozen plans and all vectors of credit_data and
// of a synthetic stream, and the window state after it.
func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	h := sha256.New()
	add := func(p *features.Plan, m *features.Matrix) {
		d := p.Digest()
		h.Write(d[:])
		v := assay.Vector{Plan: m.Plan, Values: make([]float64, len(m.Columns))}
		for row := range m.Rows {
			for c := range m.Columns {
				v.Values[c] = m.Columns[c][row]
			}
			d := v.Digest()
			h.Write(d[:])
		}
	}
	p, _, rec := creditPlan(t)
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	add(p, m)
	cfg := scf.Config{Seed: 21, Events: 15_000}
	p, rec = scfPlan(t, cfg)
	if m, err = p.Matrix(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	add(p, m)
	st := p.NewState()
	for ev := range scf.New(cfg).Events() {
		if err := p.Observe(ev, st); err != nil {
			t.Fatal(err)
		}
	}
	b, err := st.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	kernels := sha256.New()
	worlds := []*featurestest.World{featurestest.Flights(t), featurestest.Purchases(t)}
	for seed := range uint64(8) {
		worlds = append(worlds, featurestest.Random(seed))
	}
	for _, w := range worlds {
		p, m := w.Fit(t)
		d := p.Digest()
		kernels.Write(d[:])
		for _, c := range m.Columns {
			for _, x := range c {
				kernels.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
			}
		}
	}
	for _, c := range []struct {
		of   string
		got  []byte
		want string
	}{{"plans and vectors", h.Sum(nil), golden}, {"windows", sum(b), goldenWindows},
		{"kernels over windows", kernels.Sum(nil), goldenKernels[features.WindowKernels]}} {
		if got := hex.EncodeToString(c.got[:16]); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.of, runtime.GOARCH, got, c.want)
		}
	}
}

func sum(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:]
}

// TestGoldenOnArm64 builds this package's tests for arm64, where the compiler
// fuses multiplications and additions that are not kept apart, and runs
// TestGoldenVectors under qemu.
func TestGoldenOnArm64(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil || os.Getenv("ASSAY_ARM64") == "" {
		t.Skip("set ASSAY_ARM64=1 and install qemu-user-static to run the vectors on arm64")
	}
	bin := filepath.Join(t.TempDir(), "features.test")
	build := exec.Command("go", "test", "-c", "-o", bin, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(qemu, bin, "-test.run", "^TestGoldenVectors$", "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestGoldenVectors") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
