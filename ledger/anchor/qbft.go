// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/crypto"
)

// A QBFT header (Enterprise Ethereum Alliance, QBFT Blockchain Consensus
// Protocol; Hyperledger Besu and GoQuorum) keeps in extraData
//
//	RLP [ vanity, [validators], vote, round, [seals] ]
//
// A validator's seal is an ECDSA signature over Keccak-256 of the header whose
// extraData has no seals; the block's hash is that of the header whose
// extraData has round 0 and no seals.
const (
	extraValidators = 1
	extraRound      = 3
	extraSeals      = 4
	extraItems      = 5
)

// maxValidators bounds the work that one header can ask for.
const maxValidators = 256

var (
	rlpEmptyList = []byte{0xc0}
	rlpZero      = []byte{0x80}
)

// qbft is a header's consensus evidence.
type qbft struct {
	hash    Hash      // of the block, as the chain has it
	signers []Address // one for each seal, in the header's order
}

// parseQBFT reads the seals of h and recovers who made them.
func parseQBFT(h *header) (*qbft, error) {
	items, err := listItems(h.extra, extraItems)
	if err != nil {
		return nil, fmt.Errorf("extraData: %w", err)
	}
	if len(items) != extraItems {
		return nil, fmt.Errorf("extraData has %d parts, QBFT has %d", len(items), extraItems)
	}
	if _, err := uintItem(items[extraRound]); err != nil {
		return nil, fmt.Errorf("round: %w", err)
	}
	seals, err := listItems(items[extraSeals], maxValidators)
	if err != nil {
		return nil, fmt.Errorf("seals: %w", err)
	}
	unsealed := append([][]byte(nil), items...)
	unsealed[extraSeals] = rlpEmptyList
	signed := keccak(h.withExtra(rlpList(unsealed)))
	unsealed[extraRound] = rlpZero
	q := &qbft{hash: keccak(h.withExtra(rlpList(unsealed)))}

	for i, item := range seals {
		sig, err := bytesItem(item)
		if err != nil {
			return nil, fmt.Errorf("seal %d: %w", i, err)
		}
		who, err := recoverSigner(signed, sig)
		if err != nil {
			return nil, fmt.Errorf("seal %d: %w", i, err)
		}
		q.signers = append(q.signers, who)
	}
	return q, nil
}

// recoverSigner recovers who signed digest: r || s || v, where v is 0 or 1 and s is in
// the lower half, as every validator makes it: the other half would be a second
// form of the same seal.
func recoverSigner(digest Hash, sig []byte) (Address, error) {
	if len(sig) != crypto.SignatureLength {
		return Address{}, fmt.Errorf("%d bytes, a seal has %d", len(sig), crypto.SignatureLength)
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(sig[64], r, s, true) {
		return Address{}, errors.New("not a signature in its one form")
	}
	pub, err := crypto.SigToPub(digest[:], sig)
	if err != nil {
		return Address{}, errors.New("not a signature")
	}
	return Address(crypto.PubkeyToAddress(*pub)), nil
}

// checkSeals counts the trusted validators that sealed the header. It refuses a
// header with a seal by somebody else, or with a second one by the same
// validator: an honest chain makes neither.
func (q *qbft) checkSeals(trusted []Address) (int, error) {
	known := make(map[Address]bool, len(trusted))
	for _, v := range trusted {
		known[v] = true
	}
	if len(known) != len(trusted) {
		return 0, errors.New("the list of trusted validators names one twice")
	}
	seen := make(map[Address]bool, len(q.signers))
	for i, who := range q.signers {
		if !known[who] {
			return 0, fmt.Errorf("seal %d is by %s, who is not a trusted validator of this block", i, who)
		}
		if seen[who] {
			return 0, fmt.Errorf("seal %d is the second one by %s", i, who)
		}
		seen[who] = true
	}
	if need := Quorum(len(trusted)); len(seen) < need {
		return len(seen), fmt.Errorf("%d of %d validators sealed the header, %d are needed",
			len(seen), len(trusted), need)
	}
	return len(seen), nil
}

// Quorum is how many of n validators must seal a QBFT header: ceil(2n/3).
func Quorum(n int) int { return (2*n + 2) / 3 }
