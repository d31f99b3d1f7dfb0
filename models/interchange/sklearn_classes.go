// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// sklearnClasses reads the names of an estimator's two classes: decision
// functions are of the second.
func sklearnClasses(v any) ([]string, error) {
	names, ok := namesOf(v)
	if !ok {
		return nil, fmt.Errorf("%w: classes_ is not an array of texts, numbers or booleans", ErrUnsupported)
	}
	if len(names) != 2 {
		return nil, fmt.Errorf("%w: a classifier of %d classes, want 2", ErrUnsupported, len(names))
	}
	return names, nil
}

// namesOf gives the elements of an array as texts.
func namesOf(v any) ([]string, bool) {
	a, ok := arrayOf(v)
	if !ok {
		return nil, false
	}
	var out []string
	if a.kind == 'O' {
		for _, x := range a.objects {
			s, ok := nameOf(x)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, true
	}
	for at := 0; at+a.size <= len(a.data); at += a.size {
		switch i := at / a.size; a.kind {
		case 'U':
			out = append(out, utf32(a.data[at:at+a.size]))
		case 'b':
			out = append(out, pythonBool(a.data[at] != 0))
		case 'i', 'u':
			out = append(out, numberName(float64(a.int(i, member{a.kind, a.size, 0}))))
		case 'f':
			if a.size != 8 {
				return nil, false
			}
			out = append(out, numberName(a.float(at)))
		default:
			return nil, false
		}
	}
	return out, true
}

// nameOf gives a Python value as a text.
func nameOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return pythonBool(v), true
	case *pickled:
		if a, ok := scalarOf(v); ok && a.kind == 'b' {
			return pythonBool(a.data[0] != 0), true
		}
	}
	x, ok := number(v)
	return numberName(x), ok && !math.IsNaN(x)
}

func pythonBool(v bool) string {
	if v {
		return "True"
	}
	return "False"
}

// utf32 reads characters of four bytes, without the zeros at the end.
func utf32(b []byte) string {
	var s strings.Builder
	for ; len(b) >= 4; b = b[4:] {
		r := binary.LittleEndian.Uint32(b)
		if r == 0 {
			break
		}
		s.WriteRune(rune(min(r, 0x10FFFF)))
	}
	return s.String()
}
