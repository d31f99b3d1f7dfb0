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

// groupSize is how many requests at most are numbered, scored and given to the
// journal together: the trees score a block of 64 rows at the cost of 16, and
// two groups cost more than one of twice the rows. Requests that have a number
// and no record yet hold up everybody's numbers after them, so a batch gives its
// records away as it goes and waits for them at its end.
const groupSize = 128

// group is requests that are decided together: the rows of a batch, or requests
// that came in the same moment. It is working memory.
type group struct {
	claimed       []*Request // and not yet numbered
	unexplained   []*Request // decided, and to be given reasons
	rows          []float64
	margins       []float64
	contributions []float64
	appending     sync.WaitGroup // numberedGroups on their way to the journal
}

// numberedGroup is a group on its way to the journal.
type numberedGroup struct {
	requests []*Request
	numbers  []uint64
	records  []*journal.Record
}

// errLeaderPanicked answers a request whose group's leader panicked.
var errLeaderPanicked = errors.New("a panic left the request undone")

// decideInGroup takes a claimed request all the way, with those that come in the
// same moment. The first of them leads: it lets whoever is ready to run go
// first, then does the work of all and wakes them. The others wait once, as
// they would for the journal; on idle processors each leads itself alone.
func (e *Engine) decideInGroup(r *Request) {
	g, leads := e.join(r)
	if !leads {
		<-r.woken
		return
	}
	runtime.Gosched()
	e.close(g)
	e.lead(g, r)
}

// join adds r to the open group, and reports whether it has to lead it.
func (e *Engine) join(r *Request) (g *group, leads bool) {
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

// close ends the joining of g: it is its leader's alone.
func (e *Engine) close(g *group) {
	e.joining.Lock()
	defer e.joining.Unlock()
	if e.joining.open == g {
		e.joining.open = nil
	}
}

// lead takes g's requests all the way and wakes those but its own. They still
// use their memory until then.
func (e *Engine) lead(g *group, own *Request) {
	rs := slices.Clone(g.claimed)
	whole := false
	defer func() {
		if !whole { // a panic goes by
			e.abandon(g)
		}
		for _, r := range rs {
			if !whole && r.Err == nil {
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
	g.forget()
	e.pool.Put(g)
	whole = true
}

// forget lets go of the requests.
func (g *group) forget() {
	g.claimed, g.unexplained = g.claimed[:0], g.unexplained[:0]
	clear(g.claimed[:cap(g.claimed)])
	clear(g.unexplained[:cap(g.unexplained)])
}

// abandon gives up what a panic left, and g with it: requests on their way to the
// journal still use their memory and are waited for, and the ids of the others
// can be used again.
func (e *Engine) abandon(g *group) {
	g.appending.Wait()
	for _, r := range g.claimed {
		e.claims.release(r.tag, &r.claim)
	}
}

// decideAndAppend decides what is claimed, and has the journal take it meanwhile.
func (e *Engine) decideAndAppend(ctx context.Context, g *group) {
	if len(g.claimed) == 0 {
		return
	}
	n := e.decideGroup(g)
	if len(n.requests) > 0 {
		g.appending.Go(func() { e.appendGroup(context.WithoutCancel(ctx), &n) })
	}
}

// decideGroup numbers and scores what is claimed, and makes its records. Those
// that got no number are out.
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

// numberLocked is the critical section, with mu held: read the windows as they
// stand, apply the event, take the next number. When it returns, r.numbered is
// set or r.Err. A panic becomes r's error: others of its group may have their
// numbers already, and those need their records.
func (e *Engine) numberLocked(r *Request) {
	defer recoverAsError(&r.Err)
	if !r.Fact {
		var err error
		if r.vector, err = r.Model.Plan.VectorOf(r.values[:0], r.fields, r.Event, r.Model.windows.state); err != nil {
			r.Err = err
			return
		}
		r.values = r.vector.Values
	}
	for _, w := range e.mu.windows {
		// A plan of another model may not know this kind of event.
		if w != r.Model.windows && w.plan.Validate(r.Event) != nil {
			continue
		}
		if err := w.plan.Observe(r.Event, w.state); err != nil {
			r.Err = err
			return
		}
		if w == r.Model.windows {
			r.Late = latenessOf(w.state)
		}
	}
	r.Sequence, r.numbered = e.journal.Take(), true
	if r.Late.IsLate() {
		e.late.remember(r.Sequence, r.Late)
		e.late.count(r.Event.Kind, r.Late)
	}
}

// decideNumbered makes the decisions and fills the records: runs of one model's
// requests are scored together.
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
// recorded: the number is taken.
func (e *Engine) decideOne(r *Request) {
	r.startDecision(e.now().UnixMicro())
	if !r.Fact {
		r.Err = r.score()
	}
	r.completeRecord()
}

// decideSameModel is decideOne for requests that one model scores, each step for
// all of them.
func (e *Engine) decideSameModel(g *group, rs []*Request) {
	at := e.now().UnixMicro()
	g.rows = g.rows[:0]
	for _, r := range rs {
		r.startDecision(at)
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

// explain gives those of one model's decisions that need them their reasons.
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

// appendGroup makes the records of a group durable, all at once, and releases
// their ids: one group commit, as a rule, takes them all.
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
		if i < len(promises) && promises[i].Count > 0 { // this one is durable, whatever became of others
			r.setPromise(&promises[i])
			durable = append(durable, r)
			continue
		}
		r.Err = fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	e.onDurable(durable)
}

// onDurable tells those who follow decisions of records that are durable.
func (e *Engine) onDurable(rs []*Request) {
	e.index.add(rs)
	e.instruments.countOutcomes(rs)
	for _, r := range rs {
		if r.Decision.Outcome == assay.Failed || r.Fact {
			continue
		}
		e.shadows.offer(r.Sequence)
		r.Model.unseen.count(r.fields, r.Model.Name, e.now, e.log)
		if r.Sequence%DriftEvery == 0 {
			e.drift.observe(r.Decision.Score.PD, r.vector.Values)
		}
	}
}
