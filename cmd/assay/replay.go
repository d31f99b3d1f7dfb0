// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// replay plays a table as the events that its rows are, one at a time and in
// order, as a server takes them, and calls visit for each row of the part (in
// ascending order of rows) before the event is applied to the windows. Events
// that the plan does not read are passed over.
func (s *scorer) replay(ctx context.Context, p part, visit func(i int, ev *assay.Event, st *features.State) error) error {
	if len(p.rows) == 0 {
		return nil
	}
	asked := make(map[int]int, len(p.rows))
	last := 0
	for i, r := range p.rows {
		asked[r] = i
		last = max(last, r)
	}
	windows := s.plan.HasWindows()
	st := s.plan.NewState()
	for r := range last + 1 {
		i, wanted := asked[r]
		if !wanted && !windows {
			continue
		}
		if r%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ev, err := s.event(p, r)
		if err != nil {
			return err
		}
		if err := s.plan.Admit(&ev); err != nil {
			if wanted {
				return fmt.Errorf("row %d: %w", p.place(r), err)
			}
			continue
		}
		if wanted {
			if err := visit(i, &ev, st); err != nil {
				return fmt.Errorf("row %d: %w", p.place(r), err)
			}
		}
		if windows {
			if err := s.plan.Observe(&ev, st); err != nil {
				return fmt.Errorf("row %d: %w", p.place(r), err)
			}
		}
	}
	return nil
}

// event is a row of the table as an event. Where the plan names no column for
// ids or times, the row's place stands for its id and one instant for all.
func (s *scorer) event(p part, row int) (assay.Event, error) {
	var id string
	var at time.Time
	if s.plan.Spec().ID == "" {
		id = fmt.Sprintf("row-%d", p.place(row))
	}
	if s.plan.Spec().Time == "" {
		at = epoch
	}
	return s.plan.EventOf(p.frame.Record, row, id, at)
}
