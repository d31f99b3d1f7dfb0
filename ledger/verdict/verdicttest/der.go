// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// element is an element of DER: its content, or what it is made of.
type element struct {
	tag     byte
	content []byte
	inner   []*element // of content, if it is DER and the tag says so
	longer  bool       // write the length in one byte more than it takes
}

// elements reads all of b, nil if it is no DER.
func elements(b []byte) (out []*element) {
	for s := cryptobyte.String(b); !s.Empty(); {
		var content cryptobyte.String
		var tag der.Tag
		if !s.ReadAnyASN1(&content, &tag) {
			return nil
		}
		e := &element{tag: byte(tag), content: content}
		if e.tag&0x20 != 0 || e.tag == byte(der.OCTET_STRING) && len(content) > 2 && content[0] == byte(der.SEQUENCE) {
			e.inner = elements(content)
		}
		out = append(out, e)
	}
	return out
}

func (e *element) append(to []byte) []byte {
	content := e.clone().content
	n := len(content)
	to = append(to, e.tag)
	switch {
	case n < 128 && !e.longer:
		to = append(to, byte(n))
	case n < 256 && (n < 128 || !e.longer):
		to = append(to, 0x81, byte(n))
	case n < 1<<16 && (n < 256 || !e.longer):
		to = append(to, 0x82, byte(n>>8), byte(n))
	default:
		to = append(to, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(to, content...)
}

// parents lists every element that has others in it.
func parents(list []*element) (out []*element) {
	for _, e := range list {
		if len(e.inner) > 0 {
			out = append(append(out, e), parents(e.inner)...)
		}
	}
	return out
}

// der changes one element of DER, mostly so that the result is DER again: the
// lengths of the elements around it fit the change.
func (m *mutator) der(b []byte) []byte {
	list := elements(b)
	all := parents(list)
	if len(all) == 0 {
		return m.bytes(b)
	}
	in, from := pick(m, all...), pick(m, all...)
	i, j := m.rng.IntN(len(in.inner)), m.rng.IntN(len(from.inner))
	x := in.inner[i]
	switch m.rng.IntN(9) {
	case 0:
		in.inner = slices.Delete(in.inner, i, i+1)
		if len(in.inner) == 0 {
			in.content = nil
		}
	case 1:
		in.inner = slices.Insert(in.inner, i, x)
	case 2:
		x.tag = pick(m, x.tag^0x20, x.tag^0x80, x.tag+1, x.tag|0x1f, 5, 4, 0x30, 0x31, 0xa0, 0xa1, 2, 1, 0x17, 0x18)
	case 3:
		x.longer = true
	case 4:
		in.inner[i] = from.inner[j].clone()
	case 5:
		k := m.rng.IntN(len(in.inner))
		in.inner[i], in.inner[k] = in.inner[k], in.inner[i]
	case 6:
		x.inner, x.content = nil, pick(m, nil, []byte{0}, []byte{1}, []byte{3}, []byte{0x80, 1}, []byte{0, 0x80},
			[]byte{0, 1}, []byte{0xff}, bytes.Repeat([]byte{0x7f}, 9), append([]byte{0}, x.content...),
			append(bytes.Clone(x.content), 0), []byte("20231114221500Z"), []byte("20230230000000.5Z"),
			[]byte("231114221500Z"),
			[]byte("2311142215Z"), []byte("20231114221500.50Z"), []byte("00000101000000Z"), []byte("99991231235960Z"))
	default:
		if len(x.inner) > 0 || len(x.content) == 0 {
			x.inner, x.content = nil, m.bytes(append(bytes.Clone(x.content), 5, 0))
			break
		}
		x.content = m.bytes(x.content)
	}
	var out []byte
	for _, e := range list {
		out = e.append(out)
	}
	return out
}

// clone is a copy of an element and of everything in it: a copy may be put
// in place of an element inside of the one that it was copied from.
func (e *element) clone() *element {
	out := &element{tag: e.tag, content: e.content}
	if len(e.inner) > 0 {
		out.content = nil
		for _, x := range e.inner {
			out.content = x.append(out.content)
		}
	}
	return out
}
