// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// replay makes the windows of a plan from the journal: every event that was
// sequenced, scored or recorded, in sequence order, as Observe saw it then. An
// event whose subject was erased cannot be read any more and is passed over; a
// fact of a kind that this plan does not know does not concern it.
func replay(ctx context.Context, j *journal.Journal, plan *features.Plan, from, to uint64, st *features.State) (events int, err error) {
	err = j.Scan(from, to, func(seq uint64, r *journal.Record, unreadable error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if unreadable != nil {
			return nil // the subject was erased, or the retention has passed
		}
		if (r.Kind != ledger.Decision && r.Kind != ledger.Event && r.Kind != ledger.Failed) || len(r.Private) == 0 {
			return nil
		}
		ev, err := assay.ParseEvent(r.Private)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		if plan.Validate(&ev) != nil {
			return nil
		}
		events++
		return plan.Observe(&ev, st)
	})
	if err != nil {
		return events, fmt.Errorf("serving: windows from the journal: %w", err)
	}
	return events, nil
}
