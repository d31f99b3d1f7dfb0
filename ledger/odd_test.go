// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	assay "github.com/assayrisk/assay"
)

var (
	oddCases = flag.Int("odd", 240, "odd receipts that TestPythonAgreesOnOddReceipts makes")
	oddSeed  = flag.Uint64("odd-seed", 1, "their seed")
)

// TestPythonAgreesOnOddReceipts: the two verifiers give the same verdict on
// receipts that only the log itself can make, because what is odd in them is
// committed to and signed. It also changes the receipts' text.
func TestPythonAgreesOnOddReceipts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the second verifier was not run")
	}
	g := oddReceipts{t: t, l: newTestLog(t, 11), rng: rand.New(rand.NewPCG(*oddSeed, 7))}
	g.signer, err = note.NewSigner(g.l.skey)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(v vector) string {
		got := firstRefusedStep(v)
		r, err := ParseReceipt([]byte(v.File))
		switch {
		case got != "" || err != nil || r.Anchor == nil:
			return got
		case r.Checkpoint == nil:
			return "anchor"
		}
		return "anchor/format" // none of these anchors is a proof
	}
	kinds := []func() string{g.leaf, g.leaf, g.decision, g.decision, g.decision, g.vector, g.checkpoint, g.promise,
		g.text, g.text, g.text}
	var vs []vector
	accepted := 0
	for i := range *oddCases {
		k := i % len(kinds)
		v := vector{Name: fmt.Sprintf("odd %d of kind %d", i, k), LogKey: g.l.vkey, File: kinds[k]()}
		if v.Refused = judge(v); v.Refused == "" {
			accepted++
		}
		vs = append(vs, v)
	}
	for i, f := range g.knownOddities() {
		v := vector{Name: fmt.Sprintf("fixed %d", i), LogKey: g.l.vkey, File: f}
		v.Refused = judge(v)
		vs = append(vs, v)
	}
	b, err := json.Marshal(vs)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "odd.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("..", "docs", "formats", "verifier", "verify_receipt.py"),
		"--vectors", path).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d of %d odd receipts are accepted by both\n%s", accepted, len(vs), out)
}

// oddReceipts makes odd receipts.
type oddReceipts struct {
	t      *testing.T
	l      *testLog
	rng    *rand.Rand
	signer note.Signer
}

// seal commits to what the receipt opens, and signs it as the one record of a
// log. alter may change the leaf's bytes before they are signed.
func (g *oddReceipts) seal(r *assay.Receipt, kind Kind, alter func([]byte) []byte) string {
	leaf := g.l.leaves[r.Index%uint64(len(g.l.leaves))]
	leaf.Kind = kind
	leaf.Decision, leaf.Vector = CommitDecision(r.DecisionKey, r.Decision), CommitVector(r.VectorKey, r.Vector)
	r.Leaf = leaf.AppendBinary(nil)
	if alter != nil {
		r.Leaf = alter(r.Leaf)
	}
	root := HashLeaf(r.Leaf)
	p := Promise{Sequence: r.Index, LeafHash: root, First: r.Index, Count: 1}
	copy(p.Signature[:], ed25519.Sign(g.l.signer, PromiseMessage(testOrigin, p.First, 1, root)))
	r.Promise = p.AppendBinary(nil)
	r.Inclusion, r.Checkpoint = nil, nil
	if r.Index == 0 {
		r.Checkpoint = g.l.sign(g.t, Checkpoint{Origin: testOrigin, Size: 1, Root: root}.String())
	}
	return g.file(r)
}

func (g *oddReceipts) file(r *assay.Receipt) string {
	b, err := MarshalReceipt(r)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(b)
}

// oddCBOR are encodings to replace others with: numbers in other forms and sizes,
// floats, NaN, empty and repeated items, null, tags.
var oddCBOR = []string{
	"\x00", "\x01", "\x17", "\x18\x01", "\x18\x18", "\x19\x01\x00", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "\x20",
	"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
	"\xf9\x3c\x00", "\xf9\x7e\x00", "\xf9\x7c\x00", "\xf9\x00\x00", "\xf9\x80\x00", "\xfa\x7f\xc0\x00\x00",
	"\xfa\x3f\x80\x00\x00", "\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
	"\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "\x40", "\x60", "\x61\xff", "\x62\xc3\xa9", "\x80", "\xa0", "\x81\x00",
	"\x81\x60", "\xa1\x00\x00", "\xa2\x00\x00\xf9\x00\x00\x00", "\xa1\x80\x00",
	"\xf6", "\xf4", "\xf5", "\xf7", "\xc0\x60", "\x5f\xff", "\x9f\xff", "\xbf\xff",
	"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xbb\x00\x00\x00\x00\x00\x00\x10\x01", "\x58\x20" +
		"0123456789abcdef0123456789abcdef",
}

// mutateBytes flips, cuts, doubles or replaces a part of b.
func (g *oddReceipts) mutateBytes(b []byte) []byte {
	b = bytes.Clone(b)
	at := g.rng.IntN(len(b))
	switch g.rng.IntN(6) {
	case 0:
		b[at] ^= 1 << g.rng.IntN(8)
	case 1:
		b = append(b, b[at])
	case 2:
		b = b[:at]
	case 3: // an item for what begins here, perhaps
		o := oddCBOR[g.rng.IntN(len(oddCBOR))]
		b = append(append(append([]byte(nil), b[:at]...), o...), b[min(len(b), at+1):]...)
	default: // an item for one of the map's numbers, floats or digests
		o := oddCBOR[g.rng.IntN(len(oddCBOR))]
		i, n := cborItem(b, g.rng.IntN(40))
		b = append(append(append([]byte(nil), b[:i]...), o...), b[i+n:]...)
	}
	return b
}

// cborItem returns the position and length of the nth item, or of the last if there
// are fewer. A map's or list's length is that of its head.
func cborItem(b []byte, nth int) (at, n int) {
	for {
		head, size := 1, uint64(b[at]&31)
		if size >= 24 && size < 28 {
			head += 1 << (size - 24)
			size = 0
			for _, x := range b[at+1 : min(len(b), at+head)] {
				size = size<<8 | uint64(x)
			}
		}
		n = head
		if major := b[at] >> 5; major == 2 || major == 3 {
			n += int(min(size, 1<<20))
		}
		n = min(n, len(b)-at)
		if nth == 0 || at+n == len(b) {
			return at, n
		}
		nth--
		at += n
	}
}

func (g *oddReceipts) open() *assay.Receipt {
	i := 0
	if g.rng.IntN(8) == 0 {
		i = 3
	}
	r := g.l.openings[i]
	return clone(&r)
}

func (g *oddReceipts) kind() Kind {
	if g.rng.IntN(3) == 0 {
		return Kind(g.rng.IntN(12))
	}
	return Decision
}

func (g *oddReceipts) leaf() string { return g.seal(g.open(), g.kind(), g.mutateBytes) }

func (g *oddReceipts) decision() string {
	r := g.open()
	r.Decision = g.mutateBytes(r.Decision)
	return g.seal(r, Decision, nil)
}

func (g *oddReceipts) vector() string {
	r := g.open()
	d, err := assay.ParseDecision(r.Decision)
	if err != nil {
		g.t.Fatal(err)
	}
	switch r.Vector = append(r.Vector[:44:44],
		"\x00\x00\x00\x00\x00\x00\xf8\x7f\x01\x00\x00\x00\x00\x00\xf8\x7f"[8*g.rng.IntN(2):]...); g.rng.IntN(4) {
	case 0:
		r.Vector = nil
	case 1:
		r.Vector = g.mutateBytes(r.Vector)
	}
	if len(r.Vector) == 52 {
		r.Vector[32] = 2
	}
	d.Vector = assay.Sum("assay/vector/v1\n", r.Vector)
	if r.Decision, err = d.MarshalBinary(); err != nil {
		g.t.Fatal(err)
	}
	return g.seal(r, 1+Kind(g.rng.IntN(2)), nil)
}

// promise signs a group that is not as it should be.
func (g *oddReceipts) promise() string {
	r := g.l.receipt(g.t, g.rng.IntN(11))
	p, err := ParsePromise(r.Promise)
	if err != nil {
		g.t.Fatal(err)
	}
	pick := func(of ...uint64) uint64 { return of[g.rng.IntN(len(of))] }
	switch g.rng.IntN(5) {
	case 0:
		p.First = pick(0, 1, p.Sequence, p.Sequence+1, 1<<64-1)
	case 1:
		p.Count = uint32(pick(0, 1, 10, 11, 12, 1<<16, 1<<16+1, 1<<32-1))
	case 2:
		p.Path = append(p.Path, assay.Digest{1})
	case 3:
		p.Path = nil
	case 4:
		r.Promise = g.mutateBytes(r.Promise)
		return g.file(r)
	}
	if root, err := p.Root(); err == nil {
		copy(p.Signature[:], ed25519.Sign(g.l.signer, PromiseMessage(testOrigin, p.First, p.Count, root)))
	}
	r.Promise = p.AppendBinary(nil)
	return g.file(r)
}

// checkpoint has the log sign a note that is not as it should be.
func (g *oddReceipts) checkpoint() string {
	r := g.open()
	r.Index = 0
	text := g.seal(r, Decision, nil)
	r, err := ParseReceipt([]byte(text))
	if err != nil {
		g.t.Fatal(err)
	}
	root := base64.StdEncoding.EncodeToString(hashOf(r.Leaf))
	pick := func(of ...string) string { return of[g.rng.IntN(len(of))] }
	body := pick(testOrigin, testOrigin, testOrigin, "other", "") + "\n" +
		pick("1", "1", "1", "01", "0", "2", "+1", "1.0", " 1", "１", "18446744073709551615", "18446744073709551616",
			strings.Repeat("9", 5000)) + "\n" +
		pick(root, root, root, setUnusedBit(root), root[:43], root+"AAAA", strings.ReplaceAll(root, "/", "_")) + "\n" +
		pick("", "", "more\n", "\n", "\n\nx\n", "\x01\n", "\u2028\n")
	sig, err := g.signer.Sign([]byte(body))
	if err != nil {
		g.t.Fatal(err)
	}
	line := func(name string, sig []byte) string {
		raw := append([]byte{byte(g.l.key.Hash >> 24), byte(g.l.key.Hash >> 16), byte(g.l.key.Hash >> 8),
			byte(g.l.key.Hash)}, sig...)
		return "\u2014 " + name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	}
	good := line(testOrigin, sig)
	lines := pick(good, good, good, good+good, good+line(testOrigin, []byte("wrong")),
		line(testOrigin, []byte("wrong"))+good, good+line("other", sig), good+line("o\u00a0r", sig),
		good+line("o\u2003r", sig), good+line("o+r", sig), good+line("", sig), good+line("o\u200br", sig), good+
			line("o\u0085r", sig), good+line("a\x7fb", sig), good+"x\n", good+"\n", good[:len(good)-1],
		strings.Repeat(line("w", nil)+line("v", sig), 50)+good,
		strings.Repeat(line("w", sig), 99)+good, strings.Repeat(line("w", sig), 100)+good, good+
			strings.Repeat(line("w", sig), 150), good+setUnusedBit(good), line("w", nil)+good, good+
			"\u2014 w AAAA\n", good+
			"\u2014 w AAAAAAA=\n", good+"\u2014 w  AAAAAAA=\n", good+"\u2014 w AAAAAAA= \n", good+"\ufeff")
	r.Checkpoint = []byte(body + "\n" + lines)
	return g.file(r)
}

func hashOf(leaf []byte) []byte { h := HashLeaf(leaf); return h[:] }

var jsonValue = regexp.MustCompile(`"[^"]*"|[0-9]+|null|\[[^\]]*\]`)

// text changes the receipt's JSON.
func (g *oddReceipts) text() string {
	r := g.l.receipt(g.t, g.rng.IntN(11))
	switch g.rng.IntN(4) {
	case 0:
		r.Checkpoint, r.Inclusion = nil, nil
	case 1:
		r.Promise = nil
	case 2:
		r.Anchor = json.RawMessage(`{"version":1,"chain_id":1}`)
	}
	s := strings.TrimSpace(g.file(r))
	places := jsonValue.FindAllStringIndex(s, -1)
	at := places[g.rng.IntN(len(places))]
	old := s[at[0]:at[1]]
	pick := func(of ...string) string { return of[g.rng.IntN(len(of))] }
	return s[:at[0]] + pick("null", "0", "-0", "1e0", "1.0", "01", "18446744073709551615", "18446744073709551616",
		strings.Repeat("9", 5000), "1e999", "NaN", "Infinity", "true", "false", `""`, `"="`, `"AA=="`, `"AB=="`,
		`"A\u0041=="`, `"AA==\n"`, `" "`,
		`[]`, `{}`, `[null]`, `[""]`, `["AAAA"]`, `[[]]`, `{"AAAA":1}`, old+" ", "\n\t"+old, "\u00a0"+old, "\ufeff"+old,
		old+",", old+","+old, old+`,"x":1`, old+`,"anchor":null`, old+`,"index":1`, `"\ud800"`, `"\u2028"`, `"<"`,
		`"\u003c"`, `"`, strings.Repeat("[", 100)+strings.Repeat("]", 100), strings.ToUpper(old), strings.ToLower(old),
		old+"}", "/**/"+old) + s[at[1]:]
}

// knownOddities are those that no chance need find.
func (g *oddReceipts) knownOddities() (out []string) {
	for k := range Kind(12) {
		r := g.l.openings[0]
		out = append(out, g.seal(clone(&r), k, nil))
	}
	honest := g.l.receipt(g.t, 6)
	bare := clone(honest)
	bare.Promise, bare.Checkpoint, bare.Inclusion = nil, nil, nil
	out = append(out, g.file(bare))
	s := strings.TrimSpace(g.file(honest))
	for _, anchor := range []string{
		"null", "{}", "[]", "5", `""`, `{"a":1,"a":1}`, "NaN", "-Infinity", "1e400", strings.Repeat("9", 6000),
		strings.Repeat("[", 20000), `{"version":1}`, "{},\"x\":2",
	} {
		out = append(out, s[:len(s)-1]+`,"anchor":`+anchor+"}")
	}
	late := clone(honest)
	late.Checkpoint, late.Inclusion, late.Timestamp = nil, nil, []byte("token")
	return append(out,
		"", " ", "\x00", "null", "[]", `"\"`+strings.Repeat(`\"`, 60000), strings.Repeat("[", 200000), s+s, s+"x", s+
			" \n", "\ufeff"+s, strings.ReplaceAll(s, ",", ",\r\n"),
		strings.Replace(s, testOrigin, `log.example\/decisions`, 1), strings.Replace(s, `"inclusion":[`,
			`"inclusion":[null,`, 1),
	)
}
