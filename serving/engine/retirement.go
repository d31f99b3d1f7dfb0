// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// RetireEvery is how long the personal part of a record may outlive its time: so
// that there is one tick a day and not one for each record.
const RetireEvery = 24 * time.Hour

// retirement drops the personal parts of old records.
type retirement struct {
	journal *journal.Journal
	keep    time.Duration // 0: for ever
	retired func() uint64 // the state's RetiredBelow
	from    uint64        // no record below is a subject's that has a personal part
}

// due implements timedPart. Retirement is due when the oldest personal part is
// older than keep by RetireEvery. All that are older than keep then go.
func (p *retirement) due(ctx context.Context, now time.Time) (c Change, ok bool, err error) {
	if p.keep == 0 {
		return c, false, nil
	}
	dropped, err := p.journal.Dropped()
	if err != nil {
		return c, false, err
	}
	p.from = max(p.from, p.retired(), dropped)
	oldest, at, found, err := p.journal.OldestOfSubject(ctx, p.from)
	if err != nil {
		return c, false, err
	}
	p.from = oldest
	until := now.Add(-p.keep)
	if !found || at.After(until.Add(-RetireEvery)) {
		return c, false, nil
	}
	below, err := p.journal.FirstAfter(oldest, until)
	return Change{Due: DueRetirement, Until: until.UnixMicro(), Below: below}, err == nil && below > oldest, err
}

// finish implements timedPart.
func (p *retirement) finish(ctx context.Context) error {
	dropped, err := p.journal.Dropped()
	if below := p.retired(); err == nil && below > dropped {
		_, err = p.journal.Retire(ctx, below)
	}
	return err
}

// RetireBelow drops the personal parts of records below a number, because a person
// says that their retention has passed, and returns how many it dropped. The tick
// that says so is durable first. No server may be using the journal, and its Run
// must be under way.
func RetireBelow(ctx context.Context, j *journal.Journal, below uint64, by string) (n int, err error) {
	dropped, err := j.Dropped()
	if err != nil {
		return 0, err
	}
	if below > dropped {
		newest, err := j.Get(below - 1)
		if newest == nil {
			return 0, err
		}
		note := TickNote{Version: 1,
			Changes: []Change{{Due: DueRetirement, Until: newest.Micros, Below: below, By: by}}}
		raw, err := assay.MarshalCBOR(&note)
		if err != nil {
			return 0, err
		}
		seq, micros := j.TakeAt()
		if _, err := j.Append(ctx, seq, &journal.Record{Kind: ledger.Tick, Micros: micros, Decision: raw}); err != nil {
			return 0, fmt.Errorf("the record of the retirement: %w", err)
		}
	}
	return j.Retire(ctx, below)
}
