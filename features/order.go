// SPDX-License-Identifier: Apache-2.0

package features

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
)

// Order reports whether a table is in the order of time, as a log of events must
// be: which rows a server that got them in this order would find late or refuse.
type Order struct {
	Events   int            // rows of kinds that the plan knows
	Late     int            // rows that are older than an earlier row by more than the lateness
	First    []LateRow      // the first ten late rows
	Lateness time.Duration  // the plan's `lateness`
	Ahead    []AheadRow     // rows far in the future of the rest of the log, in the order of time
	Limit    time.Duration  // how far that is at least: the plan's `ahead`
	Unknown  map[string]int // rows of kinds that the plan does not know, by kind
}

// LateRow is a row that comes too late.
type LateRow struct {
	Row    int
	Newest int // the earlier row with the latest time
	Behind time.Duration
}

// AheadRow is a row whose time is far after that of the rest of the log.
type AheadRow struct {
	Row int
	At  time.Time
	Gap time.Duration // from the latest time of the rest
}

// maxLateRows bounds Order.First.
const maxLateRows = 10

// CheckOrder checks the times of a table's rows. It returns nil for a spec to
// which the order does not matter: one without windows and without a label by
// event.
func CheckOrder(s *plantext.Spec, rec arrow.Record) (*Order, error) {
	p, src, err := sourceOf(s, rec)
	if err != nil || !p.HasWindows() && !p.labelledByEvent() {
		return nil, err
	}
	t, err := p.eventReader(rec, src)
	if err != nil {
		return nil, err
	}
	lateness, _ := eventtime.ParseSpan(p.spec.Lateness)
	limit, _ := eventtime.ParseSpan(cmp.Or(p.spec.Ahead, plantext.DefaultAhead))
	o := &Order{Lateness: micros(lateness), Limit: micros(limit), Unknown: map[string]int{}}
	type event struct {
		at  int64
		row int
	}
	var events []event
	mark, newest := int64(math.MinInt64), 0
	for row := range int(rec.NumRows()) {
		if kind := t.kindAt(row); p.kinds.index(kind) == unknownKind {
			o.Unknown[kind]++
			continue
		}
		us, bad := src.timeAt(row)
		if bad != nil {
			return nil, bad
		}
		events = append(events, event{us, row})
		if us >= mark {
			mark, newest = us, row
			continue
		}
		if p.HasWindows() && us < mark-lateness {
			if o.Late++; len(o.First) < maxLateRows {
				o.First = append(o.First, LateRow{row, newest, micros(mark - us)})
			}
		}
	}
	o.Events = len(events)
	slices.SortStableFunc(events, func(a, b event) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	for i := len(events)/2 + 1; i < len(events); i++ {
		if end := events[i-1].at; events[i].at-end > limit {
			for _, e := range events[i:] {
				o.Ahead = append(o.Ahead, AheadRow{e.row, time.UnixMicro(e.at).UTC(), micros(e.at - end)})
			}
			break
		}
	}
	return o, nil
}

func micros(us int64) time.Duration {
	if us > math.MaxInt64/1000 { // 292 years
		return math.MaxInt64
	}
	return time.Duration(us) * time.Microsecond
}

func (p *Plan) labelledByEvent() bool { return p.spec.Label != nil && p.spec.Label.Event != "" }

// RowsByTime returns the rows of a table sorted by time; rows of the same time
// keep their order. A row without a time is an error.
func RowsByTime(s *plantext.Spec, rec arrow.Record) ([]int, error) {
	_, src, err := sourceOf(s, rec)
	if err != nil {
		return nil, err
	}
	times := make([]int64, rec.NumRows())
	rows := make([]int, len(times))
	for row := range rows {
		us, bad := src.timeAt(row)
		if bad != nil {
			return nil, bad
		}
		times[row], rows[row] = us, row
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		switch {
		case times[a] < times[b]:
			return -1
		case times[a] > times[b]:
			return 1
		}
		return 0
	})
	return rows, nil
}

// CountKinds counts the rows of a table by kind of event; without a kind column
// all are of the scored kind.
func CountKinds(s *plantext.Spec, rec arrow.Record) (map[string]int, error) {
	p, src, err := sourceOf(s, rec)
	if err != nil {
		return nil, err
	}
	t, err := p.eventReader(rec, src)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for row := range int(rec.NumRows()) {
		out[t.kindAt(row)]++
	}
	return out, nil
}
