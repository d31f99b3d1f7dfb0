// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/ecdsa"

	"github.com/ethereum/go-ethereum/crypto"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

func testWorld(others int) (world, Checkpoint) {
	cp := Checkpoint{Checkpoint: ledger.Checkpoint{Origin: testOrigin, Size: 70_001,
		Root: assay.Sum("test\n", []byte("root"))}}
	return world{chainID: 5, logID: LogID(testOrigin), others: others, number: 99,
		head: Head{Root: cp.Root, Size: cp.Size, Anchors: 12, Publisher: testPublisher}}, cp
}

// testBlockTime is the time of testWorld's block.
var testBlockTime = time.Unix(1_700_000_099, 0)

// testKeys are the same in each run: failures can be repeated.
func testKeys(t testing.TB, n int) (keys []*ecdsa.PrivateKey, addrs []Address) {
	for i := range n {
		k, err := crypto.ToECDSA(crypto.Keccak256([]byte{byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
		addrs = append(addrs, Address(crypto.PubkeyToAddress(k.PublicKey)))
	}
	return keys, addrs
}

func encode(t testing.TB, p *Proof) []byte {
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func failed(r Result) Check {
	for _, f := range r.Findings {
		if !f.OK {
			return f.Check
		}
	}
	return ""
}

// TestVerifyAccepts walks tries of many shapes that go-ethereum built: the
// contract alone (its node is the root), inlined nodes, branches, extensions.
func TestVerifyAccepts(t *testing.T) {
	for _, others := range []int{0, 1, 2, 5, 20, 300} {
		for _, size := range []uint64{1, 1 << 40} {
			w, cp := testWorld(others)
			w.head.Size, cp.Size = size, size
			r := VerifyProof(encode(t, w.prove(t)), cp, Trust{})
			if r.Level != NotVouchedFor {
				t.Errorf("%d others, size %d: %s", others, size, r.Summary())
			}
			if r.Block != 99 || r.ChainID != 5 {
				t.Errorf("result %+v", r)
			}
		}
	}
}

// verifyCase is a proof with something done to it. want is the check that says
// so, "" if the proof is accepted.
type verifyCase struct {
	name  string
	edit  func(w *world, p *Proof, cp *Checkpoint, tr *Trust)
	want  Check
	level Level
}

func (c verifyCase) make(t testing.TB) ([]byte, Checkpoint, Trust) {
	return c.among(t, 20)
}

// among makes the case on a chain with so many other accounts.
func (c verifyCase) among(t testing.TB, others int) ([]byte, Checkpoint, Trust) {
	w, cp := testWorld(others)
	p, tr := w.prove(t), Trust{}
	c.edit(&w, p, &cp, &tr)
	return encode(t, p), cp, tr
}

// secondForm turns the last seal of a header, which ends in seals, a mixHash, a
// nonce and a base fee, into the other signature that the same key could give.
func secondForm(header []byte) {
	end := len(header) - (1 + 32) - (1 + 8) - 1
	s := new(big.Int).SetBytes(header[end-33 : end-1])
	s.Sub(crypto.S256().Params().N, s).FillBytes(header[end-33 : end-1])
	header[end-1] ^= 1
}

// verifyCases gives each check a reason to fail, and each level a reason to be
// given.
func verifyCases(t testing.TB) []verifyCase {
	keys, addrs := testKeys(t, 4)
	cases := []verifyCase{
		{"not vouched for", func(*world, *Proof, *Checkpoint, *Trust) {}, "", NotVouchedFor},
		{"not vouched for, chain, contract and publisher known", func(_ *world, p *Proof, _ *Checkpoint, tr *Trust) {
			tr.ChainID, tr.Contract, tr.Publisher = p.ChainID, p.Contract, p.Publisher
		}, "", NotVouchedFor},
		{"block known", func(_ *world, p *Proof, _ *Checkpoint, tr *Trust) {
			tr.Blocks = []Hash{{1}, p.Block}
		}, "", Pinned},
		{"sealed by three of four", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = keys, 3, addrs
			*p = *w.prove(t)
		}, "", Sealed},
		{"sealed, and no validator known", func(w *world, p *Proof, _ *Checkpoint, _ *Trust) {
			w.keys, w.sealers = keys, 4
			*p = *w.prove(t)
		}, "", NotVouchedFor},
		{"sealed, and block known", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = keys, 4, addrs
			*p = *w.prove(t)
			tr.Blocks = []Hash{p.Block}
		}, "", Pinned},
		{"version", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Version = 2 }, CheckFormat, ""},
		{"chain id", func(_ *world, _ *Proof, _ *Checkpoint, tr *Trust) { tr.ChainID = 6 }, CheckChain, ""},
		{"no chain id", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.ChainID = 0 }, CheckChain, ""},
		{"contract", func(_ *world, _ *Proof, _ *Checkpoint, tr *Trust) {
			tr.Contract = Address{1}
		}, CheckContract, ""},
		{"log of another origin", func(_ *world, _ *Proof, cp *Checkpoint, _ *Trust) {
			cp.Origin = "other"
		}, CheckLog, ""},
		{"header", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) {
			p.Header[len(p.Header)-1] ^= 1
		}, CheckHeader, ""},
		{"header cut", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Header = p.Header[:40] }, CheckHeader, ""},
		{"block hash", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Block[0] ^= 1 }, CheckHeader, ""},
		{"as old as clocks allow", func(_ *world, _ *Proof, cp *Checkpoint, _ *Trust) {
			cp.NotBefore = testBlockTime.Add(Allowance)
		}, "", NotVouchedFor},
		{"older than what it holds", func(_ *world, _ *Proof, cp *Checkpoint, _ *Trust) {
			cp.NotBefore = testBlockTime.Add(Allowance + time.Microsecond)
		}, CheckTime, ""},
		{"block known, older than what it holds", func(_ *world, p *Proof, cp *Checkpoint, tr *Trust) {
			cp.NotBefore, tr.Blocks = testBlockTime.Add(time.Hour), []Hash{p.Block}
		}, CheckTime, ""},
		{"seal kind", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Seal = "x" }, CheckFormat, ""},
		{"seals that are none", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) {
			p.Seal = SealQBFT
		}, CheckHeader, ""},
		{"another contract", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) {
			p.Contract[0] ^= 1
		}, CheckAccount, ""},
		{"account node", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Nodes[0][9] ^= 1 }, CheckAccount, ""},
		{"no nodes", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Nodes = nil }, CheckAccount, ""},
		{"code", func(_ *world, _ *Proof, _ *Checkpoint, tr *Trust) { tr.CodeHashes = []Hash{{1}} }, CheckCode, ""},
		{"storage node", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) {
			p.Nodes[len(p.Nodes)-1][3] ^= 1
		}, CheckStorage, ""},
		{"storage node missing", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) {
			p.Nodes = p.Nodes[:len(p.Nodes)-1]
		}, CheckStorage, ""},
		{"node too many", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) {
			p.Nodes = append(p.Nodes, p.Nodes[0])
		}, CheckStorage, ""},
		{"anchors", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Anchors++ }, CheckStorage, ""},
		{"publisher", func(_ *world, p *Proof, _ *Checkpoint, _ *Trust) { p.Publisher[0] ^= 1 }, CheckPublisher, ""},
		{"trusted publisher", func(_ *world, _ *Proof, _ *Checkpoint, tr *Trust) {
			tr.Publisher = Address{9}
		}, CheckPublisher, ""},
		{"size", func(_ *world, _ *Proof, cp *Checkpoint, _ *Trust) { cp.Size++ }, CheckHead, ""},
		{"root", func(_ *world, _ *Proof, cp *Checkpoint, _ *Trust) { cp.Root[31] ^= 1 }, CheckHead, ""},
		{"block not pinned", func(_ *world, _ *Proof, _ *Checkpoint, tr *Trust) {
			tr.Blocks = []Hash{{1}, {2}}
		}, CheckEvidence, ""},
		{"no seals", func(_ *world, _ *Proof, _ *Checkpoint, tr *Trust) { tr.Validators = addrs }, CheckEvidence, ""},
		{"too few seals", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = keys, 2, addrs
			*p = *w.prove(t)
		}, CheckEvidence, ""},
		{"a stranger's seal", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = keys, 4, addrs[:3]
			*p = *w.prove(t)
		}, CheckEvidence, ""},
		{"one seal three times", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = append(slices.Repeat(keys[:1], 3), keys[1:]...), 3, addrs
			*p = *w.prove(t)
		}, CheckEvidence, ""},
		{"a seal in its second form", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = keys, 4, addrs
			*p = *w.prove(t)
			secondForm(p.Header)
		}, CheckHeader, ""},
		{"a validator twice in trust", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators = keys, 4, append(addrs[:3:3], addrs[0])
			*p = *w.prove(t)
		}, CheckEvidence, ""},
		{"sealed, and not pinned", func(w *world, p *Proof, _ *Checkpoint, tr *Trust) {
			w.keys, w.sealers, tr.Validators, tr.Blocks = keys, 4, addrs, []Hash{{1}}
			*p = *w.prove(t)
		}, CheckEvidence, ""},
	}
	for i, c := range cases {
		if c.want != "" {
			cases[i].level = Refused
		}
	}
	return cases
}

// TestVerifyNamesFailure asks that the check that has a reason to fail, and no
// other, says so, on fifty chains.
func TestVerifyNamesFailure(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range verifyCases(t) {
		t.Run(c.name, func(t *testing.T) {
			const chains = 50
			for i := range chains {
				b, cp, tr := c.among(t, 20+i)
				if r := VerifyProof(b, cp, tr); r.Level != c.level || failed(r) != c.want {
					t.Errorf("among %d: level %q, failed check %q, want %q and %q: %+v", 20+i, r.Level, failed(r),
						c.level, c.want, r.Findings)
				}
			}
			if c.want != "" {
				t.Logf("| anchor proof | %s | %d | %d | 0 | verify: anchor/%s %d |", c.name, chains,
					chains, c.want, chains)
			}
		})
	}
}

// TestLevels holds each level to what it takes.
func TestLevels(t *testing.T) {
	for n := 1; n <= 7; n++ {
		keys, addrs := testKeys(t, n)
		need := (2*n + 2) / 3
		for sealers := 0; sealers <= n; sealers++ {
			w, cp := testWorld(3)
			w.keys, w.sealers = keys, sealers
			p := w.prove(t)
			r := VerifyProof(encode(t, p), cp,
				Trust{ChainID: 5, Contract: testContract, Publisher: testPublisher, Validators: addrs})
			if want := sealers >= need; r.Consistent() != want ||
				want && (r.Level != Sealed || r.Seals != sealers || r.Validators != n) {
				t.Errorf("%d of %d validators: %s", sealers, n, r.Summary())
			}
			r = VerifyProof(encode(t, p), cp, Trust{Blocks: []Hash{{1}, p.Block}})
			if r.Level != Pinned {
				t.Errorf("pinned: %s", r.Summary())
			}
		}
	}
	// n >= 3f+1 validators of which f are bad: a quorum has more good than bad.
	for n := 1; n < 100; n++ {
		if f := (n - 1) / 3; Quorum(n) <= 2*f || Quorum(n) > n {
			t.Errorf("quorum of %d is %d", n, Quorum(n))
		}
	}
}

// TestTamper flips each bit of each byte string of a proof, and each bit of its
// names: all are found, whatever the level.
func TestTamper(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	keys, addrs := testKeys(t, 4)
	for _, trust := range []Trust{{}, {Validators: addrs}} {
		w, cp := testWorld(8)
		if trust.Validators != nil {
			w.keys, w.sealers = keys, 4
		}
		p := w.prove(t)
		if r := VerifyProof(encode(t, p), cp, trust); !r.Consistent() {
			t.Fatal(r.Summary())
		}
		parts := [][]byte{p.Contract[:], p.LogID[:], p.Publisher[:], p.Block[:], p.Header}
		step := 1
		if trust.Validators == nil {
			parts = append(parts, p.Nodes...)
		} else {
			step = 5 // each seal costs a signature's check
		}
		n, by := 0, map[Check]int{}
		for i, part := range parts {
			for bit := 0; bit < 8*len(part); bit += step {
				part[bit/8] ^= 1 << (bit % 8)
				r := VerifyProof(encode(t, p), cp, trust)
				if r.Consistent() {
					t.Errorf("part %d, bit %d: %s", i, bit, r.Summary())
				}
				by[failed(r)]++
				part[bit/8] ^= 1 << (bit % 8)
				n++
			}
		}
		for i := range p.Nodes {
			for j := range i {
				p.Nodes[i], p.Nodes[j] = p.Nodes[j], p.Nodes[i]
				if r := VerifyProof(encode(t, p), cp, trust); r.Consistent() {
					t.Errorf("nodes %d and %d swapped: %s", i, j, r.Summary())
				}
				p.Nodes[i], p.Nodes[j] = p.Nodes[j], p.Nodes[i]
			}
		}
		if r := VerifyProof(encode(t, p), cp, trust); !r.Consistent() {
			t.Fatal(r.Summary())
		}
		for _, c := range slices.Sorted(maps.Keys(by)) {
			t.Logf("| anchor proof | bit flipped | %d | %d | 0 | verify: anchor/%s %d |", by[c], by[c], c, by[c])
		}
		t.Logf("%d bits flipped, all found", n)
	}
}

// TestTamperText flips each bit of the text of a proof. The chain is known to
// the verifier: nothing in a block says which chain it is of.
func TestTamperText(t *testing.T) {
	w, cp := testWorld(2)
	b, err := json.MarshalIndent(w.prove(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if r := VerifyProof(b, cp, Trust{ChainID: 5}); !r.Consistent() {
		t.Fatal(r.Summary())
	}
	for bit := range 8 * len(b) {
		b[bit/8] ^= 1 << (bit % 8)
		if r := VerifyProof(b, cp, Trust{ChainID: 5}); r.Consistent() {
			t.Errorf("bit %d, now %q", bit, b[max(0, bit/8-20):min(len(b), bit/8+20)])
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// TestProofCutShort cuts and extends the JSON at each place.
func TestProofCutShort(t *testing.T) {
	w, cp := testWorld(2)
	b := encode(t, w.prove(t))
	for n := range b {
		if r := VerifyProof(b[:n], cp, Trust{}); r.Consistent() {
			t.Fatalf("cut to %d of %d bytes: %s", n, len(b), r.Summary())
		}
	}
	for _, more := range []string{"{}", "x", "\x00"} {
		if r := VerifyProof(append(bytes.Clone(b), more...), cp, Trust{}); r.Consistent() {
			t.Fatalf("with %q after it: %s", more, r.Summary())
		}
	}
	if r := VerifyProof(bytes.Replace(b, []byte(`{"version"`), []byte(`{"more":1,"version"`), 1), cp,
		Trust{}); r.Consistent() {
		t.Fatal("an unknown field was accepted")
	}
	if r := VerifyProof(bytes.Repeat([]byte(" "), MaxProofBytes+1), cp, Trust{}); failed(r) != CheckFormat {
		t.Fatal("a proof without bounds was read")
	}
}

func FuzzVerifyProof(f *testing.F) {
	w, cp := testWorld(8)
	f.Add(encode(f, w.prove(f)))
	w.keys, _ = testKeys(f, 4)
	w.sealers = 3
	f.Add(encode(f, w.prove(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := VerifyProof(b, cp, Trust{ChainID: 5})
		if r.Consistent() != (failed(r) == "") {
			t.Fatalf("level %q with findings %+v", r.Level, r.Findings)
		}
		_ = r.Summary()
	})
}

// FuzzTrieWalk gives the walk nodes that nobody built.
func FuzzTrieWalk(f *testing.F) {
	w, _ := testWorld(8)
	for _, n := range w.prove(f).Nodes {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, node []byte) {
		_, _ = newNodeList([][]byte{node}).lookup(keccak(node), []byte("key"))
		_, _ = parseHeader(node)
	})
}

// TestVerifierDependencies keeps the verification half small: no network, no
// node, no trie database, and of go-ethereum what hashes, signs and decodes.
func TestVerifierDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list cannot be run here: %v", err)
	}
	allowed := []string{
		"github.com/assayrisk/assay", "github.com/assayrisk/assay/internal/bounded",
		"github.com/assayrisk/assay/ledger",
		"github.com/transparency-dev/formats/log", "golang.org/x/mod/sumdb/note", // checkpoints
		"github.com/ethereum/go-ethereum/common", "github.com/ethereum/go-ethereum/common/hexutil",
		"github.com/ethereum/go-ethereum/common/math",
		"github.com/ethereum/go-ethereum/crypto", "github.com/ethereum/go-ethereum/crypto/keccak",
		"github.com/ethereum/go-ethereum/crypto/secp256k1",
		"github.com/ethereum/go-ethereum/rlp", "github.com/ethereum/go-ethereum/rlp/internal/rlpstruct",
		"github.com/fxamacker/cbor/v2", "github.com/holiman/uint256", "github.com/x448/float16", "golang.org/x/sys/cpu",
		"github.com/decred/dcrd/dcrec/secp256k1/v4", "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa", // without cgo
		"github.com/transparency-dev/merkle", "github.com/transparency-dev/merkle/compact",
		"github.com/transparency-dev/merkle/proof", "github.com/transparency-dev/merkle/rfc6962",
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "net" || strings.HasPrefix(dep, "net/") && dep != "net/url" && dep != "net/netip" {
			t.Errorf("%s is a network package", dep)
		}
		host, _, _ := strings.Cut(dep, "/")
		if strings.Contains(host, ".") && !strings.HasPrefix(dep, "github.com/assayrisk/assay/ledger/anchor") &&
			!slices.Contains(allowed, dep) {
			t.Errorf("%s is not on the list of what the verifier may link", dep)
		}
	}
}

func BenchmarkVerifyProof(b *testing.B) {
	keys, addrs := testKeys(b, 4)
	for _, c := range []struct {
		name  string
		trust Trust
	}{{"not vouched for", Trust{}}, {"qbft 4 validators", Trust{Validators: addrs}}} {
		b.Run(c.name, func(b *testing.B) {
			w, cp := testWorld(300)
			if c.trust.Validators != nil {
				w.keys, w.sealers = keys, 4
			}
			p := encode(b, w.prove(b))
			b.ReportMetric(float64(len(p)), "proof-bytes")
			for b.Loop() {
				if r := VerifyProof(p, cp, c.trust); !r.Consistent() {
					b.Fatal(r.Summary())
				}
			}
		})
	}
}
