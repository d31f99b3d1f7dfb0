// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/engine"
)

// findSnapshots notes at which numbers the audit computes the digests of its windows.
func (a *Auditor) findSnapshots(ctx context.Context, j *journal.Journal) error {
	numbers, err := engine.SnapshotNumbers(ctx, j)
	if err != nil {
		return err
	}
	a.digests = map[uint64]map[assay.Digest]assay.Digest{}
	for _, n := range numbers {
		a.digests[n] = nil
	}
	return nil
}

// reach computes the digests of the windows if a snapshot was taken before the record seq.
func (a *Auditor) reach(seq uint64) (err error) {
	if have, ok := a.digests[seq]; ok && have == nil {
		a.digests[seq], err = a.state.Digests()
	}
	return err
}

// checkSnapshot compares the digests that a snapshot's record states with those of the audit's own windows, of the
// plans that it has bundles of.
func (a *Auditor) checkSnapshot(r *journal.Record) (checked bool, what string, err error) {
	var n engine.SnapshotNote
	if err := assay.UnmarshalCBOR(r.Decision, &n); err != nil {
		return true, "snapshot that does not say of what", nil
	}
	if a.incomplete != "" {
		return false, "", nil // windows of this audit may lack what the server's had
	}
	for _, w := range n.Windows {
		have, ok := a.digests[n.Number][w.Plan]
		if !ok {
			continue
		}
		checked = true
		if have != w.Digest {
			return true, fmt.Sprintf("snapshot: the windows of plan %s after %d records have the digest %s, the "+
				"record says %s", w.Plan.Short(), n.Number, have.Short(), w.Digest.Short()), nil
		}
	}
	return checked, "", nil
}
