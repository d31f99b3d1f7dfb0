// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// rewriter takes the columns that are not read out of messages: out of the
// fields of the schema, and what is theirs out of the lists of each record
// batch. The bodies stay as they are, since a batch says where its buffers lie.
type rewriter struct {
	begun   bool
	columns []column
	rooms   room           // of all columns
	values  map[int64]room // of the dictionaries that are read

}

// message verifies a message, rewrites it, and returns the length of its body.
// It returns no message where the library is to see none.
func (w *rewriter) message(meta []byte) (out []byte, body int64, err error) {
	if err := verify(meta, &message); err != nil {
		return nil, 0, err
	}
	m, err := tableAt(meta, int(binary.LittleEndian.Uint32(meta)))
	if err != nil {
		return nil, 0, err
	}
	h, ok := m.child(messageHeader)
	if !ok {
		return nil, 0, errors.New("a message says nothing")
	}
	body = m.int64(messageBody)
	kind := m.byte(messageKind)
	if (kind == kindSchema) == w.begun {
		return nil, 0, errors.New("there is not one schema, at the beginning")
	}
	switch kind {
	case kindSchema:
		w.begun = true
		meta, err = w.schema(meta, h, m.int16(messageVersion))
	case kindBatch:
		err = w.batch(h)
	case kindDictionary:
		if _, read := w.values[h.int64(dictionaryID)]; !read {
			return nil, body, nil
		}
		d, ok := h.child(dictionaryData)
		if !ok {
			return nil, 0, errors.New("a dictionary says nothing")
		}
		l := listsOf(d)
		err = l.hold(w.values[h.int64(dictionaryID)])
	}
	return meta, body, err
}

// schema finds the columns, and takes those that are not read out.
func (w *rewriter) schema(b []byte, s table, version int16) ([]byte, error) {
	le := binary.LittleEndian
	w.values = map[int64]room{}
	at, n := s.vector(schemaFields)
	kept := 0
	for i := range n {
		f, err := s.element(at, i)
		if err != nil {
			return nil, err
		}
		c, err := columnOf(f, version)
		if err != nil {
			return nil, err
		}
		w.columns = append(w.columns, c)
		w.rooms.add(c.room)
		if c.unread != "" {
			continue
		}
		if c.coded {
			w.values[c.id] = c.values
		}
		slot := at + 4*kept
		kept++
		le.PutUint32(b[slot:], uint32(f.at-slot)) // no slot before it has a field behind it
		if c.as == 0 {
			continue
		}
		var t int
		b, t = appendTable(b, c.words)
		b[f.slot(fieldType)] = c.as
		p := f.slot(fieldType + 1)
		le.PutUint32(b[p:], uint32(t-p))
		s.b = b
	}
	s.b = b
	s.shorten(at, kept)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b, nil
}

// batch takes what belongs to columns that are not read out of a record batch.
func (w *rewriter) batch(b table) error {
	l := listsOf(b)
	if err := l.hold(w.rooms); err != nil {
		return err
	}
	var from, to room
	for _, c := range w.columns {
		took := l.take(from, c.room)
		if c.unread == "" {
			l.move(from, to, took)
			to.add(took)
		}
		from.add(took)
	}
	b.shorten(l.nodes, to.nodes)
	b.shorten(l.buffers, to.buffers)
	b.shorten(l.variadic, to.variadic)
	return nil
}

// lists are where the three lists of a record batch begin, and their lengths.
type lists struct {
	b                        []byte
	nodes, buffers, variadic int
	n                        room
}

func listsOf(b table) (l lists) {
	l.b = b.b
	l.nodes, l.n.nodes = b.vector(batchNodes)
	l.buffers, l.n.buffers = b.vector(batchBuffers)
	l.variadic, l.n.variadic = b.vector(batchVariadic)
	return l
}

// hold checks that the lists hold what the columns take of them, and nothing
// else: buffers that were counted otherwise would be read as another column's.
func (l *lists) hold(want room) error {
	for i := range l.n.variadic {
		k := binary.LittleEndian.Uint64(l.b[l.variadic+8*i:])
		if k > uint64(l.n.buffers) {
			return fmt.Errorf("a column of views claims %d of %d buffers", k, l.n.buffers)
		}
		if want.buffers += int(k); want.buffers > l.n.buffers {
			break
		}
	}
	if l.n.nodes != want.nodes || l.n.buffers != want.buffers || l.n.variadic != want.variadic {
		return fmt.Errorf("a batch has %d nodes, %d buffers and %d counts of buffers, its columns %d, %d and %d",
			l.n.nodes, l.n.buffers, l.n.variadic, want.nodes, want.buffers, want.variadic)
	}
	return nil
}

// take returns what a column takes of the lists that begin at from: its views
// say there how many buffers they have.
func (l *lists) take(from, r room) room {
	for i := range r.variadic {
		r.buffers += int(binary.LittleEndian.Uint64(l.b[l.variadic+8*(from.variadic+i):]))
	}
	return r
}

// move moves a column's entries towards the beginning of the lists.
func (l *lists) move(from, to, n room) {
	shift := func(list, size, from, to, n int) {
		copy(l.b[list+size*to:list+size*(to+n)], l.b[list+size*from:list+size*(from+n)])
	}
	shift(l.nodes, 16, from.nodes, to.nodes, n.nodes)
	shift(l.buffers, 16, from.buffers, to.buffers, n.buffers)
	shift(l.variadic, 8, from.variadic, to.variadic, n.variadic)
}
