// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	assay "github.com/assayrisk/assay"
)

// testLog is a log in memory with a fixed key, whose group tree is its tree.
type testLog struct {
	key    Key
	vkey   string
	skey   string
	signer ed25519.PrivateKey
	group  GroupTree
	leaves []Leaf
	open   []assay.Receipt // openings of each leaf
}

const testOrigin = "log.example/decisions"

func newTestLog(t testing.TB, n int) *testLog {
	t.Helper()
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	l := &testLog{signer: ed25519.NewKeyFromSeed(seed)}
	l.key = NewKey(testOrigin, l.signer.Public().(ed25519.PublicKey))
	l.vkey = l.key.String()
	l.skey = fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", testOrigin, l.key.Hash,
		base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, seed...)))
	var hashes []assay.Digest
	for i := range n {
		r := assay.Receipt{Version: ReceiptVersion, Log: testOrigin, Index: uint64(i)}
		x := assay.Vector{Plan: assay.Sum("plan\n"), Values: []float64{float64(i), 0.25, -3}}
		d := assay.Decision{
			Version: 1, Sequence: uint64(i), RequestID: fmt.Sprintf("request-%d", i),
			EventID: fmt.Sprintf("event-%d", i),
			Micros:  1_700_000_000_000_000 + int64(i), Outcome: assay.Decline,
			Score: assay.Score{Model: assay.Sum("model\n"), Margin: 0.75, PD: 0.68, Points: 480, Grade: "E"},
			Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(), Rules: []string{"cut-off"},
			Reasons: []assay.Reason{{Code: "R1", Text: "Short history.", Contribution: 0.5}},
		}
		r.Decision, _ = d.MarshalBinary()
		r.Vector = x.AppendBinary(nil)
		kd, kv := assay.Sum("kd", []byte{byte(i), byte(i >> 8)}), assay.Sum("kv", []byte{byte(i), byte(i >> 8)})
		r.DecisionKey, r.VectorKey = kd[:], kv[:]
		leaf := Leaf{Version: 1, Micros: d.Micros, Kind: Decision, Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
			Decision: CommitDecision(r.DecisionKey, r.Decision), Vector: CommitVector(r.VectorKey, r.Vector)}
		r.Leaf = leaf.AppendBinary(nil)
		l.leaves, l.open = append(l.leaves, leaf), append(l.open, r)
		hashes = append(hashes, HashLeaf(r.Leaf))
	}
	l.group.Reset(hashes)
	return l
}

func (l *testLog) sign(t testing.TB, text string) []byte {
	t.Helper()
	s, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	b, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// receipt makes the receipt of leaf i: the whole log is one commit group.
func (l *testLog) receipt(t testing.TB, i int) *assay.Receipt {
	t.Helper()
	r := l.open[i]
	path := l.group.AppendPath(nil, i)
	p := Promise{Sequence: uint64(i), LeafHash: HashLeaf(r.Leaf), Count: uint32(len(l.leaves)), Path: path}
	copy(p.Signature[:], ed25519.Sign(l.signer, PromiseMessage(testOrigin, 0, p.Count, l.group.Root())))
	r.Promise = p.AppendBinary(nil)
	for _, h := range path {
		r.Inclusion = append(r.Inclusion, bytes.Clone(h[:]))
	}
	r.Checkpoint = l.sign(t, Checkpoint{Origin: testOrigin, Size: uint64(len(l.leaves)), Root: l.group.Root()}.String())
	return &r
}

func TestVerifyHonestReceipts(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 8, 100} {
		l := newTestLog(t, n)
		for i := range n {
			fs := Verify(l.receipt(t, i), Trust{LogKey: l.vkey})
			if !OK(fs) || len(fs) != 6 {
				t.Fatalf("leaf %d of %d: %v", i, n, fs)
			}
		}
	}
}

// clone copies a receipt deeply.
func clone(r *assay.Receipt) *assay.Receipt {
	c := *r
	for _, p := range []*[]byte{&c.Decision, &c.Vector, &c.DecisionKey, &c.VectorKey, &c.Leaf,
		&c.Promise, &c.Checkpoint} {
		*p = bytes.Clone(*p)
	}
	c.Inclusion = nil
	for _, h := range r.Inclusion {
		c.Inclusion = append(c.Inclusion, bytes.Clone(h))
	}
	return &c
}

// refusedAt returns the first refused step, "" if none.
func refusedAt(fs []Finding) string {
	for _, f := range fs {
		if f.State == Refused {
			return f.Step
		}
	}
	return ""
}

func TestEveryByteOfAReceiptCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := newTestLog(t, 11)
	r := l.receipt(t, 6)
	parts := []struct {
		name string
		part func(*assay.Receipt) []byte
		step []string // the steps that may be the first to refuse
	}{
		{"decision", func(r *assay.Receipt) []byte { return r.Decision }, []string{StepDecision}},
		{"vector", func(r *assay.Receipt) []byte { return r.Vector }, []string{StepVector}},
		{"decision key", func(r *assay.Receipt) []byte { return r.DecisionKey }, []string{StepDecision}},
		{"vector key", func(r *assay.Receipt) []byte { return r.VectorKey }, []string{StepVector}},
		{"leaf", func(r *assay.Receipt) []byte {
			return r.Leaf
		}, []string{StepLeaf, StepDecision, StepVector, StepPromise}},
		{"promise", func(r *assay.Receipt) []byte { return r.Promise }, []string{StepPromise}},
		{"inclusion 0", func(r *assay.Receipt) []byte { return r.Inclusion[0] }, []string{StepInclusion}},
		{"inclusion last", func(r *assay.Receipt) []byte {
			return r.Inclusion[len(r.Inclusion)-1]
		}, []string{StepInclusion}},
		{"checkpoint", func(r *assay.Receipt) []byte { return r.Checkpoint }, []string{StepCheckpoint}},
	}
	for _, p := range parts {
		by := map[string]int{}
		for i := range p.part(r) {
			for bit := range 8 {
				c := clone(r)
				p.part(c)[i] ^= 1 << bit
				fs := Verify(c, Trust{LogKey: l.vkey})
				step := refusedAt(fs)
				if !slices.Contains(p.step, step) {
					t.Fatalf("%s: bit %d of byte %d flipped: first refused step %q, want one of %q\n%v", p.name,
						bit, i, step, p.step, fs)
				}
				by[step]++
			}
		}
		for _, s := range slices.Sorted(maps.Keys(by)) {
			t.Logf("| receipt: %s | bit flipped | %d | %d | 0 | verify: %s %d |",
				strings.TrimSuffix(strings.TrimSuffix(p.name, " 0"), " last"), by[s], by[s], s, by[s])
		}
		for n := range p.part(r) { // cut short anywhere
			c := clone(r)
			switch p.name {
			case "decision":
				c.Decision = c.Decision[:n]
			case "vector":
				c.Vector = c.Vector[:n]
			case "leaf":
				c.Leaf = c.Leaf[:n]
			case "promise":
				c.Promise = c.Promise[:n]
			case "checkpoint":
				c.Checkpoint = c.Checkpoint[:n]
			default:
				continue
			}
			if n == 0 && (p.name == "promise" || p.name == "checkpoint") {
				continue // absent, not tampered: TestAbsentParts
			}
			if OK(Verify(c, Trust{LogKey: l.vkey})) {
				t.Fatalf("%s cut to %d bytes was accepted", p.name, n)
			}
		}
	}
}

// TestEveryByteOfAReceiptFileCounts flips each bit of the file itself.
func TestEveryByteOfAReceiptFileCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := newTestLog(t, 5)
	file, err := MarshalReceipt(l.receipt(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ParseReceipt(file); err != nil || !OK(Verify(r, Trust{LogKey: l.vkey})) {
		t.Fatalf("the honest file is refused: %v", err)
	}
	for i := range file {
		for bit := range 8 {
			b := bytes.Clone(file)
			b[i] ^= 1 << bit
			r, err := ParseReceipt(b)
			if err == nil && OK(Verify(r, Trust{LogKey: l.vkey})) {
				t.Fatalf("bit %d of byte %d (%q) flipped: accepted", bit, i, file[max(0, i-12):i+1])
			}
		}
	}
}

// forged is how many receipts each lie is told about.
const forged = 50

// TestForgeries are whole lies, each with valid signatures where a liar could
// have them, each about fifty receipts.
func TestForgeries(t *testing.T) {
	l := newTestLog(t, forged+6)
	other := newTestLog(t, forged+8) // the same log key over another tree: a fork
	stranger := NewKey(testOrigin, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey))
	elsewhere := NewKey("other.example/log", l.key.Public)
	tests := []struct {
		name string
		lie  func(r *assay.Receipt, i, j int) (key string) // r is of record i, j is another
		step string
	}{
		{"another log's key", func(r *assay.Receipt, i, j int) string { return stranger.String() }, StepPromise},
		{"another origin, same key", func(r *assay.Receipt, i, j int) string {
			return elsewhere.String()
		}, StepReceipt},
		{"wrong origin in the receipt", func(r *assay.Receipt, i, j int) string {
			r.Log = "x" + r.Log
			return l.vkey
		}, StepReceipt},
		{"proof of another leaf", func(r *assay.Receipt, i, j int) string {
			r.Inclusion = l.receipt(t, j).Inclusion
			return l.vkey
		}, StepInclusion},
		{"another index", func(r *assay.Receipt, i, j int) string { r.Index = uint64(j); return l.vkey }, StepLeaf},
		{"another leaf", func(r *assay.Receipt, i, j int) string {
			r.Leaf = l.open[j].Leaf
			return l.vkey
		}, StepDecision},
		{"another record's openings", func(r *assay.Receipt, i, j int) string {
			o := l.open[j]
			r.Decision, r.Vector, r.DecisionKey, r.VectorKey = o.Decision, o.Vector, o.DecisionKey, o.VectorKey
			return l.vkey
		}, StepDecision},
		{"promise of another leaf", func(r *assay.Receipt, i, j int) string {
			r.Promise = l.receipt(t, j).Promise
			return l.vkey
		}, StepPromise},
		{"checkpoint of a fork", func(r *assay.Receipt, i, j int) string {
			r.Checkpoint = other.receipt(t, i).Checkpoint
			return l.vkey
		}, StepInclusion},
		{"older checkpoint", func(r *assay.Receipt, i, j int) string {
			r.Checkpoint = newTestLog(t, i+1).receipt(t, i).Checkpoint
			return l.vkey
		}, StepInclusion},
		{"proof dropped", func(r *assay.Receipt, i, j int) string { r.Inclusion = nil; return l.vkey }, StepInclusion},
		{"proof too long", func(r *assay.Receipt, i, j int) string {
			r.Inclusion = append(r.Inclusion, make([]byte, 32))
			return l.vkey
		}, StepInclusion},
		{"checkpoint dropped", func(r *assay.Receipt, i, j int) string {
			r.Checkpoint = nil
			return l.vkey
		}, StepInclusion},
		{"checkpoint used as a promise", func(r *assay.Receipt, i, j int) string {
			r.Promise = r.Checkpoint
			return l.vkey
		}, StepPromise},
		{"key cut", func(r *assay.Receipt, i, j int) string {
			r.DecisionKey = r.DecisionKey[:31]
			return l.vkey
		}, StepDecision},
		{"version 2", func(r *assay.Receipt, i, j int) string { r.Version = 2; return l.vkey }, StepReceipt},
		{"no key", func(r *assay.Receipt, i, j int) string { return "" }, StepReceipt},
		{"a decision that the leaf commits to, with another leaf's words", func(r *assay.Receipt, i, j int) string {
			d, err := assay.ParseDecision(r.Decision)
			if err != nil {
				t.Fatal(err)
			}
			d.Outcome = assay.Approve
			d.Policy = assay.Sum("other\n")
			r.Decision, _ = d.MarshalBinary()
			leaf := l.leaves[i]
			leaf.Decision = CommitDecision(r.DecisionKey, r.Decision)
			r.Leaf = leaf.AppendBinary(nil)
			return l.vkey
		}, StepLeaf},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range forged {
				r := clone(l.receipt(t, i))
				fs := Verify(r, Trust{LogKey: tt.lie(r, i, i+1+i%5)})
				if step := refusedAt(fs); step != tt.step {
					t.Fatalf("record %d: first refused step %q, want %q\n%v", i, step, tt.step, fs)
				}
				if OK(fs) {
					t.Fatalf("record %d: accepted", i)
				}
			}
			t.Logf("| receipt | %s | %d | %d | 0 | verify: %s %d |", tt.name, forged, forged, tt.step, forged)
		})
	}
}

func TestAbsentParts(t *testing.T) {
	l := newTestLog(t, 4)
	r := l.receipt(t, 2)
	r.Checkpoint, r.Inclusion = nil, nil // promised, not yet published
	if fs := Verify(r, Trust{LogKey: l.vkey}); !OK(fs) || fs[len(fs)-1].State != Absent {
		t.Fatalf("a promise alone: %v", fs)
	}
	r = l.receipt(t, 2)
	r.Promise = nil
	if fs := Verify(r, Trust{LogKey: l.vkey}); !OK(fs) {
		t.Fatalf("without a promise: %v", fs)
	}
	r.Checkpoint, r.Inclusion = nil, nil // openings and a leaf that anybody can make
	if fs := Verify(r, Trust{LogKey: l.vkey}); OK(fs) || refusedAt(fs) != StepReceipt {
		t.Fatalf("without a word of the log: %v", fs)
	}
}

// TestCheckpointSpelling holds the log itself to the one spelling of what it
// signs, and every signature line to that of base64.
func TestCheckpointSpelling(t *testing.T) {
	l := newTestLog(t, 11)
	body := Checkpoint{Origin: testOrigin, Size: 11, Root: l.group.Root()}.String()
	lines := strings.SplitAfter(body, "\n")
	signed := l.sign(t, body)
	sig := string(signed[len(body)+1:])
	loose := loosen(sig)
	for _, c := range []struct {
		name, note string
		ok         bool
	}{
		{"as it is", string(signed), true},
		{"with more lines", string(l.sign(t, body+"more\n")), true},
		{"signed twice over", string(signed) + sig, true},
		{"size with a zero before it", string(l.sign(t, lines[0]+"0"+lines[1]+lines[2])), false},
		{"root with unused bits set", string(l.sign(t, lines[0]+lines[1]+loosen(lines[2]))), false},
		{"signature with unused bits set", body + "\n" + loose, false},
		{"signature again, with unused bits set", string(signed) + loose, false},
	} {
		if _, err := ParseCheckpoint([]byte(c.note), l.vkey); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// loosen sets an unused bit of a base64 line that ends in one "=".
func loosen(s string) string {
	at := strings.Index(s, "=") - 1
	return s[:at] + string(s[at]+1) + s[at+1:]
}

// TestAnchorWhiteSpace reads an anchor's bytes without the white space that its
// bound is not meant for.
func TestAnchorWhiteSpace(t *testing.T) {
	r := newTestLog(t, 3).receipt(t, 1)
	r.Anchor = []byte(`{"version":1,"seal":"a b"}`)
	b, err := MarshalReceipt(r)
	if err != nil {
		t.Fatal(err)
	}
	wide := bytes.Replace(b, []byte(`"seal"`), []byte("\n\t  \"seal\""), 1)
	got, err := ParseReceipt(wide)
	if err != nil || !bytes.Equal(got.Anchor, r.Anchor) {
		t.Errorf("anchor %s, %v", got.Anchor, err)
	}
}

// TestWitnessTrust refuses a trust that lets one cosignature count for two, or
// none suffice, and says when there was nothing to cosign.
func TestWitnessTrust(t *testing.T) {
	l := newTestLog(t, 3)
	signer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	raw := append([]byte{algCosignature}, signer.Public().(ed25519.PublicKey)...)
	key := func(name string) string {
		return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, raw), base64.StdEncoding.EncodeToString(raw))
	}
	r := l.receipt(t, 1)
	body := Checkpoint{Origin: testOrigin, Size: 3, Root: l.group.Root()}.String()
	for _, name := range []string{"w.example/a", "w.example/b"} {
		sig := binary.BigEndian.AppendUint32(nil, keyHash(name, raw))
		sig = binary.BigEndian.AppendUint64(sig, 1_700_000_000)
		sig = append(sig, ed25519.Sign(signer, CosignatureMessage(body, 1_700_000_000))...)
		r.Checkpoint = fmt.Appendf(r.Checkpoint, "\u2014 %s %s\n", name, base64.StdEncoding.EncodeToString(sig))
	}
	for _, c := range []struct {
		name  string
		trust Trust
		state State
	}{
		{"one", Trust{Witnesses: []string{key("w.example/a")}}, Proven},
		{"the same twice", Trust{Witnesses: []string{key("w.example/a"), key("w.example/a")}, Quorum: 2}, Refused},
		{"one key under two names", Trust{Witnesses: []string{key("w.example/a"), key("w.example/b")}}, Refused},
		{"a quorum below nothing", Trust{Witnesses: []string{key("w.example/c")}, Quorum: -1}, Refused},
		{"one that did not cosign", Trust{Witnesses: []string{key("w.example/c")}}, Refused},
	} {
		c.trust.LogKey = l.vkey
		fs := Verify(r, c.trust)
		if f := fs[len(fs)-1]; f.Step != StepWitness || f.State != c.state {
			t.Errorf("%s: %v", c.name, f)
		}
	}
	r.Checkpoint, r.Inclusion = nil, nil
	fs := Verify(r, Trust{LogKey: l.vkey, Witnesses: []string{key("w.example/a")}})
	if f := fs[len(fs)-1]; f.Step != StepWitness || f.State != Absent {
		t.Errorf("without a checkpoint: %v", fs)
	}
}

// TestGroupIsRFC6962 compares the group's tree with the library's proofs.
func TestGroupIsRFC6962(t *testing.T) {
	var g GroupTree
	for n := 1; n <= 70; n++ {
		leaves := make([]assay.Digest, n)
		for i := range leaves {
			binary.BigEndian.PutUint32(leaves[i][:], uint32(i*n))
		}
		g.Reset(leaves)
		root := g.Root()
		for i := range leaves {
			var path [][]byte
			for _, h := range g.AppendPath(nil, i) {
				path = append(path, bytes.Clone(h[:]))
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), uint64(n), leaves[i][:],
				path, root[:]); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
		}
	}
}

func TestLeafIsCanonicalCBOR(t *testing.T) {
	for _, us := range []int64{0, 1, 23, 24, 255, 256, 65535, 65536, 1 << 32, 1<<63 - 1, -1, -24, -25, -1 << 63} {
		for k := Decision; k <= Failed; k++ {
			l := Leaf{Version: 1, Micros: us, Kind: k, Model: assay.Sum("m"), Decision: assay.Sum("d"),
				Vector: assay.Sum("v")}
			want, err := assay.MarshalCBOR(&l)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.AppendBinary(nil); !bytes.Equal(got, want) {
				t.Fatalf("micros %d, kind %d:\n got %x\nwant %x", us, k, got, want)
			}
			back, err := ParseLeaf(want)
			if err != nil || back != l {
				t.Fatalf("back: %+v, %v", back, err)
			}
		}
	}
}

func TestCommitIsHMAC(t *testing.T) {
	for _, n := range []int{0, 1, 100, 1900, 5000} {
		for _, k := range []int{0, 32, 64, 65} {
			key, data := bytes.Repeat([]byte{5}, k), bytes.Repeat([]byte{6}, n)
			m := hmac.New(sha256.New, key)
			m.Write([]byte(vectorTag))
			m.Write(data)
			if got := CommitVector(key, data); !bytes.Equal(got[:], m.Sum(nil)) {
				t.Errorf("key of %d bytes, data of %d", k, n)
			}
		}
	}
}

func TestHashesAreRFC6962(t *testing.T) {
	for _, n := range []int{0, 1, 100, MaxLeafBytes, MaxLeafBytes + 1} {
		b := bytes.Repeat([]byte{3}, n)
		if h := HashLeaf(b); !bytes.Equal(h[:], rfc6962.DefaultHasher.HashLeaf(b)) {
			t.Errorf("leaf of %d bytes", n)
		}
	}
	a, b := assay.Sum("a"), assay.Sum("b")
	if h := HashChildren(&a, &b); !bytes.Equal(h[:], rfc6962.DefaultHasher.HashChildren(a[:], b[:])) {
		t.Error("children")
	}
}

func TestParseKey(t *testing.T) {
	l := newTestLog(t, 1)
	if k, err := ParseKey(l.vkey + "\n"); err != nil || k.String() != l.vkey {
		t.Fatalf("%v, %v", k, err)
	}
	for _, s := range []string{"", "a", "a+b", "a+b+c", testOrigin + "+00000000+" + l.vkey[len(l.vkey)-44:],
		"x" + l.vkey, l.vkey + "A", "assay/promise/v1" + l.vkey[len(testOrigin):], "a b" + l.vkey[len(testOrigin):]} {
		if _, err := ParseKey(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	l := newTestLog(b, 4096)
	file, err := MarshalReceipt(l.receipt(b, 1234))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := ParseReceipt(file)
		if err != nil || !OK(Verify(r, Trust{LogKey: l.vkey})) {
			b.Fatal("refused")
		}
	}
	b.ReportMetric(float64(len(file)), "bytes/receipt")
}
