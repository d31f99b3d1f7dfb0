// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

type (
	// Tuple is a Python tuple.
	Tuple []any
	// List is a Python list.
	List struct{ Items []any }
	// Dict is a Python dictionary, of which the entries with a text as the key
	// are kept.
	Dict struct{ Entries map[string]any }
	// Name is a class or a function that the pickle names.
	Name struct{ Module, Name string }
	// Object is what Python would get by calling Callable with Args. State is what
	// the object would be given afterwards: mostly a Dict of its attributes.
	Object struct {
		Callable Name
		Args     Tuple
		State    any
	}
)

// mark is a value on the stack that tells where the items of a list, a
// dictionary or a tuple begin.
type mark struct{}

// Is says whether o is made by a callable of this name, from a module whose name
// begins with module. A nil Object is made by none.
func (o *Object) Is(module, name string) bool {
	return o != nil && o.Callable.Name == name && strings.HasPrefix(o.Callable.Module, module)
}

// Attribute is an entry of the object's state, or nil.
func (o *Object) Attribute(name string) any {
	if o == nil {
		return nil
	}
	if d, ok := o.State.(*Dict); ok {
		return d.Entries[name]
	}
	return nil
}

// Load reads a pickle and gives the value that it describes. Bytes after the
// pickle's end are ignored, as Python does.
func Load(b []byte) (any, error) {
	m := &machine{b: b, memo: map[int]any{}}
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' { // STOP
			return m.pop()
		}
		if err := m.step(op[0]); err != nil {
			return nil, fmt.Errorf("at byte %d: %w", m.at, err)
		}
	}
}

// machine runs a pickle's operations.
type machine struct {
	b        []byte
	at       int
	stack    []any
	memo     map[int]any
	expanded int // bytes that were made from texts, see latin1
}

var (
	errCutOff = fmt.Errorf("%w: the pickle is cut off", ErrFormat)
	errStack  = fmt.Errorf("%w: an operation finds other values on the stack than it needs", ErrFormat)
)

// take reads n bytes.
func (m *machine) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.b)-m.at {
		return nil, errCutOff
	}
	m.at += n
	return m.b[m.at-n : m.at], nil
}

// takeCounted reads a length of n bytes, and as many bytes as it says.
func (m *machine) takeCounted(n int) ([]byte, error) {
	size, err := m.uint(n)
	if err != nil {
		return nil, err
	}
	return m.take(size)
}

// uint reads a number of n bytes. One that is longer than the file, and cannot
// be the length of something in it, is -1.
func (m *machine) uint(n int) (int, error) {
	p, err := m.take(n)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], p)
	v := binary.LittleEndian.Uint64(wide[:])
	if n == 8 && v > uint64(len(m.b)) {
		return -1, nil
	}
	return int(v), nil
}

// line reads up to the end of the line.
func (m *machine) line() (string, error) {
	text, _, ok := bytes.Cut(m.b[m.at:], []byte{'\n'})
	if !ok {
		return "", errCutOff
	}
	m.at += len(text) + 1
	return string(text), nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() (any, error) {
	n := len(m.stack)
	if n == 0 {
		return nil, errStack
	}
	v := m.stack[n-1]
	m.stack = m.stack[:n-1]
	return v, nil
}

// popN takes the n values on top, in the order in which they were pushed.
func (m *machine) popN(n int) ([]any, error) {
	if len(m.stack) < n {
		return nil, errStack
	}
	at := len(m.stack) - n
	items := append([]any{}, m.stack[at:]...)
	m.stack = m.stack[:at]
	return items, nil
}

// popToMark takes the values above the last mark, and the mark.
func (m *machine) popToMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			items := append([]any{}, m.stack[i+1:]...)
			m.stack = m.stack[:i]
			return items, nil
		}
	}
	return nil, errStack
}

// top is the value on top, which stays there; nil when there is none.
func (m *machine) top() any {
	if len(m.stack) == 0 {
		return nil
	}
	return m.stack[len(m.stack)-1]
}
