// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
)

// peersPython is a Python that has the clients of
// benchmarks/peers/requirements-tests.txt.
func peersPython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("set ASSAY_PEERS_PYTHON to a Python that has benchmarks/peers/requirements-tests.txt (the checks " +
			"install it)")
	}
	return python
}

// listen serves on a port of loopback, for other programs, until the test ends.
func (n *node) listen() string {
	n.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	s, err := New(n.server.cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(n.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	n.t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String()
}

// TestPythonClients scores through tritonclient and kserve, as their users do,
// with raw tensor contents and with typed ones.
func TestPythonClients(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: tritonclient and kserve score")
	}
	python := peersPython(t)
	n := start(t, t.TempDir(), Config{})
	address, margins := n.listen(), map[string]string{}
	for _, client := range []string{"tritonclient", "kserve"} {
		out, err := exec.CommandContext(t.Context(), python, filepath.Join("..", "benchmarks", "peers", "serve_oip.py"),
			address, "first", client).CombinedOutput()
		_, margin, ok := strings.Cut(string(out), "ok "+client+" margin ")
		if err != nil || !ok {
			t.Errorf("%s: %v\n%s", client, err, out)
		}
		margins[client] = margin
	}
	if margins["kserve"] != margins["tritonclient"] {
		t.Errorf("the clients got different margins: %v", margins)
	}
}

// TestPythonExample generates stubs by the command that the example's head
// names, and asks for decisions with it.
func TestPythonExample(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second: generates Python stubs and asks with them")
	}
	python := peersPython(t)
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	example, stubs := filepath.Join(root, "benchmarks", "peers", "serve_client.py"), t.TempDir()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n    python -m ")
	command, _, ok := strings.Cut(rest, "\n")
	if !ok {
		t.Fatal("the example's head names no command that generates stubs")
	}
	run := func(dir string, args ...string) string {
		c := exec.CommandContext(t.Context(), python, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "PYTHONPATH="+stubs)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	args := strings.Fields("-m " + command)
	for i, a := range args { // out of the repository
		if strings.HasSuffix(a, "_out=.") {
			args[i] = strings.TrimSuffix(a, ".") + stubs
		}
	}
	run(root, args...)
	n := start(t, t.TempDir(), Config{})
	address := n.listen()
	for i, c := range []struct {
		amount, income string
		says           []string
	}{
		{"10", "600", []string{"OUTCOME_APPROVE", "pd 0.0474"}},
		{"2000", "400", []string{"OUTCOME_DECLINE", "pd 0.8176", "R01 The amount is high", "R02 The buyer's income"}},
	} {
		out := run(stubs, example, address, "amount="+c.amount, "income="+c.income, "sector=steel")
		for _, want := range append(c.says, fmt.Sprint("sequence ", begun+i)) {
			if !strings.Contains(out, want) {
				t.Errorf("the example printed %q, want %q in it", out, want)
			}
		}
		rec, err := n.journal.Get(uint64(begun + i))
		if err != nil {
			t.Fatal(err)
		}
		if d, err := assay.ParseDecision(rec.Decision); err != nil ||
			!strings.HasSuffix(c.says[0], strings.ToUpper(d.Outcome.String())) {
			t.Errorf("the journal has %+v, %v, want %s", d, err, c.says[0])
		}
	}
}
