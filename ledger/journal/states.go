// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"path/filepath"

	"github.com/assayrisk/assay/ledger/journal/statefile"
)

// openStates opens the snapshots of what decisions read.
func (j *Journal) openStates() error {
	programme, err := j.store.System().StateKey()
	if err != nil {
		return err
	}
	j.states, err = statefile.Open(j.cfg.FS, filepath.Join(j.dir, stateDir), programme, j.store.Key)
	return err
}

// States are the snapshots of what decisions read, which Open has not looked at: whoever makes them reads them.
func (j *Journal) States() *statefile.Files { return j.states }

// WaitApplied waits until the records below a number are durable and their parties' keys are in the store.
func (j *Journal) WaitApplied(ctx context.Context, below uint64) error {
	return j.waitApplied(ctx, below)
}
