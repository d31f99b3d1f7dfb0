// SPDX-License-Identifier: Apache-2.0

package verdicttest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Mutations returns n cases that differ from honest ones in one to three ways
// each, the same for the same seed: fields that are repeated, of another type,
// in a second spelling, swapped between receipts or stripped, bits that are
// flipped, in the receipt, its anchor, its checkpoint and its time stamp, and in
// the trust file and its certificates.
func Mutations(seed uint64, n int) []Case {
	m := mutator{rng: rand.New(rand.NewPCG(seed, 1)), honest: HonestCases()}
	forged, stamps := forgedReceipts(), RefusedStamps()
	out := make([]Case, 0, n)
	for i := range n {
		c := m.honest[m.rng.IntN(len(m.honest))]
		switch m.rng.IntN(16) {
		case 0, 1:
			c.Receipt = forged[m.rng.IntN(len(forged))]
			c.Name += ", an anchor made by anybody"
		case 2:
			c = stamps[m.rng.IntN(len(stamps))]
		}
		for range 1 + m.rng.IntN(3)/2 {
			m.change(&c)
		}
		c.Name = fmt.Sprintf("%d: %s", i, c.Name)
		out = append(out, c)
	}
	return out
}

type mutator struct {
	rng    *rand.Rand
	honest []Case
}

func pick[T any](m *mutator, of ...T) T { return of[m.rng.IntN(len(of))] }

// change does one thing to one of the two texts.
func (m *mutator) change(c *Case) {
	if m.rng.IntN(2) == 0 && m.stamp(c) {
		return
	}
	if m.rng.IntN(3) == 0 {
		other := pick(m, m.honest...).Trust
		c.Trust = m.object(c, "trust", c.Trust, other, 0)
		return
	}
	other := pick(m, m.honest...).Receipt
	c.Receipt = m.object(c, "receipt", c.Receipt, other, 0)
}

// member is a field of a JSON object, as text.
type member struct{ name, value string }

// members reads the fields of an object, nil if b is none.
func members(b []byte) (out []member) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil
		}
		quoted, _ := json.Marshal(name)
		out = append(out, member{string(quoted), string(v)})
	}
	return out
}

func joinMembers(ms []member) []byte {
	fields := make([]string, len(ms))
	for i, x := range ms {
		fields[i] = x.name + ":" + x.value
	}
	return []byte("{" + strings.Join(fields, ",") + "}")
}

// object changes one field of an object, or of an object in it.
func (m *mutator) object(c *Case, path string, b, other []byte, depth int) []byte {
	ms, os := members(b), members(other)
	if len(ms) == 0 {
		c.Name += ", junk behind " + path
		return append(bytes.Clone(b), pick(m, "x", "{}", " 1", ",")...)
	}
	i := m.rng.IntN(len(ms))
	x := &ms[i]
	if depth < 2 && strings.HasPrefix(x.value, "{") && m.rng.IntN(4) > 0 {
		inner := []byte("{}")
		if j := slices.IndexFunc(os, func(o member) bool { return o.name == x.name }); j >= 0 {
			inner = []byte(os[j].value)
		}
		x.value = string(m.object(c, path+"."+x.name, []byte(x.value), inner, depth+1))
		return joinMembers(ms)
	}
	say := func(what string) { c.Name += fmt.Sprintf(", %s: %s %s", path, x.name, what) }
	switch m.rng.IntN(12) {
	case 0:
		say("repeated")
		ms = slices.Insert(ms, m.rng.IntN(len(ms)+1), *x)
	case 1:
		say("stripped")
		if m.rng.IntN(2) == 0 {
			ms = slices.Delete(ms, i, i+1)
		} else {
			x.value = pick(m, "null", `""`, "[]", "0", "{}", "false", `"0x0000000000000000000000000000000000000000"`)
		}
	case 2:
		if m.rng.IntN(2) == 0 {
			return m.strip(c, ms)
		}
		return m.swap(c, ms, os)
	case 3, 4:
		return m.swap(c, ms, os)
	case 5:
		say("of another type")
		x.value = pick(m, "null", "true", "1", "-1", "1.5", "1e3", "18446744073709551616", `"x"`, "[]", "[1]", "{}",
			`{"a":1}`, `[["a"]]`, "[null]", `"1"`, "["+x.value+"]")
	case 6:
		say("in a second spelling")
		x.value = m.respell(x.value)
	case 7:
		say("under another name")
		x.name = pick(m, strings.ToUpper(x.name), `" `+x.name[1:], `"`+strings.ToUpper(x.name[1:2])+x.name[2:],
			`"\u00`+fmt.Sprintf("%02x", x.name[1])+x.name[2:], `"extra"`)
	case 8:
		say("out of order")
		j := m.rng.IntN(len(ms))
		ms[i], ms[j] = ms[j], ms[i]
	case 9:
		c.Name += ", white space or junk around " + path
		return []byte(pick(m, " ", "\n", "\ufeff", "\x00", "") + string(joinMembers(ms)) + pick(m, "\n", " ", "{}", "x",
			"\x00", ",", "null", "\u00a0"))
	default:
		say("bent")
		x.value = m.mutateValue(x.value)
	}
	return joinMembers(ms)
}

// strip removes several parts at once, as somebody would to hide that they are
// wrong.
func (m *mutator) strip(c *Case, ms []member) []byte {
	from := m.rng.IntN(len(ms))
	c.Name += ", stripped from " + ms[from].name
	var out []member
	for i, x := range ms {
		switch {
		case i < from || x.name == `"index"`:
		case x.name == `"anchor"` || x.name == `"timestamp"` || m.rng.IntN(4) == 0:
			continue
		default:
			x.value = "null"
		}
		out = append(out, x)
	}
	return joinMembers(out)
}

// swap takes one to three fields from another text.
func (m *mutator) swap(c *Case, ms, os []member) []byte {
	for range 1 + m.rng.IntN(3) {
		if len(os) == 0 {
			break
		}
		o := pick(m, os...)
		c.Name += ", swapped " + o.name
		if i := slices.IndexFunc(ms, func(x member) bool { return x.name == o.name }); i >= 0 {
			ms[i] = o
		} else {
			ms = append(ms, o)
		}
	}
	return joinMembers(ms)
}

// respell writes a value in another way that means the same.
func (m *mutator) respell(v string) string {
	switch {
	case strings.HasPrefix(v, `"`) && len(v) > 4:
		return pick(m, setUnusedBit(v), v[:1]+fmt.Sprintf(`\u%04x`, v[1])+v[2:], v[:len(v)-1]+`\n"`, strings.ToUpper(v),
			strings.ToLower(v),
			strings.ReplaceAll(v, "/", `\/`), v[:len(v)-1]+` "`, `"`+" "+v[1:], strings.TrimRight(v,
				`="`)+`"`, strings.ReplaceAll(v, "+", "-"), `"0X`+v[3:])
	case v == "null":
		return pick(m, `""`, "[]", "{}", "Null", `"null"`)
	case strings.HasPrefix(v, "[") && len(v) > 2:
		return pick(m, "["+v[1:len(v)-1]+","+v[1:], v[:len(v)-1]+",null]", v[:len(v)-1]+`,""]`, "[ "+v[1:])
	}
	return pick(m, v+".0", v+"e0", "0"+v, "+"+v, "-"+v, `"`+v+`"`, " "+v+" ")
}

// setUnusedBit sets unused bits of the last base64 digit, if there are any.
func setUnusedBit(v string) string {
	i := strings.IndexByte(v, '=')
	if i <= 1 {
		return v
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	d := strings.IndexByte(digits, v[i-1])
	if d < 0 {
		return v
	}
	return v[:i-1] + string(digits[d^1]) + v[i:]
}

// mutateValue changes bytes inside a value: of a byte string, of a checkpoint's lines,
// or of the text itself.
func (m *mutator) mutateValue(v string) string {
	if len(v) > 2 && v[0] == '"' {
		if raw, err := base64.StdEncoding.DecodeString(v[1 : len(v)-1]); err == nil && len(raw) > 0 {
			return `"` + base64.StdEncoding.EncodeToString(m.bytes(raw)) + `"`
		}
	}
	b := []byte(v)
	b[m.rng.IntN(len(b))] ^= 1 << m.rng.IntN(7)
	return string(b)
}

func (m *mutator) bytes(raw []byte) []byte {
	if lines := bytes.SplitAfter(raw, []byte("\n")); len(lines) > 3 && m.rng.IntN(2) == 0 {
		i, j := m.rng.IntN(len(lines)), m.rng.IntN(len(lines))
		switch m.rng.IntN(3) {
		case 0:
			lines[i], lines[j] = lines[j], lines[i]
		case 1:
			lines = slices.Delete(lines, i, i+1)
		default:
			lines = slices.Insert(lines, i, lines[j])
		}
		return bytes.Join(lines, nil)
	}
	switch m.rng.IntN(4) {
	case 0:
		return raw[:m.rng.IntN(len(raw))]
	case 1:
		return append(bytes.Clone(raw), raw[m.rng.IntN(len(raw)):]...)
	}
	out := bytes.Clone(raw)
	out[m.rng.IntN(len(out))] ^= 1 << m.rng.IntN(8)
	return out
}
