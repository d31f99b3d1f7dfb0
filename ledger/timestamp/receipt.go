// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// Step is the step of a verification that checks a receipt's token; the name of a
// check follows it.
const Step = "timestamp"

// VerifyReceipt checks the token of a receipt against its checkpoint, and returns
// lines of a verification. Package ledger has checked before that the log's key
// signed the checkpoint. If no authority is pinned, a token that agrees with
// itself is not refused, but its line says that nobody vouches for it.
func VerifyReceipt(r *assay.Receipt, trust Trust) []ledger.Finding {
	switch {
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
		return []ledger.Finding{{Step: Step, State: ledger.Unvouched,
			Detail: res.Summary() + ": pin the authority's certificate or its issuer's"}}
	}
	out := make([]ledger.Finding, 0, len(res.Findings))
	for _, f := range res.Findings {
		x := ledger.Finding{Step: Step + "/" + string(f.Check), State: ledger.Proven,
			VouchedBy: "the authority " + res.Authority, Detail: f.Text}
		if !f.OK {
			x.State, x.VouchedBy = ledger.Refused, ""
		}
		out = append(out, x)
	}
	return out
}

// Check reports what is wrong with the trust: a certificate that cannot be read,
// a policy that is not an object identifier, or policies without an authority.
func (t *Trust) Check() error {
	v := verifier{trust: *t}
	if _, err := v.pinned(); err != nil {
		return fmt.Errorf("%w: want DER of an X.509 certificate: %w", err, assay.ErrInvalid)
	}
	if len(t.Policies) > 0 && len(t.Certificates) == 0 {
		return fmt.Errorf("policies of an authority that is not pinned: give its certificate: %w", assay.ErrInvalid)
	}
	for _, p := range t.Policies {
		if !isObjectIdentifier(p) {
			return fmt.Errorf("policy %q: want numbers with dots between, such as 1.3.6.1.4.1.13762.3: %w", p,
				assay.ErrInvalid)
		}
	}
	return nil
}

// isObjectIdentifier reports whether s is the one spelling of an object
// identifier of at least two arcs.
func isObjectIdentifier(s string) bool {
	arcs := strings.Split(s, ".")
	for _, a := range arcs {
		n, err := strconv.ParseUint(a, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != a {
			return false
		}
	}
	return len(arcs) >= 2
}
