// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"runtime"
	"slices"
)

// errLeft answers a request that was taken along by one whose work panicked.
var errLeft = errors.New("a panic left the request undone")

// together takes a claimed request all the way, with those that come in the
// same moment. The first of them leads: it lets whoever is ready to run go
// first, then does the work of all and wakes them. The others wait once, as
// they would for the journal; on idle processors each leads itself alone.
func (e *engine) together(w *work) {
	m, leads := e.join(w)
	if !leads {
		<-w.led
		return
	}
	runtime.Gosched()
	e.part(m)
	e.lead(m, w)
}

// join adds w to the requests that wait to be led, and reports whether it has
// to lead them.
func (e *engine) join(w *work) (m *many, leads bool) {
	e.joining.Lock()
	defer e.joining.Unlock()
	if leads = e.joining.open == nil; leads {
		e.joining.open = e.manies.Get().(*many)
	} else if w.led == nil {
		w.led = make(chan struct{}, 1)
	}
	m = e.joining.open
	if m.open = append(m.open, w); len(m.open) == batchGroup {
		e.joining.open = nil
	}
	return m, leads
}

// part ends the joining of m: it is its leader's alone.
func (e *engine) part(m *many) {
	e.joining.Lock()
	defer e.joining.Unlock()
	if e.joining.open == m {
		e.joining.open = nil
	}
}

// lead takes m's requests all the way and wakes those but its own. They still
// use their memory until then.
func (e *engine) lead(m *many, own *work) {
	ws := slices.Clone(m.open)
	whole := false
	defer func() {
		if !whole { // a panic goes by
			e.abandon(m)
		}
		for _, w := range ws {
			if !whole && w.err == nil {
				w.err = errLeft
			}
			if w != own {
				w.led <- struct{}{}
			}
		}
	}()
	if g := e.decideOpen(m); len(g.ws) > 0 {
		e.appendAll(context.Background(), &g)
	}
	m.release()
	e.manies.Put(m)
	whole = true
}
