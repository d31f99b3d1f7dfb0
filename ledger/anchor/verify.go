// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"fmt"
	"slices"
	"time"
)

// Trust is what the verifier of a proof knows from elsewhere. Without blocks or
// validators, a proof that agrees with itself is [NotVouchedFor]: whoever has a
// receipt can make one, without a key and without a chain.
type Trust struct {
	ChainID   uint64  `json:"chain_id,omitempty"` // the chain that must be named, 0 = any
	Contract  Address `json:"contract,omitzero"`  // the contract that must be named, zero = any
	Publisher Address `json:"publisher,omitzero"` // the key that must have anchored, zero = any
	// Keccak-256 of contracts that are trusted to refuse forks; none = RegistryCodeHash
	CodeHashes []Hash `json:"code_hashes,omitempty"`
	// hashes of blocks known to be final, from a node of one's own or from print
	Blocks     []Hash    `json:"blocks,omitempty"`
	Validators []Address `json:"validators,omitempty"` // the QBFT validators at the time of the block, all of them
}

// RegistryCodeHash is Keccak-256 of the runtime code of AnchorRegistry.sol as
// this version of the project compiles it. TestArtefactCodeHash compares the two.
var RegistryCodeHash = Hash{
	0xc0, 0x15, 0x02, 0x63, 0x49, 0x10, 0x9e, 0xc6, 0x25, 0xc1, 0x99, 0xe7, 0x0f, 0xc0, 0x30, 0x78,
	0x23, 0x47, 0x62, 0xf8, 0x74, 0xc4, 0x7f, 0x8d, 0x59, 0x03, 0x1c, 0x3b, 0x7c, 0x76, 0xeb, 0x89,
}

// Level says who vouches for the block that a proof leads to.
type Level string

// The levels, from none to most.
const (
	Refused       Level = "refused"         // a check failed
	NotVouchedFor Level = "not vouched for" // nobody: anybody could have made it
	Sealed        Level = "sealed"          // a quorum of the trusted validators
	Pinned        Level = "pinned"          // the verifier, who knew the block's hash
)

// Check names one check of VerifyProof.
type Check string

// The checks, in the order in which they are made.
const (
	CheckFormat    Check = "format"    // the proof can be read
	CheckChain     Check = "chain"     // it names the trusted chain
	CheckContract  Check = "contract"  // it names the trusted contract
	CheckLog       Check = "log"       // it names the checkpoint's log
	CheckHeader    Check = "header"    // the header has the block's hash
	CheckTime      Check = "time"      // the block is no older than what it holds
	CheckAccount   Check = "account"   // the header's state holds the contract
	CheckCode      Check = "code"      // the contract is a known one
	CheckStorage   Check = "storage"   // the contract's storage holds the log's head
	CheckPublisher Check = "publisher" // the named, trusted key anchored it
	CheckHead      Check = "head"      // the head is the checkpoint
	CheckEvidence  Check = "evidence"  // who vouches for the block
)

// Finding is the outcome of one check, in a sentence for people.
type Finding struct {
	Check Check  `json:"check"`
	OK    bool   `json:"ok"`
	Text  string `json:"text"`
}

// Result is what VerifyProof found.
type Result struct {
	Level      Level     `json:"level"`
	Findings   []Finding `json:"findings"` // in order; the last one is the failure, if there is one
	ChainID    uint64    `json:"chain_id"`
	Block      uint64    `json:"block"`                // number of the block
	BlockHash  Hash      `json:"block_hash"`           // its hash
	Time       time.Time `json:"time"`                 // its time, by its maker's clock
	Seals      int       `json:"seals,omitempty"`      // trusted validators that sealed it
	Validators int       `json:"validators,omitempty"` // trusted validators in all
}

// Consistent reports whether every check passed: the proof agrees with itself,
// with the checkpoint and with the trust. Level says what that is worth.
func (r *Result) Consistent() bool { return r.Level != Refused && r.Level != "" }

// Proven reports whether somebody who is trusted vouches for the block.
func (r *Result) Proven() bool { return r.Level == Sealed || r.Level == Pinned }

// Summary is one line: "anchored (3 of 4 validators) in block 99 of chain 1337".
func (r *Result) Summary() string {
	switch r.Level {
	case Sealed:
		return r.anchored(fmt.Sprintf("%d of %d validators", r.Seals, r.Validators))
	case Pinned:
		return r.anchored("block hash known beforehand")
	case NotVouchedFor:
		return fmt.Sprintf("its anchor, which names block %d of chain %d, is not vouched for: %s", r.Block,
			r.ChainID, nobodyVouches)
	}
	return "not proven to be anchored: " + r.Findings[len(r.Findings)-1].Text
}

func (r *Result) anchored(by string) string {
	return fmt.Sprintf("anchored (%s) in block %d of chain %d at %s", by, r.Block, r.ChainID,
		r.Time.Format(time.RFC3339))
}

const nobodyVouches = "no block hash and no validators are pinned, and anybody could have made it"

// Allowance is how far the clocks of the log, its witnesses and the chain may
// differ.
const Allowance = 5 * time.Minute

// VerifyProof checks that the bytes of a proof show cp in the storage of the
// contract. It stops at the first check that fails. It uses cp's origin, size
// and root and, if known, the time before which cp cannot have been made.
// Package ledger checks that the log's key signed cp.
func VerifyProof(proof []byte, cp Checkpoint, trust Trust) Result {
	v := verifier{trust: trust, cp: cp, result: Result{Level: Refused}}
	p, err := ParseProof(proof)
	if !v.record(CheckFormat, err == nil, "the proof is well-formed", "the proof cannot be read: %v", err) {
		return v.result
	}
	v.proof = p
	_ = v.checkNames() && v.checkHeader() && v.checkState() && v.checkHead() && v.checkEvidence()
	return v.result
}

// verifier carries one proof through its checks.
type verifier struct {
	proof  *Proof
	cp     Checkpoint
	trust  Trust
	result Result

	parsedHeader *header
	qbft         *qbft // nil unless the proof says that the header is sealed
	nodes        *nodeList
	storageRoot  Hash // root of the contract's storage
}

// record keeps the outcome of one check and returns it.
func (v *verifier) record(c Check, ok bool, passed, failed string, args ...any) bool {
	text := passed
	if !ok {
		text = fmt.Sprintf(failed, args...)
	}
	v.result.Findings = append(v.result.Findings, Finding{Check: c, OK: ok, Text: text})
	return ok
}

// checkNames compares the chain, contract and log that the proof names with the
// trusted ones.
func (v *verifier) checkNames() bool {
	p, t := v.proof, &v.trust
	v.result.ChainID = p.ChainID
	chain := fmt.Sprintf("chain %d", p.ChainID)
	if t.ChainID == 0 {
		chain += ", which was not pinned"
	}
	contract := "contract " + p.Contract.String()
	if t.Contract.IsZero() {
		contract += ", which was not pinned"
	}
	want := LogID(v.cp.Origin)
	return v.record(CheckChain, p.ChainID != 0 && (t.ChainID == 0 || t.ChainID == p.ChainID), chain,
		"the proof is of chain %d, the trusted chain is %d", p.ChainID, t.ChainID) &&
		v.record(CheckContract, t.Contract.IsZero() || t.Contract == p.Contract, contract,
			"the proof is of contract %s, the trusted contract is %s", p.Contract, t.Contract) &&
		v.record(CheckLog, p.LogID == want, fmt.Sprintf("log %q", v.cp.Origin),
			"the proof is of log id %s, the checkpoint's origin has %s", p.LogID, want)
}

// checkHeader checks that the header is that of the named block.
func (v *verifier) checkHeader() bool {
	h, err := parseHeader(v.proof.Header)
	if err != nil {
		return v.record(CheckHeader, false, "", "the header cannot be read: %v", err)
	}
	v.parsedHeader = h
	v.result.Block, v.result.Time, v.result.BlockHash = h.number, h.time, v.proof.Block
	hash := keccak(v.proof.Header)
	if v.proof.Seal == SealQBFT {
		if v.qbft, err = parseQBFT(h); err != nil {
			return v.record(CheckHeader, false, "", "the header's QBFT seals cannot be read: %v", err)
		}
		hash = v.qbft.hash
	}
	earliest := v.cp.NotBefore
	return v.record(CheckHeader, hash == v.proof.Block, fmt.Sprintf("block %d, %s", h.number, v.proof.Block),
		"the header's hash is %s, the proof names block %s", hash, v.proof.Block) &&
		v.record(CheckTime, earliest.IsZero() || !h.time.Add(Allowance).Before(earliest),
			"its time is "+h.time.Format(time.RFC3339),
			"the block is of %s, and what it would hold of %s or later", h.time.Format(time.RFC3339),
			earliest.UTC().Format(time.RFC3339))
}

// checkState walks from the header's state root to the contract's account.
func (v *verifier) checkState() bool {
	v.nodes = newNodeList(v.proof.Nodes)
	account, err := v.nodes.lookup(v.parsedHeader.stateRoot, v.proof.Contract[:])
	if err != nil {
		return v.record(CheckAccount, false, "", "the block's state is not shown to hold the contract: %v", err)
	}
	// Yellow paper, section 4.1: nonce, balance, storage root, code hash.
	items, err := listItems(account, 4)
	if err != nil || len(items) != 4 {
		return v.record(CheckAccount, false, "", "the contract's account is not a list of 4 fields")
	}
	store, err1 := bytesItem(items[2])
	code, err2 := bytesItem(items[3])
	if err1 != nil || err2 != nil || len(store) != 32 || len(code) != 32 {
		return v.record(CheckAccount, false, "", "the contract's account has no storage root or code hash")
	}
	v.storageRoot = Hash(store)
	known := v.trust.CodeHashes
	if len(known) == 0 {
		known = []Hash{RegistryCodeHash}
	}
	return v.record(CheckAccount, true, "the block's state holds the contract", "") &&
		v.record(CheckCode, slices.Contains(known, Hash(code)), "the contract's code is known: it refuses forks",
			"the contract's code has hash %s, which is not a trusted one", Hash(code))
}

// checkHead reads the log's two slots and compares them with the checkpoint.
func (v *verifier) checkHead() bool {
	slot := logSlot(v.proof.LogID)
	root, err := v.slot(slot)
	if err != nil {
		return v.record(CheckStorage, false, "", "the contract's storage is not shown to hold the log's root: %v", err)
	}
	packed, err := v.slot(slot.next())
	if err != nil {
		return v.record(CheckStorage, false, "", "the contract's storage is not shown to hold the log's size: %v", err)
	}
	if !v.nodes.allUsed() {
		return v.record(CheckStorage, false, "", "the proof has trie nodes that it does not need")
	}
	head := UnpackHead(root, packed)
	if head.Anchors != v.proof.Anchors {
		return v.record(CheckStorage, false, "", "the contract counts %d anchors, the proof %d",
			head.Anchors, v.proof.Anchors)
	}
	return v.record(CheckStorage, true,
		fmt.Sprintf("the contract's storage holds the log's head, anchor %d", head.Anchors), "") &&
		v.record(CheckPublisher, head.Publisher == v.proof.Publisher &&
			(v.trust.Publisher.IsZero() || v.trust.Publisher == head.Publisher),
			"anchored by "+head.Publisher.String(),
			"the log's publisher is %s, the proof names %s, the trusted publisher is %s", head.Publisher,
			v.proof.Publisher, v.trust.Publisher) &&
		v.record(CheckHead, head.Size == v.cp.Size && head.Root == v.cp.Root,
			fmt.Sprintf("the head is the checkpoint: %d leaves", head.Size),
			"the contract's head is %d leaves under %s, the checkpoint is %d leaves under %s",
			head.Size, head.Root.Short(), v.cp.Size, v.cp.Root.Short())
}

func (v *verifier) slot(s Hash) (Hash, error) {
	b, err := v.nodes.lookup(v.storageRoot, s[:])
	if err != nil {
		return Hash{}, err
	}
	return slotValue(b)
}

// checkEvidence finds out who vouches for the block.
func (v *verifier) checkEvidence() bool {
	t := &v.trust
	if len(t.Validators) > 0 {
		if v.qbft == nil {
			return v.record(CheckEvidence, false, "", "validators are trusted, but the proof's header carries no seals")
		}
		n, err := v.qbft.checkSeals(t.Validators)
		v.result.Seals, v.result.Validators = n, len(t.Validators)
		if err != nil {
			return v.record(CheckEvidence, false, "", "%v", err)
		}
		v.record(CheckEvidence, true, fmt.Sprintf("%d of %d trusted validators sealed the block", n, len(t.Validators)),
			"")
		v.result.Level = Sealed
	}
	if len(t.Blocks) > 0 {
		if !v.record(CheckEvidence, slices.Contains(t.Blocks, v.proof.Block), "the block's hash is one that was pinned",
			"block %s is none of the %d that were pinned", v.proof.Block, len(t.Blocks)) {
			v.result.Level = Refused
			return false
		}
		v.result.Level = Pinned
	}
	if v.result.Level == Refused {
		v.result.Level = NotVouchedFor
		v.record(CheckEvidence, true, nobodyVouches, "")
	}
	return true
}
