// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// TestMain lets the test's own program be the one that computes our side.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "-skew-run" {
		if err := computeSkew(os.Args[2]); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestSkewPeers: the two ways in which polars computes the skewed log give the
// same values as each other and as ours; the one that makes a table of each
// window ends at its memory limit, and that is told from any other failure.
func TestSkewPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: polars computes the skewed log twice")
	}
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("ASSAY_PEERS_PYTHON names no Python with polars")
	}
	dir := t.TempDir()
	if err := writeSkew(60_000, dir); err != nil {
		t.Fatal(err)
	}
	file := skewFile(dir, 1)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := runSkewProgram(exec.Command(self, "-skew-run", file))
	if err != nil {
		t.Fatal(err)
	}
	peer := skewInterpreter{python: python, peers: "../peers", memory: 8 << 30}
	plain, err := runSkewProgram(peer.command(file, false))
	if err != nil {
		t.Fatal(err)
	}
	lean, err := runSkewProgram(peer.command(file, true))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range plain.Means {
		if got := lean.Means[name]; got != want {
			t.Errorf("the mean of %s is %v as one writes it at first, and %v in the lean plan", name, want, got)
		}
	}
	if err := sameMeans(ours, plain); err != nil {
		t.Error(err)
	}
	if _, err := runSkewProgram(peer.command(dir+"/none.parquet", true)); err == nil || errors.Is(err, errOverMemory) {
		t.Errorf("for a file that does not exist the peer gave %v", err)
	}
	if runtime.GOOS != "linux" {
		return // memory has no limit there
	}
	peer.memory = 600 << 20
	if _, err := runSkewProgram(peer.command(file, false)); !errors.Is(err, errOverMemory) {
		t.Errorf("with a limit of 600 MiB the peer gave %v", err)
	}
}
