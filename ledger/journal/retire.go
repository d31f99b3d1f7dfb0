// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay/ledger/journal/store"
)

// Retire drops the private parts of all subjects' records before a number, because
// their retention has passed, and returns how many it dropped. The system's own
// records stay whole: they are about no subject, and a start reads in them which
// model and policy are in force. Leaves, promises and the log stay, receipts that
// were issued still verify, and request ids are still known. It may be called
// while the journal runs.
func (j *Journal) Retire(ctx context.Context, before uint64) (n int, err error) {
	before = min(before, j.durable.Load())
	mark, err := j.store.Number(store.Retired)
	if err == nil && before > mark {
		err = j.store.SetNumber(store.Retired, before, true)
	}
	if err != nil {
		return 0, fmt.Errorf("retire: %w", err)
	}
	firsts := j.records.FirstSequences()
	for _, first := range firsts {
		if first >= before {
			break
		}
		m, err := j.retireFile(ctx, first, before, first == firsts[len(firsts)-1])
		if n += m; err != nil {
			return n, fmt.Errorf("retire: %w", err)
		}
	}
	return n, nil
}

// retireFile drops the private parts of one record file. If it is the last one, the writer waits meanwhile.
func (j *Journal) retireFile(ctx context.Context, first, before uint64, last bool) (n int, err error) {
	if last {
		j.writeMu.Lock()
		defer j.writeMu.Unlock()
		if err := j.records.Roll(); err != nil {
			return 0, err
		}
	}
	return j.records.DropPersonal(ctx, first, before, j.store.System().ID())
}
