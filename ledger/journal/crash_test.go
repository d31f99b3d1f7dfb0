// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault/vaulttest"
)

// childDir names, in a child's environment, the directory that it appends to
// until it is killed.
const childDir = "ASSAY_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	vaulttest.Main()
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForever(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(eraserDir); dir != "" {
		fmt.Fprintln(os.Stderr, eraseForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForever appends from so many goroutines that the next group is made while
// one is synced, and writes each promise that it gets, as a server would send it,
// to its standard output.
func appendForever(dir string) error {
	j, err := Open(context.Background(), dir,
		Config{Logger: slog.New(slog.DiscardHandler), Interval: 100 * time.Millisecond})
	if err != nil {
		return err
	}
	var out sync.Mutex
	for range 4 * pipelineMin {
		go func() {
			for {
				seq := j.Take()
				p, err := j.Append(context.Background(), seq, decision(seq, fmt.Sprintf("subject-%d", seq%97)))
				if err != nil {
					return
				}
				b, _ := p.MarshalBinary()
				out.Lock()
				fmt.Printf("%x\n", b)
				out.Unlock()
			}
		}()
	}
	return j.Run(context.Background())
}

// repetitions reads how often a crash test strikes: few times by default, fewer with -short, and as many as the
// environment says in a long run.
func repetitions(name string, n int) int {
	if v, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return v
	}
	if testing.Short() {
		return (n + 3) / 4
	}
	return n
}

// TestKills kills a process under load again and again. Whatever it
// acknowledged must be in the journal under the promised number, and in the
// log at the same index. ASSAY_KILLS sets how often; the default is 4. ASSAY_SEED
// chooses other moments. benchmarks/torture sums the lines "COUNT name n".
func TestKills(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, uint64(2+repetitions("ASSAY_SEED", 0))))
	acked := map[uint64]ledger.Promise{}
	kills := repetitions("ASSAY_KILLS", 4)
	for range kills {
		c := exec.Command(self, "-test.run=^$")
		c.Env = append(os.Environ(), childDir+"="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := make(chan string, 1<<16)
		go func() {
			defer close(lines)
			for r := bufio.NewReader(out); ; {
				l, err := r.ReadString('\n')
				if err != nil {
					return // a line that was cut off was not received
				}
				lines <- l
			}
		}()
		first := <-lines // it serves
		kill := time.AfterFunc(time.Duration(rng.IntN(300))*time.Millisecond, func() { _ = c.Process.Kill() })
		recordPromise(t, acked, first)
		for l := range lines {
			recordPromise(t, acked, l)
		}
		kill.Stop()
		_ = c.Wait()
	}
	j, stop := start(t, dir, Config{})
	checkAcked(t, j, acked)
	n := j.Stats().Durable
	if err := j.WaitPublished(t.Context(), n); err != nil { // each entry was read back and compared
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	rep, err := Fsck(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Entries != n || rep.Records != n {
		t.Fatalf("%+v, want %d records and entries", rep, n)
	}
	t.Logf("%d kills: %d records acknowledged, 0 lost (rate below %.2g with 95 %% confidence), %d in the journal and "+
		"in the log",
		kills, len(acked), 3/float64(len(acked)), n)
	t.Logf("COUNT journal_kills %d", kills)
	t.Logf("COUNT journal_kills_acknowledged %d", len(acked))
	t.Logf("COUNT journal_kills_lost %d", 0)
	t.Logf("COUNT journal_kills_records %d", n)
}

func recordPromise(t *testing.T, acked map[uint64]ledger.Promise, line string) {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the child wrote %q", line)
	}
	p, err := ledger.ParsePromise(b)
	if err != nil {
		t.Fatal(err)
	}
	if old, ok := acked[p.Sequence]; ok && old.LeafHash != p.LeafHash {
		t.Fatalf("number %d was promised to two records", p.Sequence)
	}
	acked[p.Sequence] = p
}

// checkAcked checks that the journal has kept each promise.
func checkAcked(t *testing.T, j *Journal, acked map[uint64]ledger.Promise) {
	t.Helper()
	if lost := countLost(t, j, acked); lost != 0 {
		t.Fatalf("%d of %d acknowledged records are lost", lost, len(acked))
	}
}

func countLost(t *testing.T, j *Journal, acked map[uint64]ledger.Promise) (lost int) {
	t.Helper()
	key, err := ledger.ParseKey(j.Key())
	if err != nil {
		t.Fatal(err)
	}
	for seq, p := range acked {
		if err := p.Verify(key); err != nil {
			t.Fatal(err)
		}
		leaf, err := j.Leaf(seq)
		if err != nil || ledger.HashLeaf(leaf) != p.LeafHash {
			lost++
		}
	}
	return lost
}

// TestPowerCuts cuts the power of a crashable file system under load: what was
// not synced is gone, or gone in part. ASSAY_POWERCUTS sets how often; the
// default is 6. The control, without syncs, must lose some: the test can fail.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	cuts := repetitions("ASSAY_POWERCUTS", 6)
	acked, lost, first := 0, 0, repetitions("ASSAY_SEED", 0)
	for i := range cuts {
		a, l := powerCut(t, false, uint64(first+i))
		acked, lost = acked+a, lost+l
	}
	if lost != 0 {
		t.Errorf("%d of %d acknowledged records are lost", lost, acked)
	}
	t.Logf("%d power cuts: %d records acknowledged, %d lost (rate below %.2g with 95 %% confidence)",
		cuts, acked, lost, 3/float64(acked))
	control, controlLost := 0, 0
	for i := range max(2, cuts/10) {
		a, l := powerCut(t, true, uint64(first+i))
		control, controlLost = control+a, controlLost+l
	}
	if controlLost == 0 {
		t.Errorf("the control without syncs lost none of %d: this test cannot fail", control)
	}
	t.Logf("control without syncs: %d acknowledged, %d lost", control, controlLost)
	t.Logf("COUNT power_cuts %d", cuts)
	t.Logf("COUNT power_cuts_acknowledged %d", acked)
	t.Logf("COUNT power_cuts_lost %d", lost)
	t.Logf("COUNT power_cuts_control_acknowledged %d", control)
	t.Logf("COUNT power_cuts_control_lost %d", controlLost)
}

func powerCut(t *testing.T, noSync bool, seed uint64) (acked, lost int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	disk := vfs.NewCrashableMem()
	dir := t.TempDir() // keys and log; the log is not fed in this test
	cfg := Config{FS: disk, Interval: time.Hour, NoSync: noSync, Logger: slog.New(slog.DiscardHandler),
		DrainTimeout: time.Millisecond}
	j, err := Open(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { _ = j.Run(ctx); close(done) }()
	var mu sync.Mutex
	promises := map[uint64]ledger.Promise{}
	var wg sync.WaitGroup
	for range []int{8, 4 * pipelineMin}[seed/4%2] { // one group at a time, and the next made behind a sync
		wg.Go(func() {
			for ctx.Err() == nil {
				seq := j.Take()
				p, err := j.Append(ctx, seq, decision(seq, fmt.Sprintf("subject-%d", seq%53)))
				if err != nil {
					return
				}
				mu.Lock()
				promises[seq] = p
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Duration(20+rng.IntN(60)) * time.Millisecond)
	mu.Lock() // what a client has received by now
	got := make(map[uint64]ledger.Promise, len(promises))
	for k, v := range promises {
		got[k] = v
	}
	mu.Unlock()
	after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 30, 70, 100}[seed%4], RNG: rng})
	cancel()
	wg.Wait()
	<-done
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.FS = after
	j, err = Open(t.Context(), dir, cfg)
	if err != nil && noSync && errors.Is(err, assay.ErrCorrupt) {
		return len(got), len(got) // without syncs, later groups can be there and earlier ones not
	}
	if err != nil {
		t.Fatalf("after a power cut: %v", err)
	}
	defer func() { t.Helper(); _ = j.Close() }()
	// What is left is without gaps, readable and promised.
	if err := j.Scan(0, j.Stats().Durable, func(seq uint64, _ *Record, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
	return len(got), countLost(t, j, got)
}

// TestStopKeepsPromises stops a journal under load: what was acknowledged, and
// only whole groups, are there and published at the next start.
func TestStopKeepsPromises(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	var mu sync.Mutex
	acked := map[uint64]ledger.Promise{}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for j.Ready() == nil {
				seq := j.Take()
				p, err := j.Append(context.Background(), seq, decision(seq, "s"))
				if err != nil {
					return
				}
				mu.Lock()
				acked[seq] = p
				mu.Unlock()
			}
		})
	}
	if err := j.WaitPublished(t.Context(), 1000); err != nil { // while all of them go on
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	n := j.Stats()
	if n.Published != n.Durable {
		t.Errorf("stopped with %d durable and %d published", n.Durable, n.Published)
	}
	j, _ = start(t, dir, Config{})
	checkAcked(t, j, acked)
}
