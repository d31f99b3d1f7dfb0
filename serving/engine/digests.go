// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// Digests returns the digests of the windows by plan, as the record of a snapshot states them: the server that took
// the snapshot, and whoever replays the records up to its number, have the same. Nobody may be taking a snapshot.
func (s *State) Digests() (map[assay.Digest]assay.Digest, error) {
	out := map[assay.Digest]assay.Digest{}
	for _, w := range s.windows {
		if !w.plan.HasWindows() {
			continue
		}
		taken, err := w.state.BeginSnapshot()
		if err != nil {
			return nil, err
		}
		for !taken.Step(stepRows) {
		}
		var changed []snapshot.Entry
		for _, r := range taken.End() {
			changed = append(changed, r.Entry(snapshot.Place{}))
		}
		dir, _ := taken.Apply(changed, nil)
		out[w.plan.Digest()] = taken.Digest(dir)
		taken.Abandon() // so that the next one holds all rows, too
	}
	return out, nil
}

// SnapshotNumbers returns the numbers of the snapshots that the journal's records name, by the record's own number.
func SnapshotNumbers(ctx context.Context, j *journal.Journal) (map[uint64]uint64, error) {
	out := map[uint64]uint64{}
	err := j.EachLeaf(ctx, func(seq uint64, leaf []byte) error {
		l, err := ledger.ParseLeaf(leaf)
		if err != nil || l.Kind != ledger.Snapshot {
			return err
		}
		r, err := j.Get(seq)
		if err != nil {
			return err
		}
		var n SnapshotNote
		if err := assay.UnmarshalCBOR(r.Decision, &n); err != nil {
			return err
		}
		out[seq] = n.Number
		return nil
	})
	return out, err
}
