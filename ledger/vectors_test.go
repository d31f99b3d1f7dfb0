// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
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

// vectorMaker makes the vectors, in the order of the file.
type vectorMaker struct {
	t   *testing.T
	l   *testLog
	rng *rand.Rand
	out []vector
}

func vectors(t *testing.T) []vector {
	t.Helper()
	m := vectorMaker{t: t, l: newTestLog(t, 11), rng: rand.New(rand.NewPCG(9, 9))}
	m.honest()
	m.damaged()
	m.swapped()
	m.respelled(m.out[7].File)
	for i := range m.out {
		m.out[i].Refused = firstRefusedStep(m.out[i])
	}
	return m.out
}

// add adds a receipt under the log's key.
func (m *vectorMaker) add(name string, r *assay.Receipt) { m.addUnder(m.l.vkey, name, r) }

func (m *vectorMaker) addUnder(key, name string, r *assay.Receipt) {
	b, err := MarshalReceipt(r)
	if err != nil {
		m.t.Fatal(err)
	}
	m.addFile(key, name, string(b))
}

func (m *vectorMaker) addFile(key, name, file string) {
	m.out = append(m.out, vector{Name: name, LogKey: key, File: file})
}

// honest adds receipts that hold.
func (m *vectorMaker) honest() {
	one := newTestLog(m.t, 1)
	m.addUnder(one.vkey, "honest, log of one", one.receipt(m.t, 0))
	for i := range 11 {
		m.add(fmt.Sprintf("honest, leaf %d of 11", i), m.l.receipt(m.t, i))
	}
	r := m.l.receipt(m.t, 2)
	r.Checkpoint, r.Inclusion = nil, nil
	m.add("promise alone", r)
	r = m.l.receipt(m.t, 2)
	r.Promise = nil
	m.add("without a promise", r)
	spaced, err := json.MarshalIndent(m.l.receipt(m.t, 4), "", "  ")
	if err != nil {
		m.t.Fatal(err)
	}
	m.addFile(m.l.vkey, "honest, with white space", string(spaced))
}

// receiptParts are the byte strings of a receipt, by name.
var receiptParts = map[string]func(*assay.Receipt) *[]byte{
	"decision":     func(r *assay.Receipt) *[]byte { return &r.Decision },
	"vector":       func(r *assay.Receipt) *[]byte { return &r.Vector },
	"decision key": func(r *assay.Receipt) *[]byte { return &r.DecisionKey },
	"vector key":   func(r *assay.Receipt) *[]byte { return &r.VectorKey },
	"leaf":         func(r *assay.Receipt) *[]byte { return &r.Leaf },
	"promise":      func(r *assay.Receipt) *[]byte { return &r.Promise },
	"checkpoint":   func(r *assay.Receipt) *[]byte { return &r.Checkpoint },
	"inclusion":    func(r *assay.Receipt) *[]byte { return &r.Inclusion[1] },
}

// damaged adds receipts with a bit flipped in each part, or the part cut short.
func (m *vectorMaker) damaged() {
	for _, name := range slices.Sorted(maps.Keys(receiptParts)) {
		for range 12 {
			r := clone(m.l.receipt(m.t, 6))
			p := *receiptParts[name](r)
			i, bit := m.rng.IntN(len(p)), m.rng.IntN(8)
			p[i] ^= 1 << bit
			m.add(fmt.Sprintf("%s: bit %d of byte %d flipped", name, bit, i), r)
		}
		for range 3 {
			r := clone(m.l.receipt(m.t, 6))
			p := receiptParts[name](r)
			*p = (*p)[:1+m.rng.IntN(len(*p)-1)]
			m.add(fmt.Sprintf("%s: cut to %d bytes", name, len(*p)), r)
		}
	}
}

// swapped adds receipts of which a part is another's, and one that is honest: the
// record of a shadow.
func (m *vectorMaker) swapped() {
	for _, x := range []struct {
		name string
		edit func(r *assay.Receipt)
	}{
		{"another index", func(r *assay.Receipt) { r.Index = 5 }},
		{"another log", func(r *assay.Receipt) { r.Log = "other.example/log" }},
		{"proof of another leaf", func(r *assay.Receipt) { r.Inclusion = m.l.receipt(m.t, 7).Inclusion }},
		{"checkpoint of another tree", func(r *assay.Receipt) {
			r.Checkpoint = newTestLog(m.t, 13).receipt(m.t, 6).Checkpoint
		}},
		{"promise of another leaf", func(r *assay.Receipt) { r.Promise = m.l.receipt(m.t, 7).Promise }},
		{"version 2", func(r *assay.Receipt) { r.Version = 2 }},
		{"signed by nobody", func(r *assay.Receipt) { r.Promise, r.Checkpoint, r.Inclusion = nil, nil, nil }},
	} {
		r := clone(m.l.receipt(m.t, 6))
		x.edit(r)
		m.add(x.name, r)
	}
	shadow := oddReceipts{t: m.t, l: m.l}
	m.addFile(m.l.vkey, "honest, of a shadow", shadow.seal(clone(&m.l.openings[0]), Shadow, nil))
	m.addUnder(NewKey("other.example/log", m.l.key.Public).String(), "key of another origin", m.l.receipt(m.t, 6))
}

// respelled adds an honest receipt's file in other spellings.
func (m *vectorMaker) respelled(file string) {
	for _, s := range [][2]string{
		{`"index":6`, `"index":6,"index":6`}, {`"index":6`, `"Index":6`}, {`"index":6`, `"index":6.0`},
		{`"index":6`, `"index":06`},
		{`"log":`, `"extra":1,"log":`}, {`=="`, `="`}, {`{`, `[`}, {`"version":1,"log":"log.example/decisions"`,
			`"log":"log.example/decisions","version":1`},
		{`"log.example`, `"\u006cog.example`},
	} {
		if !strings.Contains(file, s[0]) {
			m.t.Fatalf("no %s in %s", s[0], file)
		}
		m.addFile(m.l.vkey, "file: "+s[0]+" as "+s[1], strings.Replace(file, s[0], s[1], 1))
	}
}

func firstRefusedStep(v vector) string {
	r, err := ParseReceipt([]byte(v.File))
	if err != nil {
		return StepReceipt
	}
	return refusedAt(Verify(r, Trust{LogKey: v.LogKey}))
}

var vectorFile = filepath.Join("..", "docs", "formats", "testdata", "receipts.json")

// TestGoldenVectors compares this package with the committed vectors: a change of
// format, or of what is refused and where, fails here.
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
		if got := firstRefusedStep(v); got != v.Refused {
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
	t.Parallel()
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
