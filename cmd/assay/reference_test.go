// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false,
	"write the pages that are made from the program: docs/cli.md, docs/architecture.md")

// TestCommandReference holds docs/cli.md to the commands themselves.
func TestCommandReference(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	var b bytes.Buffer
	root := newRoot(newUI(&b, &b))
	b.Reset()
	fmt.Fprint(&b,
		"# The command line\n\n<!-- written by go test ./cmd/assay -run TestCommandReference -update -->\n\n")
	fmt.Fprint(&b, filled("Three programs: `assay`, the toolbox; [`assayd`](#assayd), the production server; "+
		"[`assay-verify`](#assay-verify), the auditor's tool."), "\n")
	fmt.Fprint(&b, filled("Exit status: 0 done, 1 failed, 2 the command line was wrong. Results go to standard "+
		"output, progress and errors to standard error."), "\n")
	fmt.Fprint(&b, "| command | does |\n|---|---|\n")
	walk(root, func(c *cobra.Command) {
		if c.Runnable() && c != root {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"),
				c.Short)
		}
	})
	walk(root, func(c *cobra.Command) { writeCommand(&b, c) })
	fmt.Fprintf(&b, "\n## assayd\n\nThe settings are in [serving](serving.md#settings).\n\n```\n%s```\n",
		help(t, "../assayd", "--help"))
	fmt.Fprintf(&b, "\n## assay-verify\n\n```\n%s```\n", help(t, "../assay-verify", "-h"))
	current(t, "../../docs/cli.md", b.Bytes())
}

// walk visits commands in the order in which they were added.
func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
			walk(sub, visit)
		}
	}
}

func writeCommand(b *bytes.Buffer, c *cobra.Command) {
	if !c.HasParent() {
		return
	}
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	fmt.Fprintf(b, "\n## %s\n\n%s", c.CommandPath(), filled(long))
	if c.HasAvailableSubCommands() {
		return // each has a section of its own
	}
	fmt.Fprintf(b, "\n    %s\n", c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(b, "\nFor example:\n\n")
		for _, line := range strings.Split(c.Example, "\n") {
			fmt.Fprintf(b, "    %s\n", strings.TrimSpace(line))
		}
	}
	rows := 0
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if rows++; rows == 1 {
			fmt.Fprint(b, "\n| flag | default | what |\n|---|---|---|\n")
		}
		def := f.DefValue
		if f.Value.Type() == "bool" && def == "false" || def == "[]" {
			def = ""
		}
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(b, "| `--%s` | %s | %s |\n", f.Name, def, strings.ReplaceAll(f.Usage, "|", "\\|"))
	})
}

// filled is a paragraph in lines of at most 120 columns.
func filled(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch width := utf8.RuneCountInString(word); {
		case column == 0:
			column = width
		case column+1+width > 120:
			b.WriteByte('\n')
			column = width
		default:
			b.WriteByte(' ')
			column += 1 + width
		}
		b.WriteString(word)
	}
	return b.String() + "\n"
}

// help is what a program says of itself. Its exit status may be that of a
// usage message.
func help(t *testing.T, program, arg string) []byte {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(program))
	if out, err := exec.Command("go", "build", "-o", bin, program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, _ := exec.Command(bin, arg).CombinedOutput()
	if len(out) < 100 {
		t.Fatalf("%s %s said %q", program, arg, out)
	}
	return out
}

// current compares a page with what it should be, or writes it.
func current(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not current: go test ./cmd/assay -run %s -update", path, t.Name())
	}
}

// TestArchitecture holds the drawing in docs/architecture.md to what the packages import.
func TestArchitecture(t *testing.T) {
	const path = "../../docs/architecture.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- plan: written by go test ./cmd/assay -run TestArchitecture -update -->\n", "<!-- /plan -->"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the plan", path)
	}
	current(t, path, []byte(head+begin+drawImports(importsOfOurs(t))+end+tail))
}

// importsOfOurs lists our packages with those of ours that they import.
func importsOfOurs(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	ours := func(path string) (string, bool) {
		rest, ok := strings.CutPrefix(path, "github.com/assayrisk/assay")
		return cmp.Or(strings.TrimPrefix(rest, "/"), "."), ok
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		paths := strings.Fields(line)
		name, _ := ours(paths[0])
		all[name] = nil
		for _, path := range paths[1:] {
			if imp, ok := ours(path); ok {
				all[name] = append(all[name], imp)
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("go list knows %d packages", len(all))
	}
	return all
}

// drawImports draws the packages in layers, each above all that it imports, and as a graph of the arrows that do not
// follow from others.
func drawImports(all map[string][]string) string {
	direct := drawn(all)
	depth := map[string]int{}
	var deep func(string) int
	deep = func(p string) int {
		if d, ok := depth[p]; ok {
			return d
		}
		depth[p] = 0 // there is no cycle: the compiler sees to that
		d := 0
		for _, q := range direct[p] {
			d = max(d, deep(q)+1)
		}
		depth[p] = d
		return d
	}
	var layers [][]string
	for p := range direct {
		for len(layers) <= deep(p) {
			layers = append(layers, nil)
		}
		layers[deep(p)] = append(layers[deep(p)], p)
	}
	var b strings.Builder
	b.WriteString("\n```\n")
	for i := len(layers) - 1; i >= 0; i-- {
		slices.Sort(layers[i])
		fmt.Fprintf(&b, "%d  %s\n", i, strings.Join(layers[i], "  "))
	}
	b.WriteString("```\n\n```mermaid\nflowchart TD\n")
	node := func(p string) string { return strings.NewReplacer("/", "_", "-", "_", ".", "root").Replace(p) }
	for i := len(layers) - 1; i >= 0; i-- {
		for _, p := range layers[i] {
			for _, q := range reduced(direct, p) {
				fmt.Fprintf(&b, "  %s[%s] --> %s[%s]\n", node(p), p, node(q), q)
			}
		}
	}
	b.WriteString("```\n\n")
	return b.String()
}

// drawn drops packages for tests and benchmarks, and those below internal.
func drawn(all map[string][]string) map[string][]string {
	left := func(p string) bool {
		return strings.HasPrefix(p, "benchmarks/") || strings.HasPrefix(p, "internal/") || strings.HasSuffix(p, "test")
	}
	out := map[string][]string{}
	for p, imports := range all {
		if !left(p) {
			out[p] = slices.DeleteFunc(slices.Sorted(slices.Values(imports)), left)
		}
	}
	return out
}

// reduced drops the imports of p that one of its other imports has as well.
func reduced(direct map[string][]string, p string) []string {
	var reaches func(from, to string) bool
	reaches = func(from, to string) bool {
		return slices.ContainsFunc(direct[from], func(q string) bool { return q == to || reaches(q, to) })
	}
	var out []string
	for _, q := range direct[p] {
		if !slices.ContainsFunc(direct[p], func(o string) bool { return o != q && reaches(o, q) }) {
			out = append(out, q)
		}
	}
	return out
}

func TestDrawImports(t *testing.T) {
	text := drawImports(map[string][]string{"a": {"c/d", "b", "internal/x"}, "b": {"c/d"}, "c/d": nil,
		"internal/x": nil, "atest": {"a"}})
	for _, want := range []string{"2  a\n1  b\n0  c/d\n", "a[a] --> b[b]\n", "b[b] --> c_d[c/d]\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "a[a] --> c_d") || strings.Contains(text, "internal") || strings.Contains(text, "atest") {
		t.Errorf("arrows that follow from others are drawn:\n%s", text)
	}
}
