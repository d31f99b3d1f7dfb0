// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	assay "github.com/assayrisk/assay"
)

var update = flag.Bool("update", false, "write docs/formats/testdata/receipts.json again")

// vector is one receipt and what a verifier must say of it. Other languages'
// verifiers read the same file.
type vector struct {
	Name    string `json:"name"`
	LogKey  string `json:"log_key"`
	File    string `json:"file"`    // the receipt file's text
	Refused string `json:"refused"` // the first step that is refused, "" if none is
}

func vectors(t *testing.T) (out []vector) {
	t.Helper()
	l := newTestLog(t, 11)
	one := newTestLog(t, 1)
	rng := rand.New(rand.NewPCG(9, 9))
	say := func(name, key string, r *assay.Receipt) {
		b, err := MarshalReceipt(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, vector{Name: name, LogKey: key, File: string(b)})
	}
	say("honest, log of one", one.vkey, one.receipt(t, 0))
	for i := range 11 {
		say(fmt.Sprintf("honest, leaf %d of 11", i), l.vkey, l.receipt(t, i))
	}
	r := l.receipt(t, 2)
	r.Checkpoint, r.Inclusion = nil, nil
	say("promise alone", l.vkey, r)
	r = l.receipt(t, 2)
	r.Promise = nil
	say("without a promise", l.vkey, r)
	spaced, err := json.MarshalIndent(l.receipt(t, 4), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, vector{Name: "honest, with white space", LogKey: l.vkey, File: string(spaced)})

	parts := map[string]func(*assay.Receipt) *[]byte{
		"decision": func(r *assay.Receipt) *[]byte {
			return &r.Decision
		}, "vector": func(r *assay.Receipt) *[]byte { return &r.Vector },
		"decision key": func(r *assay.Receipt) *[]byte {
			return &r.DecisionKey
		}, "vector key": func(r *assay.Receipt) *[]byte { return &r.VectorKey },
		"leaf": func(r *assay.Receipt) *[]byte { return &r.Leaf }, "promise": func(r *assay.Receipt) *[]byte {
			return &r.Promise
		},
		"checkpoint": func(r *assay.Receipt) *[]byte {
			return &r.Checkpoint
		}, "inclusion": func(r *assay.Receipt) *[]byte {
			return &r.Inclusion[1]
		},
	}
	names := make([]string, 0, len(parts))
	for n := range parts {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for range 12 {
			r := clone(l.receipt(t, 6))
			p := *parts[n](r)
			i, bit := rng.IntN(len(p)), rng.IntN(8)
			p[i] ^= 1 << bit
			say(fmt.Sprintf("%s: bit %d of byte %d flipped", n, bit, i), l.vkey, r)
		}
		for range 3 {
			r := clone(l.receipt(t, 6))
			p := parts[n](r)
			*p = (*p)[:1+rng.IntN(len(*p)-1)]
			say(fmt.Sprintf("%s: cut to %d bytes", n, len(*p)), l.vkey, r)
		}
	}
	r = clone(l.receipt(t, 6))
	r.Index = 5
	say("another index", l.vkey, r)
	r = clone(l.receipt(t, 6))
	r.Log = "other.example/log"
	say("another log", l.vkey, r)
	r = clone(l.receipt(t, 6))
	r.Inclusion = l.receipt(t, 7).Inclusion
	say("proof of another leaf", l.vkey, r)
	r = clone(l.receipt(t, 6))
	r.Checkpoint = newTestLog(t, 13).receipt(t, 6).Checkpoint
	say("checkpoint of another tree", l.vkey, r)
	r = clone(l.receipt(t, 6))
	r.Promise = l.receipt(t, 7).Promise
	say("promise of another leaf", l.vkey, r)
	r = clone(l.receipt(t, 6))
	r.Version = 2
	say("version 2", l.vkey, r)
	r = clone(l.receipt(t, 6))
	r.Promise, r.Checkpoint, r.Inclusion = nil, nil, nil
	say("signed by nobody", l.vkey, r)
	shadow := odd{t: t, l: l}
	out = append(out,
		vector{Name: "honest, of a shadow", LogKey: l.vkey, File: shadow.seal(clone(&l.open[0]), Shadow, nil)})
	say("key of another origin", NewKey("other.example/log", l.key.Public).String(), l.receipt(t, 6))

	file := out[7].File
	for _, s := range [][2]string{
		{`"index":6`, `"index":6,"index":6`}, {`"index":6`, `"Index":6`}, {`"index":6`, `"index":6.0`},
		{`"index":6`, `"index":06`},
		{`"log":`, `"extra":1,"log":`}, {`=="`, `="`}, {`{`, `[`}, {`"version":1,"log":"log.example/decisions"`,
			`"log":"log.example/decisions","version":1`},
		{`"log.example`, `"\u006cog.example`},
	} {
		if !strings.Contains(file, s[0]) {
			t.Fatalf("no %s in %s", s[0], file)
		}
		out = append(out,
			vector{Name: "file: " + s[0] + " as " + s[1], LogKey: l.vkey, File: strings.Replace(file, s[0], s[1], 1)})
	}
	for i := range out {
		out[i].Refused = judge(out[i])
	}
	return out
}

func judge(v vector) string {
	r, err := ParseReceipt([]byte(v.File))
	if err != nil {
		return StepReceipt
	}
	return refusedAt(Verify(r, Trust{LogKey: v.LogKey}))
}

var vectorFile = filepath.Join("..", "docs", "formats", "testdata", "receipts.json")

// TestGoldenVectors holds this package to the committed vectors: a change of
// format, or of what is refused and where, shows here.
func TestGoldenVectors(t *testing.T) {
	if *update {
		b, err := json.MarshalIndent(vectors(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(vectorFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	honest := 0
	for _, v := range vs {
		if got := judge(v); got != v.Refused {
			t.Errorf("%s: first refused step %q, want %q", v.Name, got, v.Refused)
		}
		if v.Refused == "" {
			honest++
		}
		if tampered := !strings.HasPrefix(v.Name, "honest") && !strings.HasPrefix(v.Name, "promise alone") &&
			!strings.HasPrefix(v.Name, "without"); tampered != (v.Refused != "") {
			t.Errorf("%s: refused at %q", v.Name, v.Refused)
		}
	}
	if now := vectors(t); !slices.Equal(now, vs) {
		t.Error("the vectors that this package makes are not the committed ones: a format changed")
	}
	t.Logf("%d vectors, %d honest", len(vs), honest)
}

// TestPythonAgrees runs the second verifier over the same vectors.
func TestPythonAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the second verifier was not run")
	}
	out, err := exec.Command(python, filepath.Join("..", "docs", "formats", "verifier", "verify_receipt.py"),
		"--vectors", vectorFile).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
