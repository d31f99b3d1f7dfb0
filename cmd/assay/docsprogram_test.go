// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goProgram is a Go block of a page. It is a whole program, so that a reader can
// save it where the page says and run it; it is vetted and built here as if it
// were there, and the page's commands run it: `go run ./client`. One that no
// command runs must say why, by <!-- not run: ... --> above its block.
type goProgram struct {
	dir, file string // client, main.go
	text      string
	skip      bool // not run
}

var fileMark = regexp.MustCompile(`^<!-- file: ([a-z]+)/([a-z]+\.go) -->$`)

func newGoProgram(marks, lines []string, skip bool) (goProgram, error) {
	for _, mark := range marks {
		if m := fileMark.FindStringSubmatch(mark); m != nil {
			return goProgram{dir: m[1], file: m[2], text: strings.Join(lines, "\n") + "\n", skip: skip}, nil
		}
	}
	return goProgram{}, errors.New("no line <!-- file: client/main.go --> above it says where the program belongs")
}

// run is the command that runs the program.
func (g goProgram) run() string { return "go run ./" + g.dir }

// runsAll refuses a page with a program that nothing runs.
func (p *page) runsAll() error {
	all := strings.Join(p.commands, "\n") + "\n"
	for _, g := range p.programs {
		if ran := strings.Contains(all, g.run()+"\n") || strings.Contains(all, g.run()+" "); ran == g.skip {
			return fmt.Errorf("the program %s/%s: either a command `%s` runs it or a line <!-- not run: ... --> says "+
				"why not", g.dir, g.file, g.run())
		}
	}
	return nil
}

// build vets and builds the page's programs, and returns what turns the commands
// that run them into the paths of what was built. They lie in a module of
// their own outside the repository, in one workspace, so that nothing is written
// into the repository and the versions of all that they link are its own.
func (p *page) build(t *testing.T) *strings.Replacer {
	t.Helper()
	if len(p.programs) == 0 {
		return strings.NewReplacer()
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, pairs := t.TempDir(), []string(nil)
	put := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go .+$`).FindString(string(mod))
	put("go.mod", "module page.example\n\n"+version+"\n")
	put("go.work", fmt.Sprintf("%s\n\nuse (\n\t.\n\t%q\n)\n", version, root))
	for _, g := range p.programs {
		if exists(filepath.Join(root, g.dir)) {
			t.Errorf("%s is in the repository: the page's program needs a folder of its own", g.dir)
		}
		put(g.dir+"/"+g.file, g.text)
		pairs = append(pairs, g.run(), filepath.Join(dir, "bin", g.dir))
	}
	put("bin/.keep", "")
	tool := func(name string, args ...string) string {
		c := exec.Command(name, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("the page's Go: %s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if out := tool("gofmt", "-d", "."); out != "" {
		t.Errorf("the page's Go is not as gofmt writes it:\n%s", out)
	}
	tool("go", "vet", "./...")
	tool("go", "build", "-o", "bin/", "./...")
	return strings.NewReplacer(pairs...)
}

func TestParseProgram(t *testing.T) {
	block := "```go\npackage main\n\nfunc main() {}\n```\n"
	p, err := parsePage("<!-- file: client/main.go -->\n" + block + "\n```console\n$ go run ./client now\n```\n")
	if err != nil || len(p.programs) != 1 || p.programs[0].text != "package main\n\nfunc main() {}\n" ||
		p.programs[0].dir != "client" {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = parsePage("<!-- file: client/main.go -->\n<!-- not run: needs a key -->\n" + block)
	if err != nil || len(p.programs) != 1 || len(p.left) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{
		block, // no mark says where it belongs
		// nothing runs it
		"<!-- file: client/main.go -->\n" + block,
		// the mark is not right above it
		"<!-- file: client/main.go -->\n\n" + block,
		// it is run after all
		"<!-- file: client/main.go -->\n<!-- not run: x -->\n" + block + "```console\n$ go run ./client\n```\n",
	} {
		if _, err := parsePage(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
