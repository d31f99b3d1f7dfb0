// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
)

// verifyCase is a proof that was changed. want is the check that refuses it, "" if
// it is accepted.
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
