// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"fmt"
	"strconv"
)

// step runs one operation. The names are those of Python's pickletools.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		p, err := m.take(1)
		if err == nil && p[0] > 5 {
			return fmt.Errorf("%w: protocol %d, at most 5 is read", ErrUnsupported, p[0])
		}
		return err
	case 0x95: // FRAME
		_, err := m.take(8)
		return err
	case '(': // MARK
		m.push(mark{})
	case '0': // POP
		_, err := m.pop()
		return err
	case '1': // POP_MARK
		_, err := m.popToMark()
		return err
	case '2': // DUP
		if len(m.stack) == 0 {
			return errStack
		}
		m.push(m.top())
	case 'N': // NONE
		m.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		m.push(op == 0x88)
	case 'R', 0x81: // REDUCE, NEWOBJ
		return m.makeObject()
	case 'b': // BUILD
		return m.setState()
	case 's': // SETITEM
		return m.addEntries(m.popN(2))
	case 'u': // SETITEMS
		return m.addEntries(m.popToMark())
	case 'a': // APPEND
		return m.addItems(m.popN(1))
	case 'e': // APPENDS
		return m.addItems(m.popToMark())
	case ']': // EMPTY_LIST
		m.push(&List{Items: []any{}})
	case '}': // EMPTY_DICT
		m.push(newDict())
	case ')': // EMPTY_TUPLE
		m.push(Tuple{})
	case 'l', 'd', 't': // LIST, DICT, TUPLE
		return m.collect(op)
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err := m.popN(int(op) - 0x84)
		m.push(Tuple(items))
		return err
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		return m.name(op)
	case 'p', 'q', 'r', 0x94: // PUT, BINPUT, LONG_BINPUT, MEMOIZE
		return m.memoize(op)
	case 'g', 'h', 'j': // GET, BINGET, LONG_BINGET
		return m.recall(op)
	default:
		v, err := m.literal(op)
		m.push(v)
		return err
	}
	return nil
}

func newDict() *Dict { return &Dict{Entries: map[string]any{}} }

// collect makes a list, a dictionary or a tuple of what is above the mark.
func (m *machine) collect(op byte) error {
	items, err := m.popToMark()
	if err != nil {
		return err
	}
	switch op {
	case 'l':
		m.push(&List{items})
	case 't':
		m.push(Tuple(items))
	default:
		m.push(newDict())
		return m.addEntries(items, nil)
	}
	return nil
}

// addEntries adds keys and values, in turn, to the dictionary on top.
func (m *machine) addEntries(items []any, err error) error {
	if err != nil {
		return err
	}
	d, ok := m.top().(*Dict)
	if !ok || len(items)%2 != 0 {
		return errStack
	}
	for i := 0; i < len(items); i += 2 {
		if k, ok := items[i].(string); ok {
			d.Entries[k] = items[i+1]
		}
	}
	return nil
}

// addItems adds items to the list on top.
func (m *machine) addItems(items []any, err error) error {
	if err != nil {
		return err
	}
	l, ok := m.top().(*List)
	if !ok {
		return errStack
	}
	l.Items = append(l.Items, items...)
	return nil
}

// name pushes a class or a function: its module and name are the next two
// lines, or the two texts on top.
func (m *machine) name(op byte) error {
	if op == 'c' {
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		m.push(Name{module, name})
		return err
	}
	v, err := m.popN(2)
	if err != nil {
		return err
	}
	module, ok1 := v[0].(string)
	name, ok2 := v[1].(string)
	if !ok1 || !ok2 {
		return errStack
	}
	m.push(Name{module, name})
	return nil
}

// makeObject is where Python would call a callable with a tuple of arguments.
// Here they become an Object, and nothing is called. Two callables of Python's
// own only wrap what is meant: copyreg's _reconstructor, whose first argument is
// the class, and the encoding of bytes as a text, which protocols before 3 use.
func (m *machine) makeObject() error {
	v, err := m.popN(2)
	if err != nil {
		return err
	}
	name, ok1 := v[0].(Name)
	args, ok2 := v[1].(Tuple)
	if !ok1 || !ok2 {
		return errStack
	}
	switch {
	case name.Name == "_reconstructor" && len(args) == 3:
		class, ok := args[0].(Name)
		if !ok {
			return errStack
		}
		m.push(&Object{Callable: class})
	case name == Name{"_codecs", "encode"} && len(args) == 2 && args[1] == "latin1":
		text, ok := args[0].(string)
		if !ok {
			return errStack
		}
		b, err := m.latin1(text)
		if err != nil {
			return err
		}
		m.push(b)
	default:
		m.push(&Object{Callable: name, Args: args})
	}
	return nil
}

// latin1 gives the bytes that a text's characters are in Latin-1. A short pickle
// could ask for many copies of a long text, so that their sum is bounded.
func (m *machine) latin1(text string) ([]byte, error) {
	if m.expanded += len(text); m.expanded > 2*len(m.b) {
		return nil, fmt.Errorf("%w: its bytes grow beyond its size", ErrFormat)
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 255 {
			return nil, fmt.Errorf("%w: bytes hold the character %q", ErrFormat, r)
		}
		out = append(out, byte(r))
	}
	return out, nil
}

// setState gives the object below the top the value on top as its state.
func (m *machine) setState() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	o, ok := m.top().(*Object)
	if !ok {
		return errStack
	}
	o.State = state
	return nil
}

// memoize keeps the value on top under a number.
func (m *machine) memoize(op byte) error {
	at, err := m.memoNumber(op)
	if err != nil {
		return err
	}
	if len(m.stack) == 0 {
		return errStack
	}
	m.memo[at] = m.top()
	return nil
}

// recall pushes the value that was kept under a number.
func (m *machine) recall(op byte) error {
	at, err := m.memoNumber(op)
	if err != nil {
		return err
	}
	v, ok := m.memo[at]
	if !ok {
		return errStack
	}
	m.push(v)
	return nil
}

// memoNumber reads the number of a place in the memo: a line of digits, one
// byte, four bytes, or for MEMOIZE the next free one.
func (m *machine) memoNumber(op byte) (int, error) {
	switch op {
	case 'p', 'g':
		text, err := m.line()
		if err != nil {
			return 0, err
		}
		at, err := strconv.Atoi(text)
		if err != nil {
			return 0, errStack
		}
		return at, nil
	case 'q', 'h':
		return m.uint(1)
	case 'r', 'j':
		return m.uint(4)
	}
	return len(m.memo), nil
}
