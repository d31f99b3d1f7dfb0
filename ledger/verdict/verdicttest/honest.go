// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"encoding/json"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict"
)

// Case is a receipt and a trust file, as bytes.
type Case struct {
	Name    string `json:"name"`
	Receipt []byte `json:"receipt"`
	Trust   []byte `json:"trust"`
}

var witnesses = []Witness{{"witness.example/a", 10}, {"witness.example/b", 20}, {"witness.example/c", 30}}

func honestLog() *Log { return NewLog("log.example/decisions", 11) }

// HonestCases are receipts that hold, of each level.
func HonestCases() []Case {
	l, w := honestLog(), witnesses
	block := Block{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2}, Number: 99,
		Time: LogStart.Add(time.Minute)}
	sealed := block
	sealed.Validators, sealed.Sealed = 4, 3

	logged := verdict.Trust{LogKey: l.Key.String()}
	named := logged
	named.Anchor = &anchor.Trust{ChainID: block.ChainID, Contract: block.Contract, Publisher: block.Publisher}
	witnessed := named
	witnessed.Quorum = 2
	for _, x := range w {
		witnessed.Witnesses = append(witnessed.Witnesses, x.VerifierKey())
	}
	validators := witnessed
	validators.Anchor = &anchor.Trust{ChainID: block.ChainID, Validators: Validators(4)}
	pinned := named
	pinned.Anchor = &anchor.Trust{Blocks: []anchor.Hash{{1}, block.Proof(l.Head()).Block},
		CodeHashes: []anchor.Hash{anchor.RegistryCodeHash}}
	pinned.Require = []verdict.Requirement{verdict.RequireAnchor}
	both := validators
	both.Anchor = &anchor.Trust{ChainID: block.ChainID, Validators: Validators(4),
		Blocks: []anchor.Hash{sealed.Proof(l.Head()).Block}}
	both.Require = []verdict.Requirement{verdict.RequireAnchor, verdict.RequireWitnesses, verdict.RequireCheckpoint}
	promised := logged
	promised.Require = []verdict.Requirement{verdict.RequirePromise}

	var out []Case
	add := func(name string, r assay.Receipt, t verdict.Trust) {
		out = append(out, Case{name, must(ledger.MarshalReceipt(&r)), must(json.Marshal(t))})
	}
	add("promised", l.Promised(3), promised)
	add("logged", l.Published(6), logged)
	add("logged, an activation", l.Published(4), logged)
	add("logged, cosigned by two of three", l.Published(5, w[0], w[2]), witnessed)
	add("anchored, not vouched for", l.Anchored(6, block), named)
	add("anchored, chain not named", l.Anchored(7, block), logged)
	add("sealed", l.Anchored(8, sealed, w...), validators)
	add("sealed, and no validator known", l.Anchored(1, sealed), named)
	add("pinned", l.Anchored(2, block, w[1]), pinned)
	add("sealed and pinned", l.Anchored(10, sealed, w...), both)
	honestStamps(l, l.Anchored(10, sealed, w...), both, add)
	return out
}
