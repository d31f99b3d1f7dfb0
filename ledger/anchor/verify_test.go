// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"encoding/json"
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
	t.Parallel()
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

// TestVerifyNamesFailure: the check that has a reason to fail, and no other,
// refuses the proof, on fifty chains.
func TestVerifyNamesFailure(t *testing.T) {
	t.Parallel()
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

// TestLevels: each level needs its number of seals, or a pinned block.
func TestLevels(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
