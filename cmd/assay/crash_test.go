// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/training"
)

// upProcess is `assay up` as a process of its own.
type upProcess struct {
	cmd  *exec.Cmd
	addr string
	log  *bytes.Buffer
}

var servingLine = regexp.MustCompile(`serving on (\S+),`)

func startUp(t *testing.T, dir, bundle string) *upProcess {
	t.Helper()
	p := &upProcess{cmd: exec.Command("assay", "up", "--dir", dir, "--model", bundle, "--listen",
		"127.0.0.1:0", "--anchor-every",
		"300ms"), log: new(bytes.Buffer)}
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(out)
	for s.Scan() {
		if m := servingLine.FindStringSubmatch(s.Text()); m != nil {
			p.addr = m[1]
			go func() {
				for s.Scan() {
				}
			}()
			return p
		}
	}
	_ = p.cmd.Wait()
	t.Fatalf("assay up did not start:\n%s", p.log)
	return nil
}

// acked is what clients were told.
type acked struct {
	sync.Mutex
	byID map[string]*assayclient.Decision
}

// load scores rows from many goroutines until the server is gone.
func (a *acked) load(ctx context.Context, t *testing.T, addr, logKey string, round int, events []assay.Event) {
	c, err := assayclient.Dial(addr, assayclient.Config{LogKey: logKey, Attempts: 1})
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("r%d-g%d-%d", round, g, i)
				d, err := c.Score(ctx, id, &events[(g*97+i)%len(events)])
				if errors.Is(err, assayclient.ErrBadProof) {
					t.Errorf("%s: %v", id, err)
				}
				if err != nil {
					return
				}
				a.Lock()
				a.byID[id] = d
				a.Unlock()
			}
		}()
	}
	wg.Wait()
}

// TestKill kills the server in the middle of scoring, restarts it on the same
// directory, and again. In the end every decision that a client was told of
// is recorded, asking again does not decide again, receipts verify up to the
// anchor, and log and chain have gone on. ASSAY_KILLS sets how often.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	kills := 12
	if s := os.Getenv("ASSAY_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatalf("ASSAY_KILLS: %v", err)
		}
	}
	bundle, dir := smallBundle(t), filepath.Join(t.TempDir(), "node")
	events := testEvents(t, bundle)
	told := &acked{byID: map[string]*assayclient.Decision{}}
	seed, _ := strconv.ParseUint(os.Getenv("ASSAY_SEED"), 10, 64) // 0 without one
	rnd := rand.New(rand.NewPCG(1, 2+seed))
	var contract anchor.Address
	for round := range kills {
		p := startUp(t, dir, bundle)
		trust, err := readTrust("", filepath.Join(dir, node.TrustName))
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			contract = trust.Anchor.Contract
		} else if trust.Anchor.Contract != contract {
			t.Errorf("round %d: contract %s, before %s: the chain began anew", round, trust.Anchor.Contract, contract)
		}
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Duration(50+rnd.IntN(900))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		told.load(ctx, t, p.addr, trust.LogKey, round, events)
		cancel()
		timer.Stop()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
	checkTold(t, dir, bundle, told, events)
	t.Logf("%d kills, %d acknowledged decisions, 0 lost (95 %% bound: %.2g of them)", kills, len(told.byID),
		3/float64(len(told.byID)))
	t.Logf("COUNT server_kills %d", kills)
	t.Logf("COUNT server_kills_acknowledged %d", len(told.byID))
	t.Logf("COUNT server_kills_lost %d", 0)
}

// checkTold starts the server once more and asks for everything.
func checkTold(t *testing.T, dir, bundle string, told *acked, events []assay.Event) {
	t.Helper()
	if len(told.byID) == 0 {
		t.Fatal("no decision was acknowledged, so nothing was tested")
	}
	p := startUp(t, dir, bundle)
	trust, err := readTrust("", filepath.Join(dir, node.TrustName))
	if err != nil {
		t.Fatal(err)
	}
	c, err := assayclient.Dial(p.addr, assayclient.Config{LogKey: trust.LogKey})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	bySequence := map[uint64]string{}
	for id, d := range told.byID {
		if other, twice := bySequence[d.Sequence]; twice {
			t.Errorf("%s and %s both have sequence number %d", id, other, d.Sequence)
		}
		bySequence[d.Sequence] = id
		var g, i int
		if _, err := fmt.Sscanf(id[strings.IndexByte(id, '-'):], "-g%d-%d", &g, &i); err != nil {
			t.Fatal(err)
		}
		again, err := c.Score(ctx, id, &events[(g*97+i)%len(events)])
		if err != nil {
			t.Fatalf("%s was acknowledged and cannot be asked for: %v", id, err)
		}
		if !again.Repeated || !bytes.Equal(again.Canonical, d.Canonical) {
			t.Errorf("%s was decided again: sequence %d, before %d", id, again.Sequence, d.Sequence)
		}
	}
	// A new decision shows that log and chain go on; its anchor covers all.
	fresh, err := c.Score(ctx, "after-all", &events[0])
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, id := range bySequence {
		if checked++; checked > 300 {
			break
		}
		checkReceipt(ctx, t, c, told.byID[id].Sequence, trust)
	}
	checkReceipt(ctx, t, c, fresh.Sequence, trust)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("assay up did not stop in order: %v\n%s", err, p.log)
	}
}

// checkReceipt waits until the anchor covers the decision and verifies it.
func checkReceipt(ctx context.Context, t *testing.T, c *assayclient.Client, seq uint64, trust verdict.Trust) {
	t.Helper()
	for {
		r, err := c.Receipt(ctx, seq)
		if err != nil {
			t.Fatalf("receipt %d: %v", seq, err)
		}
		if len(r.Anchor) == 0 {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if v, err := verifyReceipt(r, trust); err != nil || !v.OK {
			t.Errorf("receipt %d: %s, %v", seq, v.Summary, err)
		}
		return
	}
}

// testEvents makes an event of each of the first rows of credit_data.
func testEvents(t *testing.T, bundle string) []assay.Event {
	t.Helper()
	s, err := training.OpenScorer(bundle)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := training.ReadTable(t.Context(), newUI(new(bytes.Buffer), new(bytes.Buffer)),
		"credit_data", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	events := make([]assay.Event, 500)
	for i := range events {
		if events[i], err = s.Plan.EventOf(tab.Frame.Record, i, fmt.Sprintf("loan-%d", i), demoTime); err != nil {
			t.Fatal(err)
		}
	}
	return events
}

// lockedBuffer takes what a process writes while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
