// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/features/window"
	"github.com/assayrisk/assay/internal/nearest"
)

// eventReader reads a table as an event log: one event a row, in the table's order.
type eventReader struct {
	src   *source
	kind  fieldvalue.Column // the plan's kind column; none: every row is scored
	roles []fieldvalue.Column
	needs []int // fields that windows read
	ev    assay.Event
}

func (p *Plan) eventReader(rec arrow.Record, src *source) (*eventReader, error) {
	t := &eventReader{src: src}
	var err error
	if p.spec.Kind != "" {
		if t.kind, err = fieldvalue.ColumnOf(rec, p.spec.Kind, assay.Text, true); err != nil {
			return nil, err
		}
	}
	if len(p.feeds) == 0 {
		return t, nil
	}
	if p.spec.Time == "" {
		return nil, &assay.FieldError{Field: "time",
			Problem: "the plan has windows: name the table's time column at the plan's `time`"}
	}
	for _, r := range p.spec.Entities {
		c, err := fieldvalue.ColumnOf(rec, r, assay.Text, false)
		if err != nil {
			return nil, err
		}
		t.roles = append(t.roles, c)
	}
	for i := range p.keys {
		if err := t.checkColumns(&p.keys[i], rec); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// checkColumns returns an error for a role or field that the windows of one kind
// of key read and the table has no column for: without the error, the windows
// would be silently empty.
func (t *eventReader) checkColumns(k *keyKind, rec arrow.Record) error {
	p := t.src.p
	for _, i := range k.windows {
		f := &p.feeds[i]
		if len(f.features) == 0 || t.kind.Array == nil && !f.on.has(scored) { // no row of the table can feed it
			continue
		}
		for _, name := range p.spec.WindowReads(i) {
			if name == "" || p.spec.DerivedIndex(name) >= 0 || len(rec.Schema().FieldIndices(name)) > 0 {
				continue
			}
			var columns []string
			for _, f := range rec.Schema().Fields() {
				columns = append(columns, f.Name)
			}
			return &assay.FieldError{Field: name, Problem: fmt.Sprintf(
				"the table has no such column, and window %q reads it%s (the columns are %s)",
				p.spec.Windows[i].Name, nearest.Hint(name, columns),
				strings.Join(columns[:min(len(columns), maxNamedColumns)], ", "))}
		}
	}
	return nil
}

// maxNamedColumns bounds the columns that a message names.
const maxNamedColumns = 40

// forKey returns a reader for the windows of one kind of key: its events have only
// the roles and fields that these windows read.
func (t *eventReader) forKey(k *keyKind) *eventReader {
	p := t.src.p
	read := map[string]bool{}
	for _, i := range k.windows {
		for _, name := range p.spec.WindowReads(i) {
			read[name] = true
		}
	}
	out := &eventReader{src: t.src, kind: t.kind}
	for _, r := range t.roles {
		if read[r.Name] {
			out.roles = append(out.roles, r)
		}
	}
	for i := range p.fields {
		if read[p.fields[i].Spec.Name] {
			out.needs = append(out.needs, i)
		}
	}
	return out
}

const noTime = "an event wants a time between the years 1900 and 2200: 2006-01-02 or 2006-01-02T15:04:05Z"

// kindAt returns the kind of a row's event.
func (t *eventReader) kindAt(row int) string {
	if t.kind.Array == nil {
		return t.src.p.spec.ScoredKind()
	}
	return t.kind.Text(row)
}

// eventAt returns the event of one row, with only what the reader's windows read.
// The event is valid until the next call.
func (t *eventReader) eventAt(row, kind int, us int64) (*assay.Event, error) {
	p := t.src.p
	t.ev.Kind, t.ev.Time = p.kinds[kind], time.UnixMicro(us)
	t.ev.Entities, t.ev.Fields = t.ev.Entities[:0], t.ev.Fields[:0]
	for i := range t.roles {
		if id := t.roles[i].Text(row); id != "" {
			t.ev.Entities = append(t.ev.Entities, assay.Entity{Role: t.roles[i].Name, ID: id})
		}
	}
	for _, i := range t.needs {
		f := &p.fields[i]
		if !f.on.has(kind) {
			continue
		}
		v, err := f.CellAsValue(&t.src.cols[i], row)
		if err != nil {
			return nil, err
		}
		var bad *assay.FieldError
		if err := f.Validate(v); errors.As(err, &bad) {
			return nil, &fieldvalue.RowError{Row: row, Column: bad.Field, Problem: bad.Problem}
		}
		if v.Kind != assay.Missing {
			t.ev.Fields = append(t.ev.Fields, assay.Field{Name: f.Spec.Name, Value: v})
		}
	}
	return &t.ev, nil
}

// history holds the values of the window features at the time of each scored row.
type history struct {
	rows  []int // record rows that are scored, in order
	place []int // record row -> index in rows, -1 if it is not scored; nil: the same
	slots []int // scratch columns of the window features
	cols  [][]float64
	// How many events were counted or left out. Each window's counts are written by
	// one goroutine, the one that replays its kind of key.
	tallies []feedTally // by window and kind
	read    []int       // by window: scored rows for whose key it had an event
	counts  [][]float64 // by window, for a plan that is counting: events that it held for each scored row
	before  []uint64    // by window: events that it had counted when the last scored row came
}

// replay applies the whole table to a new state: the same calls, in the same
// order, that a server makes for each kind of key. Kinds of key are independent,
// so they are replayed concurrently. It also finds the scored rows.
func (p *Plan) replay(ctx context.Context, rec arrow.Record, src *source) (*history, error) {
	t, err := p.eventReader(rec, src)
	if err != nil {
		return nil, err
	}
	h, n := &history{}, int(rec.NumRows())
	if t.kind.Array != nil {
		h.place = make([]int, n)
	}
	var log replayRecord
	for row := range n {
		kind := scored
		if t.kind.Array != nil {
			kind = p.kinds.index(t.kind.Text(row))
		}
		if h.place != nil {
			h.place[row] = -1
		}
		if kind == scored {
			if h.place != nil {
				h.place[row] = len(h.rows)
			}
			h.rows = append(h.rows, row)
		}
		if len(p.feeds) == 0 {
			continue
		}
		us := int64(0)
		if kind != unknownKind {
			var bad *fieldvalue.RowError
			if us, bad = src.timeAt(row); bad != nil {
				return nil, bad
			}
		}
		log.kinds, log.times = append(log.kinds, int16(kind)), append(log.times, us)
	}
	h.cols = make([][]float64, p.slots)
	for _, f := range p.feeds {
		for _, r := range f.features {
			h.slots = append(h.slots, r.slot)
			h.cols[r.slot] = make([]float64, 0, len(h.rows))
		}
	}
	st, errs := p.NewState(), make([]error, len(p.keys))
	h.tallies, h.read, h.before = st.tallies, make([]int, len(p.feeds)), make([]uint64, len(p.feeds))
	h.counts = make([][]float64, len(p.feeds))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for _, k := range p.keysByWindows() {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[k] = p.replayKey(ctx, k, t.forKey(&p.keys[k]), &log, st.tables[k], h)
		})
	}
	wg.Wait()
	return h, errors.Join(errs...)
}

// keysByWindows lists the kinds of key, those with the most windows first.
func (p *Plan) keysByWindows() []int {
	out := make([]int, len(p.keys))
	for i := range out {
		out[i] = i
	}
	slices.SortStableFunc(out, func(a, b int) int { return len(p.keys[b].windows) - len(p.keys[a].windows) })
	return out
}

// replayRecord holds the kinds and times of a table's rows. The time of a row whose
// kind the plan does not know is 0 and not used: a server refuses such events.
type replayRecord struct {
	kinds []int16
	times []int64
}

// replayKey applies the table to the windows of one kind of key.
func (p *Plan) replayKey(ctx context.Context, k int, t *eventReader, log *replayRecord,
	table *window.Table, h *history) error {
	sc := p.newScratch(1)
	st := &State{tables: make([]*window.Table, len(p.keys)), tallies: h.tallies, derived: p.derivation.newRow(),
		stored: snapshot.New(nil)}
	st.tables[k] = table
	var slots []int
	for _, i := range p.keys[k].windows {
		for _, r := range p.feeds[i].features {
			slots = append(slots, r.slot)
		}
	}
	for row, us := range log.times {
		st.missedBy = st.missedBy[:0]
		if row&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind := int(log.kinds[row])
		if kind == unknownKind {
			continue
		}
		if kind != scored && len(p.keys[k].fedBy(kind)) == 0 { // no window takes it, but its time counts
			table.Advance(us)
			continue
		}
		ev, err := t.eventAt(row, kind, us)
		if err != nil {
			return err
		}
		if kind == scored {
			key, err := p.find(k, sc, ev, nil, st)
			if err != nil {
				return err
			}
			p.readTable(k, sc, key, us, st)
			for _, i := range p.keys[k].windows {
				if sc.seen[i] {
					h.read[i]++
				}
				if p.counting {
					h.counts[i] = append(h.counts[i], sc.counts[i])
				}
				if row == h.rows[len(h.rows)-1] {
					h.before[i] = p.fed(st, i)
				}
			}
			for _, slot := range slots {
				h.cols[slot] = append(h.cols[slot], sc.cols[slot][0])
			}
		}
		if err := p.observeTable(k, ev, nil, kind, us, st); err != nil {
			return err
		}
	}
	return nil
}

// fill puts the window features of record rows into a scratch.
func (h *history) fill(sc *scratch, rows []int) {
	for _, slot := range h.slots {
		dst := sc.cols[slot]
		for j, row := range rows {
			if h.place != nil {
				row = h.place[row]
			}
			dst[j] = h.cols[slot][row]
		}
	}
}

// scored returns the given rows that are of the scored kind.
func (h *history) scored(rows []int) []int {
	if h.place == nil {
		return rows
	}
	var out []int
	for _, r := range rows {
		if h.place[r] >= 0 {
			out = append(out, r)
		}
	}
	return out
}

// scoredRows finds the rows of the scored kind without a replay.
func (p *Plan) scoredRows(rec arrow.Record, src *source) ([]int, error) {
	t := &eventReader{src: src}
	if p.spec.Kind != "" {
		var err error
		if t.kind, err = fieldvalue.ColumnOf(rec, p.spec.Kind, assay.Text, true); err != nil {
			return nil, err
		}
	}
	var rows []int
	for row := range int(rec.NumRows()) {
		if t.kindAt(row) == p.spec.ScoredKind() {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
