// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assayrisk/assay/serving/audit"
)

// auditDir names the directory that TestAuditOfAnother audits.
const auditDir = "ASSAY_AUDIT_DIR"

// unevenPlan has features that are rounded at each step of their sums.
const unevenPlan = "version: 1\nname: uneven" + paymentWindows + `
features:
  - {name: amount}
  - {name: asked, kernel: mean, window: asked}
  - {name: asked_std, kernel: std, window: asked}
  - {name: paid, kernel: window_sum, window: paid}
  - {name: paid_mean, kernel: mean, window: paid}
  - {name: paid_std, kernel: std, window: paid}
`

// TestAuditOnArm64 makes decisions here, builds this package's tests for arm64,
// where the compiler fuses multiplications and additions that are not kept
// apart, and has them audit the journal under qemu: the plan is fitted there
// again, and every decision is made again bit for bit.
func TestAuditOnArm64(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil || os.Getenv("ASSAY_ARM64") == "" {
		t.Skip("set ASSAY_ARM64=1 and install qemu-user-static to audit on arm64")
	}
	const decisions = 200
	dir := t.TempDir()
	n := start(t, dir, Config{Bundle: bundle(t, unevenPlan, "uneven", 0)})
	for i := range decisions {
		if _, err := n.client.Record(t.Context(), fmt.Sprintf("p%d", i),
			payment(fmt.Sprintf("p%d", i), 7.07*float64(i%30))); err != nil {
			t.Fatal(err)
		}
		if _, err := n.client.Score(t.Context(), fmt.Sprintf("a%d", i),
			plain(fmt.Sprintf("a%d", i), 11.1*float64(i))); err != nil {
			t.Fatal(err)
		}
	}
	n.stop()

	bin := filepath.Join(t.TempDir(), "serving.test")
	build := exec.Command("go", "test", "-c", "-o", bin, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	there := exec.Command(qemu, bin, "-test.run", "^TestAuditOfAnother$", "-test.v")
	there.Env = append(os.Environ(), auditDir+"="+dir)
	out, err := there.CombinedOutput()
	if err != nil ||
		!strings.Contains(string(out), fmt.Sprintf("on arm64 %d of %d decisions are the same", decisions, decisions)) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestAuditOfAnother audits a directory that another process made.
func TestAuditOfAnother(t *testing.T) {
	dir := os.Getenv(auditDir)
	if dir == "" {
		t.Skip("TestAuditOnArm64 runs it")
	}
	rep := audited(t, reopen(t, dir), bundle(t, unevenPlan, "uneven", 0), 0, audit.All)
	t.Logf("on %s %d of %d decisions are the same", runtime.GOARCH, rep.Same, rep.Decisions)
	if !rep.OK() || rep.Same != rep.Decisions {
		t.Errorf("the audit says %+v", rep)
	}
}
