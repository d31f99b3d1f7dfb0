// SPDX-License-Identifier: Apache-2.0

package window

// Row is the state of one key as a snapshot holds it. Its bytes depend on the events of the key up to its last change
// and on what Forget was told up to the snapshot, and on nothing else: not on other snapshots, on Evict, or on
// whether the table was restored in between.
type Row struct {
	Key      string
	Bytes    []byte // see AppendRow
	DeadFrom int64  // the horizon from which no read can see the row, math.MaxInt64 if there is none
	Names    Filter // the parties in the key, and the members in lists that Forget changes
}

// capture is a snapshot that is being taken: of the table as it was when it began. A key that has changed since the
// snapshot before is written before it changes again, or when the walk reaches it.
type capture struct {
	upto    uint32 // the number of the last erasure before the snapshot
	horizon int64
	next    int // the place that the walk reaches next
	end     int
	all     bool // write all keys, changed or not
	rows    []Row
	block   []byte // memory for bytes of rows; what is written stays
}

// blockBytes is the size of a capture's blocks of memory.
const blockBytes = 1 << 18

// BeginRows begins a snapshot of the table as it is now: of the keys that have changed since the last one began, which
// must have ended.
func (t *Table) BeginRows() {
	t.capture = &capture{upto: t.erasures.last, horizon: t.horizon(), end: len(t.keys), all: t.rewrite}
	t.rewrite = false
	t.round++
}

// WalkRows writes up to n keys of the snapshot, and reports whether there are more. It looks at no more than 64 times
// as many.
func (t *Table) WalkRows(n int) (more bool) {
	c := t.capture
	for budget := 64 * n; budget > 0 && c.next < c.end; budget-- {
		before := len(c.rows)
		t.captureFirst(int32(c.next))
		budget -= 63 * (len(c.rows) - before)
		c.next++
	}
	return c.next < c.end
}

// TakeRows returns the rows that were written since the last call: each key once, or more often with the same bytes.
// The caller may keep them.
func (t *Table) TakeRows() []Row {
	c := t.capture
	rows := c.rows
	if c.rows = nil; len(rows) > 0 {
		c.rows = make([]Row, 0, len(rows))
	}
	return rows
}

// EndRows ends a snapshot after TakeRows.
func (t *Table) EndRows() { t.capture = nil }

// AbandonRows says that the last snapshot was not kept, whether or not it has ended: the next one holds all keys in
// memory.
func (t *Table) AbandonRows() { t.capture, t.rewrite = nil, true }

// captureFirst writes a key to the snapshot that is being taken, unless it is written or need not be.
func (t *Table) captureFirst(place int32) {
	c, k := t.capture, &t.keys[place]
	if c == nil || int(place) < c.next || k.name == "" || k.changed == t.round {
		return
	}
	changed := k.changed != 0 || c.all
	if k.cleaned < c.upto {
		changed = t.clean(place, c.upto) || changed
	}
	k.changed = 0
	if !changed {
		return
	}
	from := t.deadFrom(place)
	if from <= c.horizon {
		return
	}
	if cap(c.block)-len(c.block) < blockBytes/32 {
		c.block = make([]byte, 0, blockBytes)
	}
	start := len(c.block)
	c.block = t.appendRow(c.block, t.cellsAt(place))
	c.rows = append(c.rows, Row{k.name, c.block[start:len(c.block):len(c.block)], from,
		t.namesIn(k.name, t.cellsAt(place))})
}

// prepareChange makes a key ready to be changed.
func (t *Table) prepareChange(place int32) {
	t.captureFirst(place)
	k := &t.keys[place]
	if k.cleaned != t.erasures.last {
		t.clean(place, t.erasures.last)
	}
	k.changed = t.round
}

// StoredUpTo says that keys which are not in memory are stored as of a snapshot that begins or has begun when Forget
// had been told of so many parties (Erasures); Forgot needs the later ones.
func (t *Table) StoredUpTo(erasures uint32) { t.erasures.needed = erasures }

// Erasures returns how often Forget was told of a party.
func (t *Table) Erasures() uint32 { return t.erasures.last }

// KeyForgotten reports whether a key contains a party that Forget was told of since there were so many erasures.
func (t *Table) KeyForgotten(key string, since uint32) bool {
	return t.keyForgotten(key, since, t.erasures.last)
}

// Horizon is the earliest time that an event or a read may still have: the watermark less the lateness. A row whose
// DeadFrom is not after it is dead.
func (t *Table) Horizon() int64 { return t.horizon() }

// InstallRow puts a stored row into the table, as of a snapshot that began after so many erasures. A key that the
// table has is left as it is.
func (t *Table) InstallRow(key string, d DecodedRow, erasures uint32) {
	tag := t.index.tagString(key)
	if t.index.find(t.keys, []byte(key), tag) >= 0 {
		return
	}
	p := t.addKey(key, tag)
	copy(t.cellsAt(p), d.cells)
	t.keys[p].cleaned, t.keys[p].changed = erasures, 0
	if c := t.capture; c != nil { // the walk may be past it
		next := c.next
		c.next = 0
		t.captureFirst(p)
		c.next = next
	}
}
