// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Python's pickles, protocols 0 to 5, as scikit-learn's models are written. A
// pickle is a program for a small stack machine. This one calls nothing: what
// the program would call becomes a pickled object, with the name of the callable
// and its arguments, for the reader of the format to understand.
//
// Values are nil, bool, int64, float64, string, []byte, pickleTuple, *pickleList,
// *pickleDict, pickleName and *pickled.

type (
	pickleTuple []any
	pickleList  struct{ items []any }
	pickleDict  struct{ at map[string]any } // entries with a string as the key
	pickleName  struct{ module, name string }
	pickleMark  struct{}
)

// pickled is an object: what makes it, from what, and the state that it is given.
type pickled struct {
	by    pickleName
	args  pickleTuple
	state any
}

// unpickler is the machine.
type unpickler struct {
	b     []byte
	at    int
	stack []any
	memo  map[int]any
	spent int // bytes that were made of others
}

func unpickle(b []byte) (any, error) {
	u := &unpickler{b: b, memo: map[int]any{}}
	for {
		op, err := u.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			return u.pop()
		}
		if err := u.step(op[0]); err != nil {
			return nil, fmt.Errorf("at byte %d: %w", u.at, err)
		}
	}
}

func (u *unpickler) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.b)-u.at {
		return nil, fmt.Errorf("%w: the pickle is cut off", ErrFormat)
	}
	u.at += n
	return u.b[u.at-n : u.at], nil
}

// counted takes what follows a length of n bytes.
func (u *unpickler) counted(n int) ([]byte, error) {
	size, err := u.uint(n)
	if err != nil {
		return nil, err
	}
	return u.take(size)
}

// uint takes a number of n bytes; one that no file has room for is -1.
func (u *unpickler) uint(n int) (int, error) {
	p, err := u.take(n)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], p)
	v := binary.LittleEndian.Uint64(wide[:])
	if v > MaxBytes && n == 8 {
		return -1, nil
	}
	return int(v), nil
}

// line takes up to the end of the line.
func (u *unpickler) line() (string, error) {
	rest := u.b[u.at:]
	for i, c := range rest {
		if c == '\n' {
			u.at += i + 1
			return string(rest[:i]), nil
		}
	}
	return "", fmt.Errorf("%w: the pickle is cut off", ErrFormat)
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pop() (any, error) {
	n := len(u.stack)
	if n == 0 {
		return nil, errPickleStack
	}
	v := u.stack[n-1]
	u.stack = u.stack[:n-1]
	return v, nil
}

// top is the value that an operation adds to.
func (u *unpickler) top() any {
	if len(u.stack) == 0 {
		return nil
	}
	return u.stack[len(u.stack)-1]
}

// toMark takes the values down to the last mark, which goes as well.
func (u *unpickler) toMark() ([]any, error) {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(pickleMark); ok {
			items := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return items, nil
		}
	}
	return nil, errPickleStack
}

// last takes n values.
func (u *unpickler) last(n int) ([]any, error) {
	if len(u.stack) < n {
		return nil, errPickleStack
	}
	at := len(u.stack) - n
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}

var errPickleStack = fmt.Errorf("%w: an operation finds other values than it wants", ErrFormat)

// call makes an object of what op would call.
func (u *unpickler) call() error {
	v, err := u.last(2)
	if err != nil {
		return err
	}
	name, ok1 := v[0].(pickleName)
	args, ok2 := v[1].(pickleTuple)
	if !ok1 || !ok2 {
		return errPickleStack
	}
	switch {
	case name.name == "_reconstructor" && len(args) == 3: // of copy_reg: the class is an argument
		class, ok := args[0].(pickleName)
		if !ok {
			return errPickleStack
		}
		u.push(&pickled{by: class})
	case name == pickleName{"_codecs", "encode"} && len(args) == 2 && args[1] == "latin1": // bytes, before protocol 3
		text, ok := args[0].(string)
		if !ok {
			return errPickleStack
		}
		b, err := u.latin1(text)
		if err != nil {
			return err
		}
		u.push(b)
	default:
		u.push(&pickled{by: name, args: args})
	}
	return nil
}

// latin1 gives the bytes that a string's characters stand for. A few operations
// could ask for many copies of a long one: their sum is bounded.
func (u *unpickler) latin1(text string) ([]byte, error) {
	if u.spent += len(text); u.spent > 2*len(u.b) {
		return nil, fmt.Errorf("%w: it grows beyond its size", ErrFormat)
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

// build gives the object below the top the top as its state.
func (u *unpickler) build() error {
	state, err := u.pop()
	if err != nil {
		return err
	}
	if o, ok := u.top().(*pickled); ok {
		o.state = state
		return nil
	}
	return errPickleStack
}

// set adds keys and values, in turn, to the dictionary on top.
func (u *unpickler) set(items []any, err error) error {
	if err != nil {
		return err
	}
	d, ok := u.top().(*pickleDict)
	if !ok || len(items)%2 != 0 {
		return errPickleStack
	}
	for i := 0; i < len(items); i += 2 {
		if k, ok := items[i].(string); ok {
			d.at[k] = items[i+1]
		}
	}
	return nil
}

// add adds items to the list on top.
func (u *unpickler) add(items []any, err error) error {
	if err != nil {
		return err
	}
	l, ok := u.top().(*pickleList)
	if !ok {
		return errPickleStack
	}
	l.items = append(l.items, items...)
	return nil
}

// is says whether o is made by a callable of this name, of one of the modules
// that begin so.
func (o *pickled) is(module, name string) bool {
	return o != nil && o.by.name == name && strings.HasPrefix(o.by.module, module)
}

// field is an entry of the object's state.
func (o *pickled) field(name string) any {
	if o == nil {
		return nil
	}
	if d, ok := o.state.(*pickleDict); ok {
		return d.at[name]
	}
	return nil
}
