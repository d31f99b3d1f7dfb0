// SPDX-License-Identifier: Apache-2.0

package scf

import "container/heap"

// stepKind is what happens next.
type stepKind uint8

const (
	stepOrder stepKind = iota
	stepReceipt
	stepInvoice
	stepApply
	stepPay
	stepDispute
	stepCredit
	stepDefault
	stepIndex
)

// step is something that is going to happen.
type step struct {
	at     int64
	n      uint64 // order of planning: two steps at one time keep it
	kind   stepKind
	buyer  *buyer
	deal   *deal
	amount float64
	sector int
}

// queue is a heap of steps by time.
type queue struct {
	steps []step
	n     uint64
}

func (q *queue) Len() int { return len(q.steps) }
func (q *queue) Less(i, j int) bool {
	a, b := &q.steps[i], &q.steps[j]
	return a.at < b.at || a.at == b.at && a.n < b.n
}
func (q *queue) Swap(i, j int) { q.steps[i], q.steps[j] = q.steps[j], q.steps[i] }
func (q *queue) Push(x any)    { q.steps = append(q.steps, x.(step)) }
func (q *queue) Pop() any {
	s := q.steps[len(q.steps)-1]
	q.steps = q.steps[:len(q.steps)-1]
	return s
}

func (w *World) push(at int64, s step) {
	w.queue.n++
	s.at, s.n = at, w.queue.n
	heap.Push(&w.queue, s)
}

// later plans a step some days from now.
func (w *World) later(days float64, s step) { w.push(w.now+int64(max(days, 0)*float64(day)), s) }
