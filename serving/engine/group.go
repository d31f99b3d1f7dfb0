// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// groupSize is how many requests at most are numbered, scored and appended
// together: the trees score a block of 64 rows at the cost of 16, and two groups
// cost more than one of twice the rows. A request that has a number and no record
// yet delays all requests with later numbers, so a batch appends its records
// group by group and waits for all of them at its end.
const groupSize = 128

// group is requests that are decided together: rows of a batch, or requests that
// came at the same moment. It is scratch memory, from Engine.pool.
type group struct {
	claimed       []*Request // claimed, and not yet numbered
	unexplained   []*Request // decided, and without reasons so far
	rows          []float64
	margins       []float64
	contributions []float64
	appending     sync.WaitGroup // numberedGroups that are being appended
}

// numberedGroup is a group that has its sequence numbers and its records.
type numberedGroup struct {
	requests []*Request
	numbers  []uint64
	records  []*journal.Record
}

// errLeaderPanicked answers a request whose group's leader panicked.
var errLeaderPanicked = errors.New("the group's leader panicked")

// decideInGroup decides a claimed request together with those that come at the
// same moment. The first of them is the leader: it yields once, so that
// goroutines which are ready can join, decides all, and wakes the others. They
// wait once, as they would for the journal. On idle processors each request is a
// group of its own.
func (e *Engine) decideInGroup(r *Request) {
	g, leads := e.joinGroup(r)
	if !leads {
		<-r.woken
		return
	}
	runtime.Gosched()
	e.closeGroup(g)
	e.leadGroup(g, r)
}

// joinGroup adds r to the open group, and reports whether r is its leader.
func (e *Engine) joinGroup(r *Request) (g *group, leads bool) {
	e.joining.Lock()
	defer e.joining.Unlock()
	if leads = e.joining.open == nil; leads {
		e.joining.open = e.pool.Get().(*group)
	} else if r.woken == nil {
		r.woken = make(chan struct{}, 1)
	}
	g = e.joining.open
	if g.claimed = append(g.claimed, r); len(g.claimed) == groupSize {
		e.joining.open = nil
	}
	return g, leads
}

// closeGroup ends the joining of g: from now on only its leader uses it.
func (e *Engine) closeGroup(g *group) {
	e.joining.Lock()
	defer e.joining.Unlock()
	if e.joining.open == g {
		e.joining.open = nil
	}
}

// leadGroup decides g's requests, appends their records, and wakes all but the
// leader's own. Until then the waiting requests' memory is in use.
func (e *Engine) leadGroup(g *group, own *Request) {
	rs := slices.Clone(g.claimed)
	completed := false
	defer func() {
		if !completed { // a panic is unwinding
			e.abandon(g)
		}
		for _, r := range rs {
			if !completed && r.Err == nil {
				r.Err = errLeaderPanicked
			}
			if r != own {
				r.woken <- struct{}{}
			}
		}
	}()
	if n := e.decideGroup(g); len(n.requests) > 0 {
		e.appendGroup(context.Background(), &n)
	}
	g.reset()
	e.pool.Put(g)
	completed = true
}

// reset drops the requests and keeps the memory.
func (g *group) reset() {
	g.claimed, g.unexplained = g.claimed[:0], g.unexplained[:0]
	clear(g.claimed[:cap(g.claimed)])
	clear(g.unexplained[:cap(g.unexplained)])
}

// abandon cleans up after a panic: it waits for the requests that are being
// appended, since the journal reads their memory, and releases the ids of the
// others. g is not used again.
func (e *Engine) abandon(g *group) {
	g.appending.Wait()
	for _, r := range g.claimed {
		e.claims.release(r.tag, &r.claim)
	}
}

// decideAndAppend decides the claimed requests, and appends their records in the
// background.
func (e *Engine) decideAndAppend(ctx context.Context, g *group) {
	if len(g.claimed) == 0 {
		return
	}
	n := e.decideGroup(g)
	if len(n.requests) > 0 {
		g.appending.Go(func() { e.appendGroup(context.WithoutCancel(ctx), &n) })
	}
}

// decideGroup numbers and scores the claimed requests, and makes their records.
// Requests that got no number are left out, and their ids released.
func (e *Engine) decideGroup(g *group) numberedGroup {
	e.mu.Lock()
	for _, r := range g.claimed {
		e.numberLocked(r)
	}
	e.mu.Unlock()
	k := len(g.claimed)
	n := numberedGroup{requests: make([]*Request, 0, k), numbers: make([]uint64, 0, k),
		records: make([]*journal.Record, 0, k)}
	for _, r := range g.claimed {
		if !r.numbered {
			e.claims.release(r.tag, &r.claim)
			continue
		}
		r.clock.done(stageSequence)
		n.requests = append(n.requests, r)
	}
	e.decideNumbered(g, n.requests)
	for _, r := range n.requests {
		r.clock.done(stageDecide)
		n.numbers, n.records = append(n.numbers, r.Sequence), append(n.records, &r.record)
	}
	g.claimed = g.claimed[:0]
	return n
}

// numberLocked is the critical section, with mu held: read the windows, apply the
// event to them, take the next number and its time. When it returns, either r.numbered or r.Err
// is set. A panic becomes r's error, since other requests of the group may have
// their numbers already and need their records.
func (e *Engine) numberLocked(r *Request) {
	defer recoverAsError(&r.Err)
	if r.keyChanges != e.journal.KeyChanges() { // a party may have been erased since
		if r.Err = r.lookUpParties(e.journal); r.Err != nil {
			return
		}
	}
	e.snapshotLocked()
	if len(r.cold) > 0 {
		r.Model.windows.state.Warm(r.cold)
	}
	if !r.Fact {
		if r.vector, r.Err = r.Model.Plan.VectorOfParties(r.values[:0], r.fields, r.Event, r.transition.Parties,
			r.Model.windows.state); r.Err != nil {
			return
		}
		r.values = r.vector.Values
	}
	if r.Late, r.Err = e.mu.state.Apply(&r.transition); r.Err != nil {
		return
	}
	r.Sequence, r.micros = e.journal.TakeAt()
	r.numbered = true
	if r.Late.IsLate() {
		e.late.remember(r.Sequence, r.Late)
		e.late.count(r.Event.Kind, r.Late)
	}
}

// decideNumbered makes the decisions and fills the records. Successive requests
// of one model are scored together.
func (e *Engine) decideNumbered(g *group, rs []*Request) {
	for len(rs) > 0 {
		n := 1
		for n < len(rs) && rs[n].Model == rs[0].Model && !rs[n].Fact && !rs[0].Fact {
			n++
		}
		if n == 1 {
			e.decideOne(rs[0])
		} else {
			e.decideSameModel(g, rs[:n])
		}
		rs = rs[n:]
	}
}

// decideOne makes a decision and fills the record. Whatever goes wrong here is
// recorded, since the number is taken.
func (e *Engine) decideOne(r *Request) {
	r.startDecision(r.micros)
	if !r.Fact {
		r.Err = r.score()
	}
	r.completeRecord()
}

// decideSameModel is decideOne for requests of one model: it does each step for
// all of them.
func (e *Engine) decideSameModel(g *group, rs []*Request) {
	g.rows = g.rows[:0]
	for _, r := range rs {
		r.startDecision(r.micros)
		g.rows = append(g.rows, r.vector.Values...)
	}
	g.margins = append(g.margins[:0], make([]float64, len(rs))...)
	err := rs[0].Model.margins(g.margins, g.rows)
	for i, r := range rs {
		if r.Err = err; err == nil {
			r.Err = r.decide(g.margins[i])
		}
	}
	g.explain(rs)
	for _, r := range rs {
		r.completeRecord()
	}
}

// explain gives reasons to the decisions that need them; one model made all of them.
func (g *group) explain(rs []*Request) {
	g.unexplained, g.rows = g.unexplained[:0], g.rows[:0]
	for _, r := range rs {
		if r.Err == nil && r.needsReasons() {
			g.unexplained = append(g.unexplained, r)
			g.rows = append(g.rows, r.vector.Values...)
		}
	}
	if len(g.unexplained) == 0 {
		return
	}
	model := rs[0].Model
	k := model.Forest.Features() + 1
	g.contributions = append(g.contributions[:0], make([]float64, k*len(g.unexplained))...)
	err := model.contributions(g.contributions, g.rows)
	for i, r := range g.unexplained {
		if r.Err = err; err == nil {
			r.Err = r.setReasons(g.contributions[i*k : (i+1)*k])
		}
	}
}

// contributions explains rows; a panic becomes an error.
func (m *Model) contributions(dst, rows []float64) (err error) {
	defer recoverAsError(&err)
	m.Forest.ContributionsAll(dst, rows)
	return nil
}

// margins scores rows; a panic becomes an error.
func (m *Model) margins(dst, rows []float64) (err error) {
	defer recoverAsError(&err)
	m.Forest.Margins(dst, rows)
	return nil
}

// appendGroup makes the records of a group durable, as a rule in one commit of
// the journal, and releases their ids.
func (e *Engine) appendGroup(ctx context.Context, n *numberedGroup) {
	defer func() {
		for _, r := range n.requests {
			r.clock.done(stageJournal)
			e.claims.release(r.tag, &r.claim)
		}
	}()
	promises, err := e.journal.AppendAll(ctx, n.numbers, n.records)
	durable := make([]*Request, 0, len(n.requests))
	for i, r := range n.requests {
		if i < len(promises) && promises[i].Count > 0 { // this record is durable, even if others are not
			r.setPromise(&promises[i])
			durable = append(durable, r)
			continue
		}
		r.Err = fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	e.onDurable(durable)
}

// onDurable passes durable records to the metrics, the challengers and
// the watches over unseen texts and drift.
func (e *Engine) onDurable(rs []*Request) {
	var outcomes [assay.Recorded + 1]int
	for _, r := range rs {
		outcomes[r.Decision.Outcome]++
		if r.Decision.Outcome == assay.Failed || r.Fact {
			continue
		}
		e.shadows.enqueue(r.Sequence)
		r.Model.unseen.count(r.fields, r.Model.Name, e.now, e.log)
		if r.Sequence%DriftSampleEvery == 0 {
			e.drift.observe(r.Decision.Score.PD, r.vector.Values)
		}
	}
	e.instruments.countOutcomes(&outcomes)
}
