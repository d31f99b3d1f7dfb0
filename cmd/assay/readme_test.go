// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadme runs the README's own commands, in order, in a directory beside a
// copy of nothing: what they need must come from the commands before them.
// `make test` is the command that runs this test, and is left out.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := consoleCommands(string(text))
	if len(commands) < 5 || commands[0] != "go run ./cmd/assay demo" {
		t.Fatalf("the README's commands are %q", commands)
	}
	dir := t.TempDir()
	for _, line := range commands {
		rest, ours := strings.CutPrefix(line, "go run ./cmd/assay ")
		switch {
		case line == "make test":
			continue
		case !ours:
			t.Errorf("%q: this test knows how to run `go run ./cmd/assay ...` alone", line)
			continue
		}
		args := strings.Fields(rest)
		if args[0] == "up" {
			upThenStop(t, dir, args)
			continue
		}
		c := process(t, args...)
		c.Dir = dir
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		if err := c.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out.Bytes())
		}
	}
}

// upThenStop runs the server until it says that it serves, and interrupts it.
func upThenStop(t *testing.T, dir string, args []string) {
	t.Helper()
	c := process(t, append(args, "--listen", "127.0.0.1:0")...)
	c.Dir = dir
	out := new(lockedBuffer)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for range 600 {
		if strings.Contains(out.String(), "stop with Ctrl-C") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// consoleCommands returns the lines after "$ " in console blocks.
func consoleCommands(markdown string) []string {
	var out []string
	in := false
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			in = line == "```console"
			continue
		}
		if cmd, ok := strings.CutPrefix(line, "$ "); in && ok {
			out = append(out, cmd)
		}
	}
	return out
}

// TestReadmeLinks finds links into the repository that lead nowhere.
func TestReadmeLinks(t *testing.T) {
	files, err := exec.Command("git", "-C", "../..", "ls-files", "*.md").Output()
	if err != nil {
		t.Skipf("git is not at hand: %v", err)
	}
	for _, name := range strings.Fields(string(files)) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "](")[1:] {
			link, _, ok := strings.Cut(part, ")")
			if link, _, _ = strings.Cut(link, "#"); !ok || link == "" || strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(name), link)); err != nil {
				t.Errorf("%s links to %s: %v", name, link, err)
			}
		}
	}
}
