// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
)

// TestMain turns the test binary into the process that TestKill kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("ASSAY_DEVCHAIN_DIR"); dir != "" {
		if err := anchorForever(dir, os.Getenv("ASSAY_DEVCHAIN_FROM")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// anchorForever anchors a growing log, and says on standard output what it is
// about to anchor and what it has anchored.
func anchorForever(dir, from string) error {
	ctx := context.Background()
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	log := memlog.New(origin)
	log.Grow(n)
	e, err := Start(ctx, dir, origin, log, Config{}, anchor.Config{})
	if err != nil {
		return err
	}
	for {
		log.Grow(3)
		fmt.Println("try", log.Size())
		got, err := e.Anchor.AnchorNow(ctx)
		if err != nil {
			return err
		}
		fmt.Println("done", got.Checkpoint.Size)
	}
}

// TestKill kills the process again and again at random moments. No anchor
// whose proof was stored is ever missing from the chain, none is there twice,
// and the contract never moves. ASSAY_KILLS sets how often; 5 is the default.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	kills := 5
	if s := os.Getenv("ASSAY_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	seed, _ := strconv.ParseUint(os.Getenv("ASSAY_SEED"), 10, 64) // 0 without one
	rng := rand.New(rand.NewPCG(5, 6+seed))
	var p progress
	for kill := range kills {
		p.anchorUntilKilled(t, dir, kill, time.Duration(rng.IntN(2500))*time.Millisecond)
	}
	head := p.checkSurvives(t, dir)
	t.Logf("%d kills, %d anchors, %d leaves", kills, head.Anchors, head.Size)
	t.Logf("COUNT chain_kills %d", kills)
	t.Logf("COUNT chain_kills_anchors %d", head.Anchors)
	t.Logf("COUNT chain_kills_lost_or_twice %d", 0)
}

// progress is what the killed processes said: the largest size that one was about
// to anchor, and the largest that was anchored.
type progress struct{ tried, done uint64 }

// anchorUntilKilled runs anchorForever in a process and kills it after a while:
// when the chain is being opened, or under load.
func (p *progress) anchorUntilKilled(t *testing.T, dir string, kill int, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ASSAY_DEVCHAIN_DIR="+dir, fmt.Sprintf("ASSAY_DEVCHAIN_FROM=%d", p.tried))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		event, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(number, 10, 64)
		switch {
		case err != nil:
			t.Fatalf("line %q", lines.Text())
		case event == "try":
			p.tried = n
		case event == "done":
			p.done = n
		}
	}
	err = cmd.Wait()
	timer.Stop()
	if err == nil || stderr.Len() > 0 {
		t.Fatalf("kill %d: the process ended by itself: %v %s", kill, err, stderr.String())
	}
}

// checkSurvives opens the chain again, compares it with the log, and anchors once
// more. It returns the contract's head then.
func (p *progress) checkSurvives(t *testing.T, dir string) anchor.Head {
	t.Helper()
	ctx := testContext(t)
	log := memlog.New(origin)
	log.Grow(int(p.tried))
	e, err := Start(ctx, dir, origin, log, Config{}, anchor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	head, err := e.Client.Head(ctx, anchor.LogID(origin))
	if err != nil {
		t.Fatal(err)
	}
	if head.Size < p.done {
		t.Errorf("%d leaves were anchored, the contract's head is at %d", p.done, head.Size)
	}
	if head.Size > 0 && head.Root != log.Root(head.Size) {
		t.Error("the contract's root is not the log's")
	}
	log.Grow(1)
	if _, err := e.Anchor.AnchorNow(ctx); err != nil {
		t.Fatal(err)
	}
	if head, err = e.Client.Head(ctx, anchor.LogID(origin)); err != nil {
		t.Fatal(err)
	}
	// Every anchor on the chain has its proof here, and one more was made.
	var anchors uint32
	for index := uint64(0); index < log.Size(); {
		got, ok := e.Anchor.Covering(index)
		if !ok {
			t.Fatalf("leaf %d is not covered", index)
		}
		if r := anchor.VerifyProof(got.Proof, got.Checkpoint, e.Trust()); !r.Consistent() {
			t.Errorf("%d leaves: %s", got.Checkpoint.Size, r.Summary())
		}
		anchors++
		index = got.Checkpoint.Size
	}
	if anchors != head.Anchors {
		t.Errorf("%d proofs are stored, the contract counts %d anchors", anchors, head.Anchors)
	}
	return head
}
