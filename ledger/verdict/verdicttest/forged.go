// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"time"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
)

// forgedReceipts returns receipts with anchors that were made without a key and
// without a chain: old, new, of the named chain and contract and of others, with
// too few seals or with seals of strangers.
func forgedReceipts() (out [][]byte) {
	l := honestLog()
	for i, b := range []Block{
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2},
			Time: time.Unix(946_684_800, 0), Number: 123456789},
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2},
			Time: LogStart.Add(-anchor.Allowance - time.Second), Number: 1},
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2},
			Time: LogStart.Add(-anchor.Allowance + time.Second), Number: 1},
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xde, 0xad},
			Time: LogStart.Add(time.Hour), Number: 5},
		{ChainID: 5, Contract: anchor.Address{0xc0, 2}, Publisher: anchor.Address{0xaa, 2},
			Time:   LogStart.Add(time.Hour),
			Number: 5},
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2},
			Time: LogStart.Add(time.Hour), Number: 5, Validators: 4, Sealed: 2},
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2},
			Time: LogStart.Add(time.Hour), Number: 5, Validators: 5, Sealed: 5},
		{ChainID: 1337, Contract: anchor.Address{0xc0, 1}, Publisher: anchor.Address{0xaa, 2},
			Time: LogStart.Add(-time.Hour), Number: 5, Validators: 4, Sealed: 4},
	} {
		// The last witness saw the checkpoint late: a block may be of the leaf's
		// time and still too old for the checkpoint.
		r := l.Anchored(i, b, Witness{"witness.example/a", 10}, Witness{"witness.example/b", 7200})
		out = append(out, must(ledger.MarshalReceipt(&r)))
	}
	return out
}
