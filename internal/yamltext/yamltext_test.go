// SPDX-License-Identifier: Apache-2.0

package yamltext

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/internal/testbound"
)

// anything is a struct that takes what our files hold.
type anything struct {
	Name  string             `yaml:"name"`
	Rules []map[string]any   `yaml:"rules"`
	A     any                `yaml:"a"`
	Map   map[string]float64 `yaml:"map"`
}

func merges(levels int) string {
	s := "x0: &x0 {a: 1}\n"
	for i := range levels {
		s += fmt.Sprintf("x%d: &x%d {<<: [%s]}\n", i+1, i+1,
			strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d,", i), 8), ","))
	}
	return s
}

func lists(levels int) string {
	s := ""
	for i := range levels {
		s += fmt.Sprintf("x%d: &x%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d,", i), 8))
	}
	return s
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// bombs are texts within the size of a policy that cost, or might cost, a
// reader out of proportion.
var bombs = map[string]string{
	"merges 6":                  merges(6),
	"merges 8":                  merges(8),
	"merges 12":                 merges(12),
	"lists in aliases":          "a: &x0 [x,x,x,x,x,x,x,x,x]\n" + lists(6),
	"deep lists":                "name: " + strings.Repeat("[", 5000),
	"deeper lists":              "name: " + strings.Repeat("[", 100_000),
	"closed lists":              "name: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
	"deep maps":                 strings.Repeat("{a: ", 5000),
	"deeper maps":               strings.Repeat("{a: ", 60_000),
	"one below the other":       numbered(500, "%[1]*[1]sa:\n"),
	"stairs":                    stairs(300),
	"cycle":                     "name: x\na: &a {b: *a}",
	"cycle of a list":           "rules: &a [*a]",
	"cycle of a merge":          "rules: &a\n- name: x\n  <<: *a\n",
	"merge of itself":           "a: &b\n  <<: *b\n",
	"no anchor":                 "a: *b\n",
	"spaces":                    strings.Repeat(" ", 262_000),
	"dashes":                    strings.Repeat("- ", 130_000),
	"fewer dashes":              strings.Repeat("- ", 9_000),
	"quotes":                    strings.Repeat(`"`, 250_000),
	"fewer quotes":              strings.Repeat(`"`, 39_000),
	"colons":                    strings.Repeat("a: ", 80_000),
	"fewer colons":              strings.Repeat("a: ", 15_000),
	"anchors":                   strings.Repeat("&a ", 80_000),
	"fewer anchors":             strings.Repeat("&a ", 7_900),
	"aliases":                   strings.Repeat("*a ", 7_900),
	"question marks":            strings.Repeat("? ", 120_000),
	"fewer question marks":      strings.Repeat("? ", 19_000),
	"tags":                      strings.Repeat("!", 250_000),
	"tags in a row":             strings.Repeat("!a ", 7_900),
	"blocks":                    strings.Repeat("|\n", 120_000),
	"fewer blocks":              strings.Repeat("|\n", 3_900),
	"comments":                  strings.Repeat("#\n", 120_000),
	"fewer comments":            strings.Repeat("#\n", 3_900),
	"documents":                 strings.Repeat("---\n", 60_000),
	"fewer documents":           strings.Repeat("---\na: 1\n", 1_900),
	"ends of documents":         strings.Repeat("a: 1\n...\n", 1_900),
	"long key":                  strings.Repeat("a", 250_000) + ": 1",
	"many keys":                 numbered(25_000, "k%d: 1\n"),
	"fewer keys":                numbered(7_900, "k%d: 1\n"),
	"keys with anchors":         anchored(3_900),
	"keys with tags":            numbered(3_900, "!t k%d: 1\n"),
	"keys in quotes":            numbered(3_900, "\"k%d\": 1\n"),
	"keys with question marks":  numbered(1_900, "? k%d\n: 1\n"),
	"keys of lists":             numbered(1_900, "k%d:\n- 1\n"),
	"aliases as keys":           "a: &x 1\n" + strings.Repeat("*x : 1\n", 3_900),
	"keys of maps in a list":    numbered(1_900, "- k: 1\n  l: %d\n"),
	"keys in braces":            "{" + numbered(20_000, "k%d: 1,") + "}",
	"fewer keys in braces":      "{" + numbered(9_000, "k%d: 1,") + "}",
	"the same key":              "{" + strings.Repeat("a: 1,", 9_000) + "}",
	"newlines":                  strings.Repeat("\n", 260_000),
	"carriage returns":          strings.Repeat("\r", 260_000),
	"tabs":                      strings.Repeat("\t", 260_000),
	"block of blanks":           "name: |\n" + strings.Repeat(" \n", 120_000),
	"shorter block of blanks":   "name: |\n" + strings.Repeat(" \n", 190),
	"block of lines and blanks": "name: |\n" + strings.Repeat(" a\n"+strings.Repeat(" \n", 190), 20),
	"block":                     "name: |\n" + strings.Repeat(" a\n \n", 1_900),
	"folded":                    "name: >\n" + strings.Repeat(" a\n", 80_000),
	"shorter folded":            "name: >\n" + strings.Repeat(" a\n", 3_900),
	"folded blanks":             "name: >\n" + strings.Repeat(" a\n\n", 1_900),
	"escapes":                   `name: "` + strings.Repeat(`\x`, 120_000) + `"`,
	"newlines in quotes":        `name: "` + strings.Repeat(`\n`, 120_000) + `"`,
	"lines in quotes":           "name: \"a\n" + strings.Repeat(" b\n", 3_900) + "\"",
	"plain lines":               "name: a\n" + strings.Repeat(" b\n", 3_900),
	"plain lines and blanks":    "name: a\n" + strings.Repeat(" b\n\n", 1_900),
	"percents":                  strings.Repeat("%", 250_000),
	"fewer percents":            strings.Repeat("%", 7_900),
	"one line":                  "name: |\n " + strings.Repeat("a", 250_000),
	"indented":                  "a:\n" + strings.Repeat(" ", 250_000) + "b: 1",
	"commas":                    "[" + strings.Repeat(",", 250_000),
	"fewer commas":              "[" + strings.Repeat(",", 19_000),
	"brackets in turn":          strings.Repeat("[]", 9_000),
	"open and close":            "a: " + strings.Repeat("{}", 9_000),
	"merge keys":                strings.Repeat("<<: ", 9_000),
	"less than":                 strings.Repeat("<", 39_000),
	"words in quotes":           "a: [" + strings.Repeat(`"",`, 9_000) + "]",
	"sequence":                  "a: [" + strings.Repeat("1,", 9_000) + "]",
	"entries":                   "a:\n" + strings.Repeat("- 1\n", 3_900),
	"no text":                   string(make([]byte, 200_000)),
	"high bytes":                strings.Repeat("\xff", 200_000),
	"byte order marks":          strings.Repeat("\ufeff", 80_000),
	"indents in turn":           "a:\n" + strings.Repeat("  b:\n c:\n", 1_900),
	"hashes":                    "a: " + strings.Repeat("#", 250_000),
	"hashes in turn":            "a: " + strings.Repeat("# ", 120_000),
	"spaces in a key":           "a" + strings.Repeat(" ", 250_000) + ": 1",
	"words":                     "a: " + strings.Repeat("b ", 125_000),
}

// anchored is one map, each of whose keys has an anchor, of another length.
func anchored(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&%s k%d: 1\n", strings.Repeat("a", 1+i%32), i)
	}
	return b.String()
}

// stairs nests one key a line.
func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// maxMemory is what reading any text of a policy's size may allocate, also what
// is free again at once.
const maxMemory = 64 << 20

// heaviest are the bombs that cost most where they are longer than a policy may
// be, or would without one of the bounds.
var heaviest = []string{"one line", "keys in braces", "the same key", "brackets in turn", "deep maps", "less than",
	"fewer documents", "ends of documents", "keys with tags", "keys with anchors", "fewer keys",
	"merges 12", "sequence",
	"block of blanks"}

// TestBombs reads every bomb within the bound of memory, of each kind of text: as
// it is, and as the longest text of its like whose bytes, lines and marks are
// within the limits. The bounds of depth, keys and nodes are what makes that hold.
// Of settings and plans it reads the heaviest, and all with ASSAY_BOMBS=1.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for kind, c := range map[string]struct {
		limits Limits
		memory uint64
	}{
		"policy": {Policy, maxMemory}, "settings": {Settings, 4 * maxMemory}, "plan": {Plan, 8 * maxMemory},
	} {
		most, by, read := uint64(0), "", 0
		for name, text := range bombs {
			if len(text) > Policy.Bytes {
				t.Fatalf("%s has %d bytes and is refused for its size alone", name, len(text))
			}
			if kind != "policy" && os.Getenv("ASSAY_BOMBS") == "" && !slices.Contains(heaviest, name) {
				continue
			}
			for _, text := range []string{text, longest(text, c.limits)} {
				stop := testbound.Watch(t, fmt.Sprintf("%s as a %s of %d bytes", name, kind, len(text)),
					testbound.Limits{Time: 30 * time.Second, Bytes: c.memory})
				err := Decode([]byte(text), new(anything), c.limits)
				read++
				if n := stop(); n > most {
					most, by = n, fmt.Sprintf("%s, %d bytes: %v", name, len(text), err)
				}
				if err != nil && len(err.Error()) > 400 {
					t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
				}
			}
		}
		t.Logf("%s: %d MB at most, by %s", kind, most>>20, by)
		t.Logf("COUNT texts %d", read)
	}
}

// longest repeats a text for about as long as counting alone lets it pass.
func longest(text string, l Limits) string {
	const steps = 64
	text = strings.Repeat(text, l.Bytes/len(text)+1)[:l.Bytes]
	n := sort.Search(steps, func(n int) bool { return l.checkCounts([]byte(text[:(n+1)*len(text)/steps])) != nil })
	return text[:n*len(text)/steps]
}

// TestRefusals: what is refused says why.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"merges 6":         "stands for more than",
		"merges 12":        "stands for more than",
		"lists in aliases": "stands for more than",
		"deep lists":       "nested",
		"closed lists":     "nested",
		"deep maps":        "nested",
		"stairs":           "nested",
		"fewer dashes":     "nested",
		"cycle":            "that it is in",
		"cycle of a list":  "that it is in",
		"cycle of a merge": "that it is in",
		"no anchor":        "nothing above",
		"quotes":           "begin or end a value",
		"anchors":          "& * ! <",
		"less than":        "& * ! <",
		"keys with tags":   "[201:7] a map of more than 200 lines",
		"newlines":         "empty lines",
		"comments":         "lines",
		"fewer documents":  "one YAML document",
	} {
		if err := Decode([]byte(bombs[name]), new(anything), Policy); err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, says)
		}
	}
	if err := Decode(make([]byte, Policy.Bytes+1), new(anything), Policy); err == nil ||
		!strings.Contains(err.Error(), "bytes") {
		t.Errorf("too long: %v", err)
	}
	for _, empty := range []string{"", "# nothing\n", "\n"} {
		if err := Decode([]byte(empty), new(anything), Policy); !errors.Is(err, ErrEmpty) {
			t.Errorf("%q: %v", empty, err)
		}
	}
	if err := Decode([]byte("name: x\n\nnmae: y\n"), new(anything), Policy); err == nil ||
		!strings.Contains(err.Error(), "[3:1]") {
		t.Errorf("an unknown key: %v, want its line", err)
	}
}

// TestAliases: an alias that stands for a little is read.
func TestAliases(t *testing.T) {
	t.Parallel()
	var a anything
	err := Decode([]byte("a: &x {k: 1}\nrules:\n- *x\n- {<<: *x, l: 2}\n"), &a, Policy)
	if err != nil || len(a.Rules) != 2 || fmt.Sprint(a.Rules[1]) != "map[k:1 l:2]" {
		t.Errorf("%v, %v", err, a.Rules)
	}
}

// TestOurTexts: everything that the repository has in YAML is within the limits.
func TestOurTexts(t *testing.T) {
	t.Parallel()
	n := 0
	for _, pattern := range []string{"deploy", "features/testdata", "serving/policy", "datasets/scf"} {
		paths, err := filepath.Glob(filepath.Join("../..", pattern, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			n++
			if _, err := Parse(b, Policy); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
	}
	if n < 3 {
		t.Errorf("%d texts found", n)
	}
}

// FuzzDecode: no text makes more memory than its bound.
func FuzzDecode(f *testing.F) {
	for _, text := range bombs {
		if len(text) < 20_000 {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = Decode(b, new(anything), Policy)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 2*maxMemory { // the fuzzer itself allocates
			t.Errorf("%d MB", n>>20)
		}
	})
}
