// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// List says which records a Search looks for: those with a decision, a recorded fact or a failed request.
type List struct {
	From, To   int64 // microseconds; To is not included
	Outcome    assay.Outcome
	AnyOutcome bool
	Caller     string
	OwnOnly    bool   // of this caller alone
	Party      string // its name, as Record.Subject has it; "": any
}

// Search finds the records of a list by the journal's index.
type Search struct{ found *store.Search }

// Search starts a search. Close it. It finds the records of a party under its present number, so none from before an
// erasure; and those that name parties without numbers, as those of format 1 do, whoever they are: the caller compares.
func (j *Journal) Search(l *List) (*Search, error) {
	f := listing.Filter{From: l.From, To: l.To}
	if !l.AnyOutcome {
		f.State = listing.Listed(l.Outcome)
	}
	if l.OwnOnly {
		tag := j.callerTag(l.Caller)
		f.Caller = &tag
	}
	var party *store.PartyFilter
	if l.Party != "" {
		party = &store.PartyFilter{}
		p, ok, err := j.FindParty(l.Party)
		if err != nil {
			return nil, err
		}
		if ok {
			party.Number = p.ID()
		}
	}
	x, err := j.store.Search(&f, party)
	return &Search{x}, err
}

// Next returns the next records, from a number on, that may be of the list: those from first to end, end not included.
// If they are none, the search has looked at as much as one call may, and goes on from first. When only records are
// left that came after the search was made, end is larger than Stats().Durable.
func (x *Search) Next(from uint64) (first, end uint64, err error) { return x.found.Next(from) }

// Close ends the search.
func (x *Search) Close() error { return x.found.Close() }

// AllTimes are the bounds of a List that asks for no time.
func AllTimes() (from, to int64) { return math.MinInt64, math.MaxInt64 }

// callerTag is the pseudonym of a caller in the index.
func (j *Journal) callerTag(caller string) [16]byte {
	if tag, ok := j.callerTags.find(caller); ok {
		return tag
	}
	tag := j.store.System().Tag("caller", caller)
	j.callerTags.keep(caller, tag)
	return tag
}

// CarriesDecision reports whether a record holds a decision, a recorded fact or a failed request.
func (r *Record) CarriesDecision() bool { return len(r.Decision) > 0 && canBeListed(r.Kind) }

func canBeListed(k ledger.Kind) bool {
	return k == ledger.Decision || k == ledger.Event || k == ledger.Failed
}

// entryOf is what lists ask of a record. parties are whom its business part names; they are appended to dst with the
// owner, which is first.
func (j *Journal) entryOf(r *Record, owner vault.ID, dst []vault.ID, parties func(yield func(vault.ID) bool)) (
	listing.Entry, []vault.ID) {
	e := listing.Entry{Micros: r.Micros}
	if !canBeListed(r.Kind) {
		return e, dst
	}
	n := len(dst)
	if owner != j.store.System().ID() {
		dst, e.Owned = append(dst, owner), true
	}
	for id := range parties {
		if !slices.Contains(dst[n:], id) && id != j.store.System().ID() {
			dst = append(dst, id)
		}
	}
	e.Parties = dst[n:len(dst):len(dst)]
	if o, ok := listing.DecidedOutcome(r.Decision); ok && r.CarriesDecision() {
		e.State, e.Caller = listing.Listed(o), j.callerTag(r.Caller)
		if len(r.Business) == 0 && namesOthers(r.Private) {
			e.State |= listing.Unnumbered
		}
	}
	return e, dst
}

// namesOthers reports whether an event has entities other than its first.
func namesOthers(event []byte) bool {
	if len(event) == 0 {
		return false
	}
	ev, err := assay.ParseEvent(event)
	return err == nil && len(ev.Entities) > 1
}

// storedEntry is entryOf for a record in the files; opened is what open returned for it.
func (j *Journal) storedEntry(s recordfile.StoredRecord, opened *Record) listing.Entry {
	e, _ := j.entryOf(opened, s.Key, nil, slices.Values(opened.PartyNumbers))
	return e
}

// fillLists adds to the index of lists the records from before this run that it lacks: those since the last stop, after
// a crash, or all of a journal that had no index.
func (j *Journal) fillLists(ctx context.Context) error {
	for ctx.Err() == nil {
		from, to := j.store.Unlisted()
		if from >= to {
			return nil
		}
		to = min(to, from+store.ListingRun)
		entries := make([]listing.Entry, 0, to-from)
		err := j.records.Scan(ctx, from, to, recordfile.AllSections, func(seq uint64, s recordfile.StoredRecord) error {
			r, _, err := j.open(seq, s)
			if err != nil && !personalGone(err) {
				return err
			}
			entries = append(entries, j.storedEntry(s, r))
			return nil
		})
		if err == nil {
			err = j.store.List(from, entries)
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("journal: the index of lists: %w", err)
		}
	}
	return nil
}

// callerTags keeps the pseudonyms of callers, of which there are few.
type callerTags struct {
	mu   sync.RWMutex
	tags map[string][16]byte
}

// maxCallerTags bounds callerTags.
const maxCallerTags = 1 << 12

func (c *callerTags) find(caller string) (tag [16]byte, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	tag, ok = c.tags[caller]
	return tag, ok
}

func (c *callerTags) keep(caller string, tag [16]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tags == nil || len(c.tags) >= maxCallerTags {
		c.tags = map[string][16]byte{}
	}
	c.tags[caller] = tag
}
