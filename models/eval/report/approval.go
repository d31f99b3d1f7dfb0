// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
)

// cutoff is the break-even PD: the expected profit of approving a row is zero. Where
// no policy is given, rows at or below it count as approved.
func (b *builder) cutoff() float64 {
	profit, loss := 1.0, 5.0
	if e := b.in.Economics; e != nil {
		profit, loss = e.Profit, e.Loss
	}
	return profit / (profit + loss)
}

// highestApproved is the PD up to which stress tests count a row as approved:
// the highest that the policy approves, or the break-even cut-off.
func (b *builder) highestApproved() float64 {
	top := -1.0
	for i, o := range b.in.Outcome {
		if o == assay.Approve {
			top = max(top, b.in.PD[i])
		}
	}
	if top < 0 {
		return b.cutoff()
	}
	return top
}

// cutoffWords names the cut-off that stress tests and worked decisions use.
func (b *builder) cutoffWords() string {
	return numfmt.Percent.Print(b.highestApproved()) + ", " + pickWord(b.in.Outcome != nil,
		"the highest PD that the policy approves", "where a good row's profit balances a bad row's loss")
}

// approved says which rows the policy, or the break-even cut-off, approves.
func (b *builder) approved() (approved []bool, how string) {
	approved = make([]bool, len(b.in.PD))
	if b.in.Outcome != nil {
		for i, o := range b.in.Outcome {
			approved[i] = o == assay.Approve
		}
		return approved, "approved by the policy"
	}
	cut := b.cutoff()
	for i, p := range b.in.PD {
		approved[i] = p <= cut
	}
	return approved, fmt.Sprintf("a PD up to the break-even of %s", numfmt.Percent.Print(cut))
}
