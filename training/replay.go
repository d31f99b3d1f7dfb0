// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// Replay plays a table as the events that its rows are, one at a time and in
// order, as a server takes them, and calls visit for each row of the subset (in
// ascending order of rows) before the event is applied to the windows. Events
// that the plan does not read are passed over.
func (s *Scorer) Replay(ctx context.Context, p Subset,
	visit func(i int, ev *assay.Event, st *features.State) error) error {
	if len(p.Rows) == 0 {
		return nil
	}
	asked := make(map[int]int, len(p.Rows))
	last := 0
	for i, r := range p.Rows {
		asked[r] = i
		last = max(last, r)
	}
	windows := s.Plan.HasWindows()
	st := s.Plan.NewState()
	for r := range last + 1 {
		i, wanted := asked[r]
		if !wanted && !windows {
			continue
		}
		if r%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ev, err := s.Event(p, r)
		if err != nil {
			return err
		}
		if err := s.Plan.Admit(&ev); err != nil {
			if wanted {
				return fmt.Errorf("row %d: %w", p.RowInFile(r), err)
			}
			continue
		}
		if wanted {
			if err := visit(i, &ev, st); err != nil {
				return fmt.Errorf("row %d: %w", p.RowInFile(r), err)
			}
		}
		if windows {
			if err := s.Plan.Observe(&ev, st); err != nil {
				return fmt.Errorf("row %d: %w", p.RowInFile(r), err)
			}
		}
	}
	return nil
}

// Event is a row of the table as an event. Where the plan names no column for
// ids or times, the row's place stands for its id and one instant for all.
func (s *Scorer) Event(p Subset, row int) (assay.Event, error) {
	var id string
	var at time.Time
	if s.Plan.Spec().ID == "" {
		id = fmt.Sprintf("row-%d", p.RowInFile(row))
	}
	if s.Plan.Spec().Time == "" {
		at = epoch
	}
	return s.Plan.EventOf(p.Frame.Record, row, id, at)
}

// epoch stands for the event time of table rows, which have none.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
