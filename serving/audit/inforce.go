// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/engine"
)

// inForce is what the log allows decisions to be made by. A decision may name
// any model and policy that an act before it put in force, because one under
// way finishes with what it began with; and a model loaded beside the active
// one. It says nothing before the first record of a configured start (journals
// of older servers have none), nor after an act that cannot be read.
type inForce struct {
	known  bool                     // a configured start was met
	blind  bool                     // an act cannot be read
	pairs  map[[2]assay.Digest]bool // model and policy
	loaded map[assay.Digest]bool    // models beside the active one
}

// note takes one record.
func (f *inForce) note(r *journal.Record, unreadable error) error {
	if !engine.IsAct(r.Kind) {
		return nil
	}
	if f.pairs == nil {
		f.pairs, f.loaded = map[[2]assay.Digest]bool{}, map[assay.Digest]bool{}
	}
	f.pairs[[2]assay.Digest{r.Model, r.Policy}] = true
	if unreadable != nil {
		f.blind = true
		return nil
	}
	var act engine.Act
	if err := assay.UnmarshalCBOR(r.Decision, &act); err != nil {
		return err
	}
	switch act.What {
	case engine.ActConfigure:
		f.known = true
	case engine.ActLoad:
		f.loaded[act.Digest] = true
	}
	return nil
}

// allows reports whether a decision names what was in force.
func (f *inForce) allows(r *journal.Record) bool {
	return !f.known || f.blind || f.loaded[r.Model] || f.pairs[[2]assay.Digest{r.Model, r.Policy}]
}
