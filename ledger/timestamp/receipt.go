// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// Step is the name under which a receipt's token stands in a verification; a
// check's name follows it.
const Step = "timestamp"

// VerifyReceipt checks the token of a receipt against its checkpoint, as lines
// of a verification. That the log's key signed the checkpoint, package ledger
// has checked before. A token is not refused because no authority is pinned:
// it is then reported as absent.
func VerifyReceipt(r *assay.Receipt, trust Trust) []ledger.Finding {
	switch {
	case len(r.Timestamp) == 0 && len(trust.Certificates) == 0:
		return nil
	case len(r.Timestamp) == 0:
		return []ledger.Finding{{Step: Step, State: ledger.Absent, Detail: "the receipt carries no time stamp"}}
	case len(r.Checkpoint) == 0:
		return []ledger.Finding{{Step: Step, State: ledger.Refused, Detail: "a time stamp without a checkpoint"}}
	}
	var made time.Time // the record says when it was made; its checkpoint is no older
	if leaf, err := ledger.ParseLeaf(r.Leaf); err == nil {
		made = time.UnixMicro(leaf.Micros)
	}
	res := Verify(r.Timestamp, r.Checkpoint, made, trust)
	if res.Level == Unknown {
		return []ledger.Finding{{Step: Step, State: ledger.Absent, Detail: res.Summary() + ": pin the authority's certificate or its issuer's"}}
	}
	out := make([]ledger.Finding, 0, len(res.Findings))
	for _, f := range res.Findings {
		x := ledger.Finding{Step: Step + "/" + string(f.Check), State: ledger.Proven, By: "the authority " + res.Authority, Detail: f.Text}
		if !f.OK {
			x.State, x.By = ledger.Refused, ""
		}
		out = append(out, x)
	}
	return out
}
