// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/assayrisk/assay/ledger/anchor"
)

// Block is a block that nobody mined: the contract alone in its state, and one
// log in its storage. Whoever has a receipt can make one; only its seals need keys.
type Block struct {
	ChainID    uint64
	Contract   anchor.Address
	Publisher  anchor.Address
	Number     uint64
	Time       time.Time
	Validators int // in the header, and
	Sealed     int // how many of them sealed it; both zero: no seals
}

// Validators returns the addresses of the first n validators.
func Validators(n int) (out []anchor.Address) {
	for i := range n {
		out = append(out, anchor.Address(crypto.PubkeyToAddress(validator(i).PublicKey)))
	}
	return out
}

func validator(i int) *ecdsa.PrivateKey {
	return must(crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "validator %d", i))))
}

// Proof shows the log's head in the block.
func (b Block) Proof(cp anchor.Checkpoint) *anchor.Proof {
	id := anchor.LogID(cp.Origin)
	packed := binary.BigEndian.AppendUint32(nil, 1)
	packed = binary.BigEndian.AppendUint64(packed, cp.Size)
	packed = append(packed, b.Publisher[:]...)
	slots := anchor.LogSlots(id)
	storage, nodes := pairTrie(slots[0][:], cp.Root[:], slots[1][:], packed)
	account := list(text([]byte{1}), text(nil), text(storage), text(anchor.RegistryCodeHash[:]))
	leaf := list(text(compactPath(nibbles(crypto.Keccak256(b.Contract[:])), true)), text(account))
	p := &anchor.Proof{
		Version: anchor.ProofVersion, ChainID: b.ChainID, Contract: b.Contract, LogID: id,
		Anchors: 1, Publisher: b.Publisher,
		Seal: anchor.SealNone, Nodes: append([][]byte{leaf}, nodes...),
	}
	p.Header = b.header(crypto.Keccak256(leaf), nil)
	p.Block = anchor.Hash(crypto.Keccak256Hash(p.Header))
	if b.Validators > 0 {
		p.Seal = anchor.SealQBFT
		p.Block = anchor.Hash(crypto.Keccak256Hash(b.header(crypto.Keccak256(leaf), b.extra(0, nil))))
		digest := crypto.Keccak256(b.header(crypto.Keccak256(leaf), b.extra(3, nil)))
		var seals [][]byte
		for i := range b.Sealed {
			seals = append(seals, text(must(crypto.Sign(digest, validator(i)))))
		}
		p.Header = b.header(crypto.Keccak256(leaf), b.extra(3, seals))
	}
	return p
}

// header is the RLP of a header with 16 fields, of which verifiers read five.
func (b Block) header(state, extra []byte) []byte {
	fields := make([][]byte, 16)
	for i := range fields {
		fields[i] = text(nil)
	}
	fields[3], fields[8] = text(state), number(b.Number)
	fields[11], fields[12] = number(uint64(b.Time.Unix())), text(extra)
	return list(fields...)
}

// extra is QBFT's extraData: vanity, validators, vote, round, seals.
func (b Block) extra(round uint64, seals [][]byte) []byte {
	var names [][]byte
	for _, v := range Validators(b.Validators) {
		names = append(names, text(v[:]))
	}
	return list(text(make([]byte, 32)), list(names...), list(), number(round), list(seals...))
}

// pairTrie is a Merkle Patricia trie of two values: its root, and its nodes in
// the order in which a walk to the first and then to the second needs them.
func pairTrie(k0, v0, k1, v1 []byte) (root []byte, nodes [][]byte) {
	p0, p1 := nibbles(crypto.Keccak256(k0)), nibbles(crypto.Keccak256(k1))
	at := 0
	for p0[at] == p1[at] {
		at++
	}
	leaf := func(path, v []byte) []byte {
		return list(text(compactPath(path[at+1:], true)), text(text(bytes.TrimLeft(v, "\x00"))))
	}
	l0, l1 := leaf(p0, v0), leaf(p1, v1)
	branch := make([][]byte, 17)
	for i := range branch {
		branch[i] = text(nil)
	}
	branch[p0[at]], branch[p1[at]] = text(crypto.Keccak256(l0)), text(crypto.Keccak256(l1))
	top := list(branch...)
	nodes = [][]byte{top, l0, l1}
	if at > 0 {
		top = list(text(compactPath(p0[:at], false)), text(crypto.Keccak256(top)))
		nodes = append([][]byte{top}, nodes...)
	}
	return crypto.Keccak256(top), nodes
}

func nibbles(b []byte) (out []byte) {
	for _, c := range b {
		out = append(out, c>>4, c&15)
	}
	return out
}

// compactPath is the hex-prefix encoding of the yellow paper, appendix C.
func compactPath(path []byte, leaf bool) []byte {
	var flag byte
	if leaf {
		flag = 2
	}
	if len(path)%2 == 1 {
		path = append([]byte{flag + 1}, path...)
	} else {
		path = append([]byte{flag, 0}, path...)
	}
	out := make([]byte, len(path)/2)
	for i := range out {
		out[i] = path[2*i]<<4 | path[2*i+1]
	}
	return out
}

func text(b []byte) []byte   { return must(rlp.EncodeToBytes(b)) }
func number(n uint64) []byte { return must(rlp.EncodeToBytes(n)) }

func list(items ...[]byte) []byte {
	raw := make([]rlp.RawValue, len(items))
	for i, b := range items {
		raw[i] = b
	}
	return must(rlp.EncodeToBytes(raw))
}
