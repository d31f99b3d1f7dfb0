// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// Query is what ListDecisions looks for.
type Query struct {
	From, To   int64 // microseconds; To is not included
	Outcome    assay.Outcome
	AnyOutcome bool
	Caller     string
	OwnOnly    bool          // of this caller alone
	Entity     *assay.Entity // nil: any
}

// Search starts a search for the records that may match q, by the journal's index. Close it.
func (q *Query) Search(j *journal.Journal) (*journal.Search, error) {
	l := journal.List{From: q.From, To: q.To, Outcome: q.Outcome, AnyOutcome: q.AnyOutcome,
		Caller: q.Caller, OwnOnly: q.OwnOnly}
	if q.Entity != nil {
		l.Party = Subject(q.Entity.Role, q.Entity.ID)
	}
	return j.Search(&l)
}

// Matches reports whether a record passes q, whatever its outcome.
func (q *Query) Matches(rec *journal.Record) bool {
	if !rec.CarriesDecision() || q.OwnOnly && rec.Caller != q.Caller || rec.Micros < q.From || rec.Micros >= q.To {
		return false
	}
	if q.Entity == nil || rec.Subject == Subject(q.Entity.Role, q.Entity.ID) {
		return true
	}
	ev, err := EventOf(rec)
	return err == nil && ev != nil && q.Entity.ID != "" && ev.Entity(q.Entity.Role) == q.Entity.ID
}
