// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// document is a JSON or UBJSON value. Numbers are float64; a list of nothing
// but numbers is kept as one slice.
type document struct {
	fields  map[string]*document
	list    []*document
	numbers []float64
	text    string
}

// maxDepth bounds how deep documents nest, and maxDocuments how many objects,
// lists and strings they hold. A tree takes about thirty.
const (
	maxDepth     = 32
	maxDocuments = 1 << 22
)

// field gives a field of an object, or an empty document.
func (d *document) field(path ...string) *document {
	for _, p := range path {
		next, ok := d.fields[p]
		if !ok {
			return &document{}
		}
		d = next
	}
	return d
}

// number reads a number, which XGBoost also writes as a string or, since 3.1,
// as a string with a list of one number.
func (d *document) number() (float64, bool) {
	if len(d.numbers) == 1 {
		return d.numbers[0], true
	}
	s := d.text
	if len(s) > 1 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	v, err := parseNumber(s)
	return v, err == nil
}

// parseNumber reads a decimal such that rounding the result to float32 gives
// what reading it as float32 gives.
func parseNumber(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, err
	}
	if f, err := strconv.ParseFloat(s, 32); err == nil && float32(v) != float32(f) {
		v = f
	}
	return v, nil
}

// integers gives the list's numbers as whole numbers in [low, high].
func (d *document) integers(low, high float64) ([]int, bool) {
	out := make([]int, len(d.numbers))
	for i, v := range d.numbers {
		if !(v >= low && v <= high) || v != math.Trunc(v) {
			return nil, false
		}
		out[i] = int(v)
	}
	return out, len(d.list) == 0
}

// parseDocument reads JSON, or UBJSON when b does not look like JSON.
func parseDocument(b []byte) (*document, error) {
	// Both begin with a brace; in JSON a quote, a brace or space follows.
	if len(b) > 1 && b[0] == '{' && !bytes.ContainsRune([]byte(" \t\r\n\"}"), rune(b[1])) {
		u := ubjsonReader{b: b}
		d, err := u.value(0, 0)
		if err == nil && len(u.b) > 0 {
			err = fmt.Errorf("%w: data after the end", ErrFormat)
		}
		return d, err
	}
	j := jsonReader{b: b}
	d, err := j.value(0)
	if err != nil {
		return nil, fmt.Errorf("%w: byte %d: %w", ErrFormat, j.at, err)
	}
	if j.skipSpace(); j.at < len(j.b) {
		return nil, fmt.Errorf("%w: data after the end", ErrFormat)
	}
	return d, nil
}

// jsonReader reads JSON with the numbers NaN, Infinity and -Infinity, which
// XGBoost writes and encoding/json refuses.
type jsonReader struct {
	b         []byte
	at        int
	documents int
}

var (
	errNotJSON = errors.New("not JSON")
	errTooDeep = errors.New("nested too deep")
	errTooMany = errors.New("too many objects, lists and strings")
)

func (j *jsonReader) skipSpace() {
	for j.at < len(j.b) && strings.IndexByte(" \t\r\n", j.b[j.at]) >= 0 {
		j.at++
	}
}

// takeByte skips space and reads c, if it comes next.
func (j *jsonReader) takeByte(c byte) bool {
	j.skipSpace()
	if j.at < len(j.b) && j.b[j.at] == c {
		j.at++
		return true
	}
	return false
}

func (j *jsonReader) value(depth int) (*document, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	j.skipSpace()
	if j.at == len(j.b) {
		return nil, errNotJSON
	}
	if j.documents > maxDocuments {
		return nil, errTooMany
	}
	switch j.b[j.at] {
	case '{':
		j.documents++
		return j.object(depth)
	case '[':
		j.documents++
		return j.array(depth)
	case '"':
		j.documents++
		s, err := j.string()
		return &document{text: s}, err
	}
	start := j.at
	for j.at < len(j.b) && strings.IndexByte(",]} \t\r\n", j.b[j.at]) < 0 {
		j.at++
	}
	switch word := string(j.b[start:j.at]); word {
	case "null":
		return &document{}, nil
	case "true":
		return &document{numbers: []float64{1}}, nil
	case "false":
		return &document{numbers: []float64{0}}, nil
	default:
		v, err := parseNumber(word)
		return &document{numbers: []float64{v}}, err
	}
}

func (j *jsonReader) object(depth int) (*document, error) {
	d := &document{fields: map[string]*document{}}
	j.at++
	if j.takeByte('}') {
		return d, nil
	}
	for {
		j.skipSpace()
		key, err := j.string()
		if err != nil {
			return nil, err
		}
		if !j.takeByte(':') {
			return nil, errNotJSON
		}
		if d.fields[key], err = j.value(depth + 1); err != nil {
			return nil, err
		}
		if j.takeByte('}') {
			return d, nil
		}
		if !j.takeByte(',') {
			return nil, errNotJSON
		}
	}
}

func (j *jsonReader) array(depth int) (*document, error) {
	d := &document{}
	j.at++
	if j.takeByte(']') {
		return d, nil
	}
	for {
		v, err := j.value(depth + 1)
		if err != nil {
			return nil, err
		}
		d.add(v)
		if j.takeByte(']') {
			return d, nil
		}
		if !j.takeByte(',') {
			return nil, errNotJSON
		}
	}
}

// string reads a string, which encoding/json decodes.
func (j *jsonReader) string() (string, error) {
	if j.at == len(j.b) || j.b[j.at] != '"' {
		return "", errNotJSON
	}
	for end := j.at + 1; end < len(j.b); end++ {
		switch j.b[end] {
		case '\\':
			end++
		case '"':
			var s string
			err := json.Unmarshal(j.b[j.at:end+1], &s)
			j.at = end + 1
			return s, err
		}
	}
	return "", errNotJSON
}

// add puts an element at the end of the list.
func (d *document) add(v *document) {
	if len(v.numbers) == 1 && len(d.list) == 0 && v.fields == nil {
		d.numbers = append(d.numbers, v.numbers[0])
		return
	}
	for _, x := range d.numbers { // a mixed list: give up the one slice
		d.list = append(d.list, &document{numbers: []float64{x}})
	}
	d.numbers = nil
	d.list = append(d.list, v)
}
