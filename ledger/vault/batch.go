// SPDX-License-Identifier: Apache-2.0

package vault

// maxItems bounds the items of one request.
const maxItems = 256

// batch is what one caller has wrapped or unwrapped, at most maxItems of it.
type batch struct {
	op    string
	items [][]byte
	out   [][]byte // result i is of item i; nil: it was not opened
	err   error
	done  bool // guarded by Program.turn
}

// inBatches wraps or unwraps any number of items.
func (p *Program) inBatches(op string, items [][]byte) ([][]byte, error) {
	out := make([][]byte, 0, len(items))
	for len(items) > 0 {
		n := min(len(items), maxItems)
		b := &batch{op: op, items: items[:n]}
		p.do(b)
		if b.err != nil {
			return nil, b.err
		}
		out, items = append(out, b.out...), items[n:]
	}
	return out, nil
}

// do queues a batch and returns when it is done: by another caller, who took it along with his own, or here, with those
// that wait behind it.
func (p *Program) do(b *batch) {
	p.queue.Lock()
	p.queue.waiting = append(p.queue.waiting, b)
	p.queue.Unlock()
	p.turn.Lock()
	defer p.turn.Unlock()
	for !b.done {
		p.doNext()
	}
}

// doNext sends one request with the first batches in the queue that are of one kind. The caller has the turn.
func (p *Program) doNext() {
	p.queue.Lock()
	first, n, size := p.queue.waiting[0], 0, 0
	for _, b := range p.queue.waiting {
		if b.op != first.op || size+len(b.items) > maxItems {
			break
		}
		n, size = n+1, size+len(b.items)
	}
	taken := p.queue.waiting[:n:n]
	p.queue.waiting = p.queue.waiting[n:]
	p.queue.Unlock()

	all := batch{op: first.op, items: make([][]byte, 0, size)}
	for _, b := range taken {
		all.items = append(all.items, b.items...)
	}
	err := p.ask(&request{Op: all.op, Items: all.items}, &all)
	for _, b := range taken {
		if b.done, b.err = true, err; err == nil {
			b.out, all.out = all.out[:len(b.items):len(b.items)], all.out[len(b.items):]
		}
	}
}
