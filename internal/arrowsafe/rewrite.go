// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// rewriter removes the columns that are not read from messages: from the fields of
// the schema, and from the lists of each record batch. The bodies stay as they
// are, because a batch says where its buffers are.
type rewriter struct {
	hasSchema    bool
	columns      []column
	entries      listEntries           // of all columns
	dictionaries map[int64]listEntries // of the dictionaries that are read

}

// message verifies and rewrites a message, and returns it with the length of its
// body. out is nil if the library must not see the message.
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
		return nil, 0, errors.New("a message has no header")
	}
	body = m.int64(messageBody)
	kind := m.byte(messageKind)
	if (kind == kindSchema) == w.hasSchema {
		return nil, 0, errors.New("want exactly one schema, as the first message")
	}
	switch kind {
	case kindSchema:
		w.hasSchema = true
		meta, err = w.schema(meta, h, m.int16(messageVersion))
	case kindBatch:
		err = w.batch(h)
	case kindDictionary:
		if _, read := w.dictionaries[h.int64(dictionaryID)]; !read {
			return nil, body, nil
		}
		d, ok := h.child(dictionaryData)
		if !ok {
			return nil, 0, errors.New("a dictionary has no values")
		}
		l := listsOf(d)
		err = l.check(w.dictionaries[h.int64(dictionaryID)])
	}
	return meta, body, err
}

// schema reads the columns, and removes those that are not read.
func (w *rewriter) schema(b []byte, s table, version int16) ([]byte, error) {
	le := binary.LittleEndian
	w.dictionaries = map[int64]listEntries{}
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
		w.entries.add(c.entries)
		if c.unread != "" {
			continue
		}
		if c.hasDictionary {
			w.dictionaries[c.dictionaryID] = c.dictionaryEntries
		}
		slot := at + 4*kept
		kept++
		le.PutUint32(b[slot:], uint32(f.at-slot)) // the slot moves forward, so its offset stays positive
		if c.libraryType == 0 {
			continue
		}
		var t int
		b, t = appendTable(b, c.typeFields)
		b[f.slot(fieldType)] = c.libraryType
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

// batch removes the columns that are not read from a record batch.
func (w *rewriter) batch(b table) error {
	l := listsOf(b)
	if err := l.check(w.entries); err != nil {
		return err
	}
	var from, to listEntries
	for _, c := range w.columns {
		took := l.entriesAt(from, c.entries)
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
	lengths                  listEntries
}

func listsOf(b table) (l lists) {
	l.b = b.b
	l.nodes, l.lengths.nodes = b.vector(batchNodes)
	l.buffers, l.lengths.buffers = b.vector(batchBuffers)
	l.variadic, l.lengths.variadic = b.vector(batchVariadic)
	return l
}

// check checks that the lists have exactly the entries that the columns take:
// otherwise a buffer would be read as another column's.
func (l *lists) check(want listEntries) error {
	for i := range l.lengths.variadic {
		k := binary.LittleEndian.Uint64(l.b[l.variadic+8*i:])
		if k > uint64(l.lengths.buffers) {
			return fmt.Errorf("a column of views claims %d of %d buffers", k, l.lengths.buffers)
		}
		if want.buffers += int(k); want.buffers > l.lengths.buffers {
			break
		}
	}
	if l.lengths.nodes != want.nodes || l.lengths.buffers != want.buffers || l.lengths.variadic != want.variadic {
		return fmt.Errorf("a batch has %d nodes, %d buffers and %d counts of buffers, its columns %d, %d and %d",
			l.lengths.nodes, l.lengths.buffers, l.lengths.variadic, want.nodes, want.buffers, want.variadic)
	}
	return nil
}

// entriesAt returns what a column takes of the lists from a position on: there,
// its views say how many buffers they have.
func (l *lists) entriesAt(from, r listEntries) listEntries {
	for i := range r.variadic {
		r.buffers += int(binary.LittleEndian.Uint64(l.b[l.variadic+8*(from.variadic+i):]))
	}
	return r
}

// move moves a column's entries towards the beginning of the lists.
func (l *lists) move(from, to, n listEntries) {
	shift := func(list, size, from, to, n int) {
		copy(l.b[list+size*to:list+size*(to+n)], l.b[list+size*from:list+size*(from+n)])
	}
	shift(l.nodes, 16, from.nodes, to.nodes, n.nodes)
	shift(l.buffers, 16, from.buffers, to.buffers, n.buffers)
	shift(l.variadic, 8, from.variadic, to.variadic, n.variadic)
}
