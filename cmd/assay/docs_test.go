// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assayrisk/assay/datasets"
)

// TestDocs runs the commands of every page: the lines after "$ " in console
// blocks, in order, in a directory of the page's own that holds a copy of the
// repository's plans and whatever the page says is given. A page speaks to its
// reader and to this test:
//
//	<!-- given: loans.csv, later.csv -->   files of the reader's own, made here of credit_data
//	<!-- not run: needs docker -->         right above a block: why it is not run
//	<!-- file: client/main.go -->          above a Go block: where in the repository it belongs
//	<!-- output of: assay demo -->         above a text block: what the command says (see sameOutput)
//	$ assay up --dir node &                goes on in the background; `kill %1` ends it as Ctrl-C does
//
// A page that shows commands in another kind of block is refused. Go blocks are
// whole programs: see goProgram.
func TestDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "../assay", "../assayd", "../assay-verify")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	demo := filepath.Join(t.TempDir(), "demo")
	for _, name := range markdown(t) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := parsePage(string(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(p.commands)+len(p.programs) > 0 {
			t.Run(name, func(t *testing.T) { p.run(t, name, bin, demo) })
		}
	}
}

// markdown lists the pages of the repository.
func markdown(t *testing.T) []string {
	t.Helper()
	files, err := exec.Command("git", "-C", "../..", "ls-files", "*.md").Output()
	if err != nil {
		t.Skipf("git is not at hand: %v", err)
	}
	return strings.Fields(string(files))
}

// page is what a page wants run.
type page struct {
	commands []string
	programs []goProgram
	outputs  map[string]string // by command
	given    []string
	left     []string // reasons of blocks that are not run
}

var (
	givenMark  = regexp.MustCompile(`^<!-- given: (.+) -->$`)
	notRunMark = regexp.MustCompile(`^<!-- not run: (.+) -->$`)
	command    = regexp.MustCompile(
		`^(\$ |assay |assayd |assay-verify |go run |go test |go build |make |docker |kubectl |pip )`)
)

func parsePage(text string) (*page, error) {
	p := &page{outputs: map[string]string{}}
	fence, skip, marks, inside := "", false, []string(nil), []string(nil)
	for n, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```") && fence == "":
			fence, inside, skip = trimmed, nil, false
			for _, mark := range marks {
				if m := notRunMark.FindStringSubmatch(mark); m != nil {
					skip = true
					p.left = append(p.left, m[1])
				}
			}
		case trimmed == "```":
			if fence == "```go" {
				g, err := newGoProgram(marks, inside, skip)
				if err != nil {
					return nil, fmt.Errorf("the Go block that ends at line %d: %w", n+1, err)
				}
				p.programs = append(p.programs, g)
			}
			for _, mark := range marks {
				if m := outputMark.FindStringSubmatch(mark); m != nil {
					p.outputs[m[1]] = strings.Join(inside, "\n") + "\n"
				}
			}
			fence, marks = "", nil
		case fence == "```go" || fence == "```text":
			inside = append(inside, line)
		case fence == "```console" && strings.HasPrefix(trimmed, "$ "):
			if !skip {
				p.commands = append(p.commands, strings.TrimPrefix(trimmed, "$ "))
			}
		case fence != "":
			if fence != "```console" && !skip && command.MatchString(line) {
				return nil, fmt.Errorf("line %d shows a command outside a console block: %s", n+1, line)
			}
		case strings.HasPrefix(trimmed, "<!-- "):
			marks = append(marks, trimmed)
			if m := givenMark.FindStringSubmatch(trimmed); m != nil {
				p.given = append(p.given, strings.Split(m[1], ", ")...)
			}
		default:
			marks = nil
		}
	}
	if fence != "" {
		return nil, errors.New("a block does not end")
	}
	for c := range p.outputs {
		if !slices.Contains(p.commands, c) && !slices.Contains(p.commands, "go run ./cmd/"+c) {
			return nil, fmt.Errorf("the output of %s is shown, and no command of the page runs it", c)
		}
	}
	return p, p.runsAll()
}

// run runs a page's commands. The demo is run once: what it left goes to demo,
// and from there to the pages that begin with it as well.
func (p *page) run(t *testing.T, name, bin, demo string) {
	dir := t.TempDir()
	for _, plan := range []string{"datasets/credit/plan.yaml", "datasets/scf/plan.yaml"} {
		copyFile(t, filepath.Join("../..", plan), filepath.Join(dir, plan))
	}
	give(t, dir, p.given)
	programs := p.build(t)
	var background []*server
	defer func() {
		for _, s := range background {
			s.end(t)
		}
	}()
	for _, line := range p.commands {
		start := time.Now()
		line = programs.Replace(strings.ReplaceAll(line, "go run ./cmd/", ""))
		switch {
		case strings.HasPrefix(line, "go build -o ") || strings.HasPrefix(line, "make "):
			continue // the tests themselves are how these are kept
		case line == "assay demo" && exists(demo) && p.outputs[line] == "":
			line = "cp -r " + demo + " assay-demo"
			if out, err := exec.Command("cp", "-r", demo, filepath.Join(dir, "assay-demo")).CombinedOutput(); err !=
				nil {
				t.Fatalf("%v\n%s", err, out)
			}
		case line == "kill %1":
			if len(background) == 0 {
				t.Fatal("`kill %1`, and nothing runs in the background")
			}
			background[0].end(t)
			background = background[1:]
		case strings.HasSuffix(line, " &") || strings.HasPrefix(line, "assay up") || strings.HasPrefix(line, "assayd "):
			s := startServer(t, dir, bin, strings.TrimSuffix(line, " &"))
			if strings.HasSuffix(line, " &") {
				background = append(background, s)
			} else {
				s.end(t)
			}
		default:
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			c := exec.CommandContext(ctx, "bash", "-c", line)
			c.Dir, c.Env = dir, environment(bin)
			out, err := c.CombinedOutput()
			cancel()
			if err != nil {
				t.Fatalf("$ %s\n%v\n%s", line, err, out)
			}
			if want, shown := p.outputs[line]; shown {
				sameOutput(t, name, line, want, string(out))
			}
			if line == "assay demo" && !exists(demo) {
				if out, err := exec.Command("cp", "-r", filepath.Join(dir, "assay-demo"),
					demo).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
		}
		t.Logf("%5.1f s  %s", time.Since(start).Seconds(), line)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func environment(bin string) []string {
	return append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// server is a command that runs until it is interrupted.
type server struct {
	line string
	cmd  *exec.Cmd
	out  *lockedBuffer
}

// ready is what a server says when it serves.
var ready = regexp.MustCompile(`stop with Ctrl-C|"msg":"(operators|serving)"|msg=(operators|serving)`)

func startServer(t *testing.T, dir, bin, line string) *server {
	t.Helper()
	s := &server{line: line, cmd: exec.Command("bash", "-c", "exec "+line), out: new(lockedBuffer)}
	s.cmd.Dir, s.cmd.Env = dir, environment(bin)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1200 {
		if ready.MatchString(s.out.String()) {
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	t.Fatalf("$ %s\nit does not serve:\n%s", line, s.out)
	return nil
}

func (s *server) end(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("$ %s\n%v\n%s", s.line, err, s.out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			err = os.WriteFile(to, b, 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// give writes the files that a page takes for the reader's own: two parts of
// credit_data, with the label under another name.
func give(t *testing.T, dir string, names []string) {
	t.Helper()
	if len(names) == 0 {
		return
	}
	f, err := datasets.Read(t.Context(), "credit_data", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Record.Release()
	var whole bytes.Buffer
	if err := datasets.WriteCSV(&whole, f.Record); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimRight(whole.String(), "\n"), "\n")
	head, rows := strings.Replace(lines[0], "target", "defaulted", 1), lines[1:]
	cut := len(rows) * 4 / 5
	for _, name := range names {
		part, ok := map[string][]string{"loans.csv": rows[:cut], "later.csv": rows[cut:]}[name]
		if !ok {
			t.Fatalf("this test cannot give %s", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(head+strings.Join(part, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParsePage(t *testing.T) {
	p, err := parsePage("# a\n<!-- given: loans.csv, later.csv -->\n```console\n$ assay x\noutput\n$ assay y " +
		"&\n```\n<!-- not run: needs docker -->\n```console\n$ docker z\n```\n```yaml\na: 1\n```\n")
	if err != nil || strings.Join(p.commands, ";") != "assay x;assay y &" || len(p.given) != 2 || len(p.left) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"```\nassay train\n```\n", "```sh\n$ assay train\n```\n", "```console\n$ assay x\n"} {
		if _, err := parsePage(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
