// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"sync"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// batchGroup is how many rows of a batch are sequenced, scored and given to the
// journal together: the trees score a block of 64 rows at the cost of 16, and
// two groups cost more than one of twice the rows. Rows that have a number and
// no record yet hold up everybody's numbers after them, so a batch gives its
// records away as it goes and waits for them at its end.
const batchGroup = 128

// many takes many requests all the way. It is working memory.
type many struct {
	open          []*work // claimed and not yet sequenced
	unexplained   []*work // decided, and to be given reasons
	rows          []float64
	margins       []float64
	contributions []float64
	under         sync.WaitGroup // groups on their way to the journal
}

// rowGroup is one group on its way to the journal.
type rowGroup struct {
	ws   []*work
	seqs []uint64
	recs []*journal.Record
}

// decideAll takes many requests all the way with one wait for the journal.
// Each w.err says what became of it. Rows that it has claimed are finished
// before it waits for an id that somebody else holds (another call, or an
// earlier row of this one), so that two batches never wait for each other.
func (e *engine) decideAll(ctx context.Context, ws []*work) {
	m := e.manies.Get().(*many)
	whole := false
	defer func() {
		if !whole { // a panic goes by
			e.abandon(m)
			return
		}
		e.manies.Put(m)
	}()
	finish := func() {
		e.group(ctx, m)
		m.under.Wait()
	}
	for _, w := range ws {
		if w.err != nil {
			continue
		}
		if w.err = e.begin(ctx, w, finish); w.err != nil || w.repeated {
			continue
		}
		if m.open = append(m.open, w); len(m.open) == batchGroup {
			e.group(ctx, m)
		}
	}
	finish()
	m.release()
	whole = true
}

// release lets go of the requests.
func (m *many) release() {
	m.open, m.unexplained = m.open[:0], m.unexplained[:0]
	clear(m.open[:cap(m.open)])
	clear(m.unexplained[:cap(m.unexplained)])
}

// abandon gives up what a panic left, and m with it: rows on their way to the
// journal still use their memory and are waited for, and the ids of the others
// can be used again.
func (e *engine) abandon(m *many) {
	m.under.Wait()
	for _, w := range m.open {
		e.inflight.leave(w.tag, &w.ticket)
	}
}

// group sequences, scores and gives to the journal what is open.
func (e *engine) group(ctx context.Context, m *many) {
	if len(m.open) == 0 {
		return
	}
	g := e.decideOpen(m)
	if len(g.ws) > 0 {
		m.under.Go(func() { e.appendAll(context.WithoutCancel(ctx), &g) })
	}
}

// decideOpen sequences and scores what is open, and makes its records. Those
// that got no number are out.
func (e *engine) decideOpen(m *many) rowGroup {
	e.mu.Lock()
	for _, w := range m.open {
		e.sequenceLocked(w)
	}
	e.mu.Unlock()
	g := rowGroup{ws: make([]*work, 0, len(m.open)), seqs: make([]uint64, 0, len(m.open)), recs: make([]*journal.Record, 0, len(m.open))}
	for _, w := range m.open {
		if !w.taken {
			e.inflight.leave(w.tag, &w.ticket)
			continue
		}
		w.clock.done(stageSequence)
		g.ws = append(g.ws, w)
	}
	e.finishAll(m, g.ws)
	for _, w := range g.ws {
		w.clock.done(stageDecide)
		g.seqs, g.recs = append(g.seqs, w.seq), append(g.recs, &w.rec)
	}
	m.open = m.open[:0]
	return g
}

// finishAll is finish for many: the vectors of one model are scored together.
func (e *engine) finishAll(m *many, ws []*work) {
	for len(ws) > 0 {
		n := 1
		for n < len(ws) && ws[n].model == ws[0].model && !ws[n].record && !ws[0].record {
			n++
		}
		if n == 1 {
			e.finish(ws[0])
		} else {
			e.finishSame(m, ws[:n])
		}
		ws = ws[n:]
	}
}

// finishSame finishes rows that one model scores, each step for all of them.
func (e *engine) finishSame(m *many, ws []*work) {
	at := e.now().UnixMicro()
	m.rows = m.rows[:0]
	for _, w := range ws {
		w.draft(at)
		m.rows = append(m.rows, w.vector.Values...)
	}
	m.margins = append(m.margins[:0], make([]float64, len(ws))...)
	err := ws[0].model.margins(m.margins, m.rows)
	for i, w := range ws {
		if w.err = err; err == nil {
			w.err = w.decide(m.margins[i])
		}
	}
	m.explain(ws)
	for _, w := range ws {
		w.complete()
	}
}

// explain gives those of one model's decisions that need them their reasons.
func (m *many) explain(ws []*work) {
	m.unexplained, m.rows = m.unexplained[:0], m.rows[:0]
	for _, w := range ws {
		if w.err == nil && w.wantsReasons() {
			m.unexplained = append(m.unexplained, w)
			m.rows = append(m.rows, w.vector.Values...)
		}
	}
	if len(m.unexplained) == 0 {
		return
	}
	model := ws[0].model
	k := model.forest.Features() + 1
	m.contributions = append(m.contributions[:0], make([]float64, k*len(m.unexplained))...)
	err := model.contributions(m.contributions, m.rows)
	for i, w := range m.unexplained {
		if w.err = err; err == nil {
			w.err = w.because(m.contributions[i*k : (i+1)*k])
		}
	}
}

// because gives a decision its reasons; a panic becomes an error.
func (w *work) because(contributions []float64) (err error) {
	defer caught(&err)
	w.reasons = w.model.why.Of(w.reasons[:0], contributions)
	w.decision.Reasons = w.reasons
	return nil
}

// contributions explains rows; a panic becomes an error.
func (m *live) contributions(dst, rows []float64) (err error) {
	defer caught(&err)
	m.forest.ContributionsAll(dst, rows)
	return nil
}

// margins scores rows; a panic becomes an error.
func (m *live) margins(dst, rows []float64) (err error) {
	defer caught(&err)
	m.forest.Margins(dst, rows)
	return nil
}

// appendAll makes the records of a group durable, all at once, and leaves their
// ids: one group commit, as a rule, takes them all.
func (e *engine) appendAll(ctx context.Context, g *rowGroup) {
	defer func() {
		for _, w := range g.ws {
			w.clock.done(stageJournal)
			e.inflight.leave(w.tag, &w.ticket)
		}
	}()
	ps, err := e.journal.AppendAll(ctx, g.seqs, g.recs)
	durable := make([]*work, 0, len(g.ws))
	for i, w := range g.ws {
		if i < len(ps) && ps[i].Count > 0 { // this one is durable, whatever became of others
			w.setPromise(&ps[i])
			durable = append(durable, w)
			continue
		}
		w.err = fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	e.settled(durable)
}
