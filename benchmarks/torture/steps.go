// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// step is one kind of torture: tests with a variable that says how often, which
// are divided into equal runs. Each run has another seed.
type step struct {
	name  string
	pkg   string
	run   string // -run of go test
	env   string // variable that says how often; empty: none
	times int    // how often, in all runs together
	short int    // how often with -short
	runs  int    // 0: one
}

var steps = []step{
	{name: "journal-kills", pkg: "./ledger/journal", run: "^TestKills$", env: "ASSAY_KILLS",
		times: 1000, short: 3, runs: 20},
	{name: "erasure-kills", pkg: "./ledger/journal", run: "^TestKillsWhileErasing$", env: "ASSAY_KILLS",
		times: 200, short: 3, runs: 4},
	{name: "power-cuts", pkg: "./ledger/journal", run: "^TestPowerCuts$", env: "ASSAY_POWERCUTS",
		times: 1000, short: 20, runs: 10},
	{name: "tampers", pkg: "./ledger/journal", run: "^TestFsckFindsEveryTamper$", env: "ASSAY_TAMPERS",
		times: 50, short: 1, runs: 5},
	{name: "forks", pkg: "./ledger/journal", run: "^TestLogNeverForks$", env: "ASSAY_TAMPERS",
		times: 50, short: 1, runs: 5},
	{name: "honest", pkg: "./ledger/journal", run: "^TestHonestRuns$", env: "ASSAY_HONEST",
		times: 100, short: 2, runs: 4},
	{name: "receipts", pkg: "./ledger", run: "^(TestForgeries|TestEveryByteOfAReceiptCounts)$"},
	{name: "anchored-receipts", pkg: "./cmd/assay-verify", run: "^TestEveryBitOfAnAnchoredReceipt$",
		env: "ASSAY_TAMPERS", times: 1, short: 0},
	{name: "time-stamps", pkg: "./ledger/timestamp", run: "^(TestRefused|TestEveryBit)$"},
	{name: "anchors", pkg: "./ledger/anchor", run: "^(TestChainFaults|TestCrash|TestTamper|TestVerifyNamesFailure)$"},
	{name: "contract", pkg: "./ledger/anchor/evm", run: "^(TestNodeFaults|TestGrowths)$"},
	{name: "chain-kills", pkg: "./ledger/anchor/devchain", run: "^TestKill$", env: "ASSAY_KILLS",
		times: 100, short: 2, runs: 4},
	{name: "dictionary", pkg: "./ledger/anchor/devchain", run: "^TestDictionaryAttack$", env: "ASSAY_DICTIONARY",
		times: 1_000_000, short: 1000},
	{name: "server-kills", pkg: "./cmd/assay", run: "^TestKill$", env: "ASSAY_KILLS", times: 300, short: 2, runs: 10},
	{name: "changed-receipts", pkg: "./cmd/assay-verify", run: "^TestMutations$", env: "ASSAY_MUTATIONS",
		times: 20_000, short: 200, runs: 2},
	{name: "strangers", pkg: "./serving", run: "^(TestStrangers|TestFloodsAreCut)$", env: "ASSAY_STRANGERS",
		times: 200, short: 24},
	{name: "texts", pkg: "./internal/yamltext", run: "^TestBombs$", env: "ASSAY_BOMBS", times: 1},
	{name: "policies", pkg: "./serving",
		run: "^(TestPolicyWithoutEnd|TestBombsAreRefused|TestAdminsDoNotWait|TestOneAdminHoldsNobodyUp)$"},
	{name: "lies", pkg: "./ledger/anchor/evm", run: "^TestLyingNode$"},
	{name: "lies-while-scoring", pkg: "./cmd/internal/node", run: "^TestScoringUnderLies$"},
}

// testRun is one `go test` of a step: run number n, which repeats each times.
type testRun struct {
	step
	n, each int
}

func (p testRun) file(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%02d.txt", p.name, p.n))
}

func testRuns(o options) (out []testRun) {
	for _, s := range steps {
		n, times := max(1, s.runs), s.times
		if o.short {
			n, times = 1, s.short
		}
		for i := range n {
			out = append(out, testRun{s, i, times / n})
		}
	}
	return out
}

// runMissing makes the test runs that have no output yet, and says how many are
// left.
func runMissing(ctx context.Context, o options) (left int, err error) {
	begin := time.Now()
	for _, p := range testRuns(o) {
		if o.only != "" && o.only != p.name {
			continue
		}
		if _, err := os.Stat(p.file(o.keep)); err == nil {
			continue
		}
		if o.length > 0 && time.Since(begin) >= o.length {
			left++
			continue
		}
		if err := p.test(ctx, o.keep); err != nil {
			return 0, err
		}
	}
	return left, nil
}

// test runs the tests. The output gets its name only if they passed.
func (p testRun) test(ctx context.Context, dir string) error {
	c := exec.CommandContext(ctx, "go", "test", "-v", "-count=1", "-timeout", "1h", "-run", p.run, p.pkg)
	c.Env = os.Environ()
	if p.env != "" && p.each > 0 {
		c.Env = append(c.Env, fmt.Sprintf("%s=%d", p.env, p.each), fmt.Sprintf("ASSAY_SEED=%d", p.n*p.each))
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	begin := time.Now()
	err := c.Run()
	if err == nil && !bytes.Contains(out.Bytes(), []byte("\n--- PASS")) {
		err = errors.New("no test ran")
	}
	name := p.file(dir)
	if err != nil {
		_ = os.WriteFile(name+".failed", out.Bytes(), 0o644)
		return fmt.Errorf("%s, run %d: %w: read %s", p.name, p.n, cmp.Or(ctx.Err(), err), name+".failed")
	}
	fmt.Printf("%s, run %d of %d: %s\n", p.name, p.n+1, max(1, p.runs),
		strconv.FormatFloat(time.Since(begin).Seconds(), 'f', 1, 64)+" s")
	return os.WriteFile(name, out.Bytes(), 0o644)
}
