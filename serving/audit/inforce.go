// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/engine"
)

// allowedDeciders says which models and policies decisions may name: any pair that
// an earlier act put in force, because requests under way finish with the pair
// that they began with, and any model that was loaded next to the active one.
// Before the first record of a start (journals of older servers have none) and
// after an act that cannot be read, all are allowed.
type allowedDeciders struct {
	startSeen     bool                     // there was a record of a start
	actUnreadable bool                     // there was an act that cannot be read
	pairs         map[[2]assay.Digest]bool // model and policy
	loaded        map[assay.Digest]bool    // models next to the active one
}

// addRecord takes the next record.
func (f *allowedDeciders) addRecord(r *journal.Record, unreadable error) error {
	if !engine.IsAct(r.Kind) {
		return nil
	}
	if f.pairs == nil {
		f.pairs, f.loaded = map[[2]assay.Digest]bool{}, map[assay.Digest]bool{}
	}
	f.pairs[[2]assay.Digest{r.Model, r.Policy}] = true
	if unreadable != nil {
		f.actUnreadable = true
		return nil
	}
	var act engine.Act
	if err := assay.UnmarshalCBOR(r.Decision, &act); err != nil {
		return err
	}
	switch act.Kind {
	case engine.ActConfigure:
		f.startSeen = true
	case engine.ActLoad:
		f.loaded[act.Digest] = true
	}
	return nil
}

// allows reports whether a decision names a model and a policy that it may.
func (f *allowedDeciders) allows(r *journal.Record) bool {
	return !f.startSeen || f.actUnreadable || f.loaded[r.Model] || f.pairs[[2]assay.Digest{r.Model, r.Policy}]
}
