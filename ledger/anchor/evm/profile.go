// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
)

// Finality says which block counts as final.
type Finality struct {
	// Tag is the block that the node calls final: "finalized", "safe" or
	// "latest". "" = "finalized".
	Tag string
	// Confirmations is how many blocks must lie on top of a block. It counts
	// from the newest block, and is for chains that have no tag "finalized".
	Confirmations uint64
}

// Gas says what a transaction may cost. The zero value asks the node.
type Gas struct {
	Legacy   bool     // one gas price (chains before EIP-1559, and chains whose gas is free)
	Tip      *big.Int // wei per gas for the block's maker; nil = as the node suggests
	MaxFee   *big.Int // never offer more wei per gas than this, the tip included; nil = DefaultMaxFee
	LimitPct uint64   // gas limit in per cent of the node's estimate; 0 = 125
}

// DefaultMaxFee is 500 gwei, in wei per gas: an anchor then costs at most a few
// hundredths of the chain's coin, whatever the node says that fees are.
func DefaultMaxFee() *big.Int { return new(big.Int).Mul(big.NewInt(500), big.NewInt(1_000_000_000)) }

func (g *Gas) maxFee() *big.Int {
	if g.MaxFee == nil {
		return DefaultMaxFee()
	}
	return g.MaxFee
}

// Profile holds the differences between kinds of chains.
type Profile struct {
	Name     string
	Finality Finality
	Gas      Gas
	Seal     anchor.Seal // evidence that headers carry; "" = none
	OnDemand bool        // a block is made when there is a transaction, and not otherwise
}

// Profiles returns the known kinds of chains.
//
//	devchain   the embedded chain: final when it is on disk
//	ethereum   proof of stake: final after two epochs, about 13 minutes
//	qbft       Besu or GoQuorum consortium: final at once, sealed headers, gas free
//	instant    Anvil, Hardhat and other test nodes: the newest block is final
func Profiles() []Profile {
	return []Profile{
		{Name: "devchain", Finality: Finality{Tag: "finalized"}, OnDemand: true},
		{Name: "ethereum", Finality: Finality{Tag: "finalized"}},
		{Name: "qbft", Finality: Finality{Tag: "latest"}, Gas: Gas{Legacy: true}, Seal: anchor.SealQBFT},
		{Name: "instant", Finality: Finality{Tag: "latest"}, OnDemand: true},
	}
}

// ProfileByName returns the profile of that name.
func ProfileByName(name string) (Profile, error) {
	all := Profiles()
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		var names []string
		for _, p := range all {
			names = append(names, p.Name)
		}
		return Profile{}, fmt.Errorf("chain profile %q: want one of %s: %w", name,
			strings.Join(names, ", "), assay.ErrInvalid)
	}
	return all[i], nil
}
