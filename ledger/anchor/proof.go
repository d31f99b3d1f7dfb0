// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	assay "github.com/assayrisk/assay"
)

// Proof shows that a contract's storage held a checkpoint in one block of a
// chain. It is written in JSON into receipts, byte strings in base64, and has
// no part that VerifyProof does not check: docs/formats/anchor.md draws it.
type Proof struct {
	Version   uint8    `json:"version"`    // ProofVersion
	ChainID   uint64   `json:"chain_id"`   // EIP-155
	Contract  Address  `json:"contract"`   // the AnchorRegistry
	LogID     Hash     `json:"log_id"`     // LogID of the checkpoint's origin
	Anchors   uint32   `json:"anchors"`    // how often the log had been anchored, this time included
	Publisher Address  `json:"publisher"`  // whose key anchored it
	Block     Hash     `json:"block_hash"` // Keccak-256 as the chain's rule has it
	Seal      Seal     `json:"seal"`       // how the header is vouched for
	Header    []byte   `json:"header"`     // RLP
	Nodes     [][]byte `json:"nodes"`      // trie nodes, RLP, in the order in which the walks first need them
}

// ProofVersion is the version that this code writes and reads.
const ProofVersion = 1

// Seal is the kind of evidence that a header carries.
type Seal string

// The kinds of header evidence.
const (
	SealNone Seal = "none" // nothing in the header can be checked offline
	SealQBFT Seal = "qbft" // validators' seals in extraData (QBFT, IBFT 2.0 has another layout)
)

// Bounds on what is read. A state trie of 2^40 accounts is 11 levels deep.
const (
	MaxProofBytes  = 256 << 10
	maxHeaderBytes = 32 << 10
	maxNodes       = 256
)

// ParseProof reads a proof and refuses unknown fields, other versions, and
// whatever exceeds the bounds. A proof has one form, whitespace apart: names in
// another case, fields in another order or given twice, and digits in another
// case are refused, so that no byte of a stored proof can change unseen.
func ParseProof(b []byte) (*Proof, error) {
	if len(b) > MaxProofBytes {
		return nil, fmt.Errorf("anchor proof: %d bytes, at most %d are read: %w", len(b),
			MaxProofBytes, assay.ErrCorrupt)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var p Proof
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("anchor proof: %w: %w", err, assay.ErrCorrupt)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("anchor proof: bytes follow the proof: %w", assay.ErrCorrupt)
	}
	if p.Version != ProofVersion {
		return nil, fmt.Errorf("anchor proof: version %d, this program reads version %d: %w", p.Version,
			ProofVersion, assay.ErrCorrupt)
	}
	if len(p.Header) > maxHeaderBytes || len(p.Nodes) > maxNodes {
		return nil, fmt.Errorf("anchor proof: header of %d bytes and %d nodes, at most %d and %d are read: %w",
			len(p.Header), len(p.Nodes), maxHeaderBytes, maxNodes, assay.ErrCorrupt)
	}
	if p.Seal != SealNone && p.Seal != SealQBFT {
		return nil, fmt.Errorf("anchor proof: header evidence %q: this program knows %q and %q: %w", p.Seal, SealNone,
			SealQBFT, assay.ErrCorrupt)
	}
	for _, n := range append(p.Nodes, p.Header) {
		if n == nil {
			return nil, fmt.Errorf("anchor proof: null where bytes are wanted: %w", assay.ErrCorrupt)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return nil, fmt.Errorf("anchor proof: %w: %w", err, assay.ErrCorrupt)
	}
	again, err := json.Marshal(&p)
	if err != nil {
		return nil, fmt.Errorf("anchor proof: %w: %w", err, assay.ErrCorrupt)
	}
	if !bytes.Equal(again, compact.Bytes()) {
		return nil, fmt.Errorf("anchor proof: it is not in the form in which proofs are written: %w", assay.ErrCorrupt)
	}
	return &p, nil
}
